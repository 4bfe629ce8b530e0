"""The environment may say a proxy and the trusted roots, and nothing else."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from oauthreg._errors import ConnectionFailedError, TlsError
from oauthreg._flow import TokenRequest
from oauthreg._registration import HttpProfile
from oauthreg._transports import proxy, trust
from oauthreg._transports.address import parse


def ask(url):
    return TokenRequest(url=url, form=(("a", "b"),), headers=(("Authorization", "Basic b3Vycw=="),))


# --- .netrc, cookies, http_proxy ---


def test_netrc_cookies_and_http_proxy_change_no_byte(sender, serve, monkeypatch, tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 2\r\n\r\n{}"
    server, intruder = serve(answer), serve()
    sender()(ask(server.url()))
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login evil password evil\ndefault login e password e\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, intruder.url(""))
    send = sender()
    send(ask(server.url()))
    send(ask(server.url()))
    assert len(set(server.requests)) == 1
    assert len(server.requests) == 3
    assert intruder.connections == 0


# --- Trusted roots ---


@pytest.fixture
def tls(serve, authority):
    return serve(context=authority.server_context())


def test_the_bundle_of_the_profile_beats_the_environment(
    sender, tls, authority, other_authority, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other_authority.bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(other_authority.bundle))
    assert sender(ca_bundle=authority.bundle)(ask(tls.url())).status == 200
    with pytest.raises(TlsError):
        sender()(ask(tls.url()))


def test_the_bundle_holds_after_a_request_in_the_clear(sender, serve, tls, authority):
    send = sender(ca_bundle=authority.bundle)
    assert send(ask(serve().url())).status == 200
    assert send(ask(tls.url())).status == 200


def test_requests_ca_bundle_beats_ssl_cert_file(
    sender, tls, authority, other_authority, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(other_authority.bundle))
    assert sender()(ask(tls.url())).status == 200


def test_ssl_cert_file_holds_where_nothing_else_is_said(sender, tls, authority, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    assert sender()(ask(tls.url())).status == 200


ROOTS = [("CURL_CA_BUNDLE", "~/ca.pem"), ("SSL_CERT_FILE", " ~/ca.pem ")]
ROOTS += [("SSL_CERT_DIR", "~/hashed")] if shutil.which("openssl") else []


@pytest.fixture
def bare_home(authority, monkeypatch):
    """Make the folder of the test's CA the home, and name no roots."""
    for name in trust.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(authority.folder))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", " ")


@pytest.mark.parametrize(("name", "value"), ROOTS)
@pytest.mark.usefixtures("bare_home")
def test_the_roots_of_other_tools_are_trusted(*, sender, tls, authority, monkeypatch, name, value):
    if name == "SSL_CERT_DIR":
        folder = authority.folder / "hashed"
        folder.mkdir(exist_ok=True)
        command = ["openssl", "x509", "-hash", "-noout", "-in", authority.bundle]
        subject = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        (folder / f"{subject.strip()}.0").write_bytes(authority.bundle.read_bytes())
    monkeypatch.setenv(name, value)
    assert sender()(ask(tls.url())).status == 200


def test_certifi_is_the_last_resort(sender, tls, monkeypatch):
    for name in trust.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(TlsError) as caught:
        sender()(ask(tls.url()))
    assert "certifi" in caught.value.hint


def test_a_folder_of_roots_is_read(sender, tls, tmp_path):
    with pytest.raises(TlsError, match="no TLS connection"):
        sender(ca_bundle=tmp_path)(ask(tls.url()))


def test_a_missing_file_of_roots_is_named(sender, tls, tmp_path):
    path = tmp_path / "nowhere.pem"
    with pytest.raises(TlsError, match=r"nowhere\.pem .*http\.default\.ca-bundle.* No such file"):
        sender(ca_bundle=path)(ask(tls.url()))
    assert tls.connections == 0


@pytest.mark.parametrize("text", ["", "no certificate"])
def test_a_file_without_roots_is_named(sender, tls, tmp_path, text, monkeypatch):
    path = tmp_path / "empty.pem"
    path.write_text(text)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with pytest.raises(TlsError, match=r"empty\.pem \(named by REQUESTS_CA_BUNDLE\)") as caught:
        sender()(ask(tls.url()))
    assert caught.value.endpoint == tls.url()
    assert caught.value.hint == "Correct REQUESTS_CA_BUNDLE, or take it away"
    assert tls.connections == 0


# --- Proxies: the target's name exists nowhere, the proxy alone leads to it ---

TARGET = "https://auth.invalid/token"


@pytest.fixture
def tunnel(serve, authority):
    """Start a proxy that speaks for the target at the end of its own tunnels."""

    def start(answer=b"HTTP/1.1 200 Connection established\r\n\r\n", context=None):
        inner = authority.server_context("auth.invalid")

        def script(line):
            line.request()
            line.send(answer)
            if b" 200 " not in answer:
                return
            line.sock = inner.wrap_socket(line.sock, server_side=True)
            line.server.lines.append(line.sock)
            while line.request() is not None:
                line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        return serve(script, context=context)

    return start


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_proxy_of_the_environment_is_asked_for_a_tunnel(
    sender, tunnel, authority, monkeypatch, name
):
    server = tunnel()
    monkeypatch.setenv(name, f"127.0.0.1:{server.port}")
    send = sender(ca_bundle=authority.bundle)
    for _ in range(2):
        assert send(ask(TARGET)).body == b"{}"
    connect, first, second = server.requests
    assert connect.startswith(b"CONNECT auth.invalid:443 HTTP/1.")
    assert b"Basic" not in connect
    assert first == second
    assert first.startswith(b"POST /token HTTP/1.1\r\nHost: auth.invalid\r\n")
    assert server.connections == 1


def test_the_proxy_of_the_profile_beats_the_environment_and_gets_its_credentials(
    sender, tunnel, authority, monkeypatch
):
    server = tunnel()
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "*")
    send = sender(ca_bundle=authority.bundle, proxy=f"http://us%40er:p%3Aw@127.0.0.1:{server.port}")
    assert send(ask(TARGET)).status == 200
    assert b"Proxy-Authorization: Basic dXNAZXI6cDp3" in server.requests[0]
    assert b"Proxy-Authorization" not in server.requests[1]


def test_a_proxy_may_speak_tls_itself(sender, tunnel, authority, serve):
    outer = tunnel_through_tls(serve, authority)
    send = sender(ca_bundle=authority.bundle, proxy=outer.url(""))
    assert send(ask(TARGET)).status == 200
    assert send(ask(TARGET)).status == 200


def tunnel_through_tls(serve, authority):
    """A TLS proxy whose tunnel ends in a target: TLS inside TLS, through memory."""
    import ssl

    inner = authority.server_context("auth.invalid")

    def script(line):
        line.request()
        line.send(b"HTTP/1.1 200 OK\r\n\r\n")
        arrived, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = inner.wrap_bio(arrived, leaving, server_side=True)

        def pumped(action, *args):
            while True:
                try:
                    result = action(*args)
                except ssl.SSLWantReadError:
                    line.send(leaving.read())
                    data = line.sock.recv(65536)
                    if not data:
                        return b""
                    arrived.write(data)
                else:
                    line.send(leaving.read())
                    return result

        pumped(tls.do_handshake)
        while data := pumped(tls.read, 65536):
            if data.endswith(b"a=b"):
                pumped(tls.write, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    return serve(script, context=authority.server_context())


@pytest.mark.parametrize(("status", "retryable"), [(b"407 Auth", False), (b"502 Bad", True)])
def test_a_refused_tunnel_names_the_proxy(sender, tunnel, authority, status, retryable):
    server = tunnel(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
    send = sender(ca_bundle=authority.bundle, proxy=server.url(""))
    with pytest.raises(ConnectionFailedError) as caught:
        send(ask(TARGET))
    assert caught.value.message == (
        f"the proxy 127.0.0.1:{server.port} refused the tunnel to auth.invalid:443: "
        f"{status[:3].decode()}"
    )
    assert caught.value.retryable is retryable
    assert caught.value.hint == "The proxy is named by http.default.proxy"


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n"])
def test_a_proxy_that_makes_no_sense_is_named(sender, tunnel, authority, answer):
    server = tunnel(answer)
    with pytest.raises(ConnectionFailedError, match="no connection to the proxy"):
        sender(ca_bundle=authority.bundle, proxy=server.url(""))(ask(TARGET))


def test_a_proxy_that_refuses_the_connection_is_named(sender, authority, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(ConnectionFailedError, match=r"the proxy 127\.0\.0\.1:1 refused") as caught:
        sender(ca_bundle=authority.bundle)(ask(TARGET))
    assert caught.value.hint == "The proxy is named by https_proxy in the environment"


@pytest.mark.parametrize(
    "url",
    ["socks5://127.0.0.1:1", "http://", "http://host:x", "http://a b:1", "http://u:\1@host:1"],
)
def test_a_proxy_that_cannot_be_used(sender, url):
    with pytest.raises(ConnectionFailedError, match=r"the proxy of http\.corp\.proxy") as caught:
        sender(name="corp", proxy=url)(ask(TARGET))
    assert not caught.value.retryable
    assert caught.value.endpoint == TARGET


def test_a_proxy_is_never_asked_for_loopback(sender, serve, tls, authority):
    intruder = serve()
    send = sender(ca_bundle=authority.bundle, proxy=intruder.url(""))
    assert send(ask(tls.url())).status == 200
    assert intruder.connections == 0


@pytest.mark.parametrize(
    ("no_proxy", "url", "goes_directly"),
    [
        ("", TARGET, False),
        ("*", TARGET, True),
        ("auth.invalid", TARGET, True),
        ("other, invalid", TARGET, True),
        (".invalid", TARGET, True),
        ("*.invalid", TARGET, True),
        ("AUTH.INVALID:443", TARGET, True),
        ("auth.invalid:8443", TARGET, False),
        ("uth.invalid", TARGET, False),
        ("10.0.0.0/8", "https://10.1.2.3/t", True),
        ("10.0.0.0/8,", "https://11.1.2.3/t", False),
    ],
)
def test_no_proxy_is_honoured(monkeypatch, no_proxy, url, goes_directly):
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", no_proxy)
    chosen = proxy.choose(HttpProfile(), parse(url))
    assert (chosen is None) is goes_directly


def test_an_empty_variable_in_lower_case_hides_the_other(monkeypatch):
    monkeypatch.setenv("https_proxy", "")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert proxy.choose(HttpProfile(), parse(TARGET)) is None
    monkeypatch.delenv("https_proxy")
    chosen = proxy.choose(HttpProfile(), parse(TARGET))
    assert chosen is not None
    assert (chosen.url, chosen.peer) == ("http://proxy:3128", "the proxy proxy:3128")
