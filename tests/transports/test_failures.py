"""What each failure of a connection is called, and that it says nothing it should not."""

from __future__ import annotations

import socket
import ssl
import traceback

import pytest

from oauthreg._errors import ConnectionFailedError, TlsError, TransportError
from oauthreg._flow import TokenRequest

SECRET = "planted-S3CRET"


def ask(url):
    return TokenRequest(
        url=f"{url}?key={SECRET}",
        form=(("client_secret", SECRET),),
        headers=(("Authorization", f"Basic {SECRET}"),),
        single_use=True,
    )


def failure(send, url):
    """Let a request fail, and check what holds for each error."""
    with pytest.raises(TransportError) as caught:
        send(ask(url))
    error = caught.value
    assert error.endpoint == url
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = "".join(traceback.format_exception(error)) + repr(error.__dict__)
    assert SECRET not in shown
    return error


@pytest.fixture
def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def test_a_refused_connection(send, closed_port):
    error = failure(send, f"http://127.0.0.1:{closed_port}/token")
    assert isinstance(error, ConnectionFailedError)
    assert error.message == f"127.0.0.1:{closed_port} refused the connection"
    assert error.retryable
    assert "that the server is running" in error.hint


def test_a_name_that_does_not_exist(send):
    error = failure(send, "https://no-such-host.invalid/token")
    assert isinstance(error, ConnectionFailedError)
    assert error.message == "the name of no-such-host.invalid:443 cannot be resolved"
    assert "host name" in error.hint


def test_a_network_that_cannot_be_reached(send):
    error = failure(send, "https://255.255.255.255/token")
    assert isinstance(error, ConnectionFailedError)
    assert error.message.startswith("no connection to 255.255.255.255:443: ")


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def serve_any(request, sender, serve, authority):
    """Start a server, plain or with TLS, and return it and how to ask it."""

    def start(script):
        server = serve(script, context=authority.server_context() if request.param else None)
        return server, sender(ca_bundle=authority.bundle)

    return start


def hang_up(line):
    line.request()


def reset(line):
    line.request()
    line.reset()


def garbage(line):
    line.request()
    line.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def half_a_status_line(line):
    line.request()
    line.send(b"HTTP/1.1 20")


def half_a_header(line):
    line.request()
    line.send(b"HTTP/1.1 200 OK\r\nContent-Type: app")


def endless_header(line):
    line.request()
    line.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n")
    line.hold()


def short_body(line):
    line.request()
    line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")


def short_chunks(line):
    line.request()
    line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (hang_up, "closed the connection without an answer"),
        (reset, "closed the connection without an answer"),
        (garbage, "is not HTTP"),
        (endless_header, "is not HTTP"),
        (half_a_status_line, "is not HTTP, or was cut short"),
        (half_a_header, "is not HTTP, or was cut short"),
        (short_body, "broke off in the middle of its answer"),
        (short_chunks, "broke off in the middle of its answer"),
    ],
)
def test_an_answer_that_is_none(serve_any, script, said):
    server, send = serve_any(script)
    error = failure(send, server.url())
    assert isinstance(error, ConnectionFailedError)
    assert said in error.message
    assert f"127.0.0.1:{server.port}" in error.message
    assert ("write https" in (error.hint or "")) == (
        "without an answer" in said and server.url().startswith("http:")
    )
    assert error.retryable
    assert len(server.requests) == 1


def test_plain_http_to_a_tls_port(send, serve, authority):
    server = serve(context=authority.server_context())
    error = failure(send, server.url().replace("https", "http"))
    assert isinstance(error, ConnectionFailedError)


def test_a_connection_closed_in_the_handshake(sender, serve, authority):
    server = serve(lambda line: line.sock.recv(1))
    error = failure(sender(ca_bundle=authority.bundle), server.url().replace("http", "https"))
    assert isinstance(error, ConnectionFailedError)
    assert error.message.startswith(f"no connection to 127.0.0.1:{server.port}: ")


def test_https_to_a_plain_port(sender, serve, authority):
    server = serve(lambda line: (line.sock.recv(1), line.send(b"HTTP/1.1 400 Bad\r\n\r\n")))
    error = failure(sender(ca_bundle=authority.bundle), server.url().replace("http", "https"))
    assert isinstance(error, TlsError)
    assert "speaks no TLS" in error.hint
    assert not error.retryable


def test_an_unknown_ca_names_the_setting_and_what_it_is_now(
    sender, serve, authority, other_authority
):
    server = serve(context=authority.server_context())
    error = failure(sender(name="corp", ca_bundle=other_authority.bundle), server.url())
    assert isinstance(error, TlsError)
    assert error.message.startswith(f"no TLS connection with 127.0.0.1:{server.port}: ")
    assert "http.corp.ca-bundle" in error.hint
    assert str(other_authority.bundle) in error.hint
    assert not error.retryable


def test_an_expired_certificate(sender, serve, authority):
    server = serve(context=authority.server_context(days=-1))
    error = failure(sender(ca_bundle=authority.bundle), server.url())
    assert isinstance(error, TlsError)
    assert "certificate has expired" in error.message
    assert "Renew" in error.hint


@pytest.mark.parametrize("name", ["elsewhere.example", "127.0.0.9"])
def test_a_certificate_for_another_name(sender, serve, authority, name):
    server = serve(context=authority.server_context(name))
    error = failure(sender(ca_bundle=authority.bundle), server.url())
    assert isinstance(error, TlsError)
    assert "mismatch" in error.message
    assert "name 127.0.0.1" in error.hint


def test_a_server_that_wants_a_certificate(sender, serve, authority):
    context = authority.server_context()
    context.verify_mode = 2
    context.load_verify_locations(authority.bundle)
    error = failure(sender(ca_bundle=authority.bundle), serve(context=context).url())
    assert isinstance(error, TlsError)
    assert "certificate required" in error.message
    assert "certificate-file" in error.hint


def test_another_alert_of_the_server_says_nothing_about_client_certificates(
    sender, serve, authority
):
    context = authority.server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")  # for a key that it does not have
    error = failure(sender(ca_bundle=authority.bundle), serve(context=context).url())
    assert isinstance(error, TlsError)
    assert "handshake failure" in error.message
    assert "certificate-file" not in error.hint
