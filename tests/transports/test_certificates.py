"""Client certificates (RFC 8705): each on connections of its own, and read again when changed."""

from __future__ import annotations

import os
import ssl

import pytest
from cryptography.hazmat.primitives import serialization

from oauthreg._errors import TlsError
from oauthreg._flow import ClientCertificate, TokenRequest


@pytest.fixture
def write(authority, tmp_path):
    """Write the files of a certificate, in place of an older one of the same files."""

    def written(name, files="client"):
        certificate_file, key_file = tmp_path / f"{files}.pem", tmp_path / f"{files}.key"
        key, certificate = authority.issue(name)
        certificate_file.write_bytes(certificate)
        key_file.write_bytes(key)
        for path in (certificate_file, key_file):  # whatever the grain of the file's clock
            os.utime(path, ns=(written.time, written.time))
        written.time += 1_000_000
        return ClientCertificate(certificate_file, key_file)

    written.time = 1_700_000_000_000_000_000
    return written


@pytest.fixture
def server(serve, authority):
    """Start a server that wants a client certificate, and answers with its name."""
    context = authority.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.bundle)

    def script(line):
        subject = dict(field for (field,) in line.sock.getpeercert()["subject"])
        name = subject["commonName"].encode()
        while line.request() is not None:
            line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name))

    return serve(script, context=context)


@pytest.fixture
def shown(sender, authority, server):
    """Send a request with a certificate; return whom the server took it from."""
    send = sender(ca_bundle=authority.bundle)

    def shown(certificate):
        request = TokenRequest(url=server.url(), form=(("a", "b"),), certificate=certificate)
        return send(request).body.decode()

    return shown


def test_a_certificate_is_shown_and_its_connection_kept(shown, write, server):
    certificate = write("a.example")
    assert [shown(certificate) for _ in range(3)] == ["a.example"] * 3
    assert server.connections == 1


def test_certificate_and_key_may_be_one_file(shown, write):
    certificate = write("a.example")
    both = certificate.certificate_file
    both.write_bytes(both.read_bytes() + certificate.key_file.read_bytes())
    assert shown(ClientCertificate(both, both)) == "a.example"


@pytest.mark.parametrize("root_first", [True, False])
def test_the_chain_may_be_in_any_order(shown, write, authority, other_authority, root_first):
    certificate = write("a.example")
    own = certificate.certificate_file.read_bytes()
    roots = authority.bundle.read_bytes() + other_authority.bundle.read_bytes()
    certificate.certificate_file.write_bytes(roots + own if root_first else own + roots)
    assert shown(certificate) == "a.example"


def test_a_chain_without_the_keys_certificate_is_refused(shown, write, authority):
    certificate = write("a.example")
    certificate.certificate_file.write_bytes(authority.bundle.read_bytes())
    with pytest.raises(TlsError, match="key values mismatch"):
        shown(certificate)


def test_two_registrations_show_each_its_own(shown, write, server):
    first, second = write("a.example", "first"), write("b.example", "second")
    assert [shown(first), shown(second), shown(first), shown(second)] == [
        "a.example",
        "b.example",
        "a.example",
        "b.example",
    ]
    assert server.connections == 2


def test_without_a_certificate_none_of_another_is_shown(shown, write):
    shown(write("a.example"))
    with pytest.raises(TlsError, match="certificate required"):
        shown(None)


def test_changed_files_are_read_again_and_the_old_connections_closed(shown, write, server):
    assert shown(write("a.example")) == "a.example"
    assert shown(write("b.example")) == "b.example"
    assert shown(write("b.example")) == "b.example"
    assert server.connections == 3
    for thread in server.threads[1:3]:
        thread.join(2)
        assert not thread.is_alive()


def test_files_that_were_only_half_replaced_are_an_error_until_they_fit(shown, write):
    certificate = write("a.example")
    assert shown(certificate) == "a.example"
    old_key = certificate.key_file.read_bytes()
    write("b.example")
    new_key = certificate.key_file.read_bytes()
    certificate.key_file.write_bytes(old_key)
    with pytest.raises(TlsError, match="key values mismatch"):
        shown(certificate)
    certificate.key_file.write_bytes(new_key)
    assert shown(certificate) == "b.example"


def encrypted(pem):
    key = serialization.load_pem_private_key(pem, None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )


@pytest.mark.parametrize("file", ["client.pem", "client.key"])
@pytest.mark.parametrize("change", [None, lambda _: b"", lambda _: b"nonsense"])
def test_a_certificate_that_cannot_be_read_is_named(shown, write, server, file, change):
    certificate = write("a.example")
    path = certificate.certificate_file.with_name(file)
    if change:
        path.write_bytes(change(path.read_bytes()))
    else:
        path.unlink()
    with pytest.raises(TlsError) as caught:
        shown(certificate)
    error = caught.value
    assert str(path) in error.message
    assert "cannot be read" in error.message
    assert (error.retryable, error.endpoint) == (False, server.url())
    assert server.connections == 0


def test_an_encrypted_key_is_an_error_and_no_question(shown, write, server):
    certificate = write("a.example")
    certificate.key_file.write_bytes(encrypted(certificate.key_file.read_bytes()))
    with pytest.raises(TlsError, match=r"client\.key cannot be read"):
        shown(certificate)
    assert server.connections == 0


def test_in_the_clear_there_is_nobody_to_show_it_to(send, serve, tmp_path):
    certificate = ClientCertificate(tmp_path / "nowhere", tmp_path / "nowhere")
    assert send(TokenRequest(url=serve().url(), certificate=certificate)).status == 200
