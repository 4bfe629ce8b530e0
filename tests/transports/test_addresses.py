"""Nothing is sent in the clear but to loopback."""

from __future__ import annotations

import asyncio
import socket

import pytest

from oauthreg._errors import ConnectionFailedError
from oauthreg._flow import TokenRequest
from oauthreg._transports.address import parse


def resolving_to(monkeypatch, *addresses):
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **options):
        if host not in {"localhost", b"localhost"}:
            return real(host, port, *args, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/t",
        "http://example.org/t",
        "http://128.0.0.1/t",
        "http://[::2]/t",
        "http://[::ffff:127.0.0.1]/t",
        "http://127.0.0.1.example.org/t",
        "http://localhost.example.org/t",
        "http://0.0.0.0/t",
    ],
)
def test_plain_http_goes_to_loopback_only(send, monkeypatch, url):
    monkeypatch.setattr(socket.socket, "connect", None)
    with pytest.raises(ConnectionFailedError, match=r"127\.0\.0\.0/8") as caught:
        send(TokenRequest(url=f"{url}?secret=1"))
    assert url in caught.value.message
    assert "secret" not in str(caught.value)
    assert not caught.value.retryable
    assert caught.value.endpoint == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/token",
        "example.org/token",
        "ftp://example.org/",
        "https://",
        "https://user@/t",
        "https://host:99999/",
        "https://host:x/",
        "https://a b/",
        "https://[::1/",
        "ftp://127.0.0.1:80/",
        "http://127.1/t",
        "http://127.300.0.1/t",
        "http://localhost./t",
        "https://host:0/t",
        "https://host/{tenant}/t",
        "https://host/t#part",
        "https://a\u200d..\u00e9/",
    ],
)
def test_what_is_no_address_is_not_asked(send, url):
    with pytest.raises(ConnectionFailedError, match="not an address") as caught:
        send(TokenRequest(url=url))
    assert not caught.value.retryable
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_any_address_of_127_8_is_loopback(send, serve):
    server = serve(host="127.3.2.1")
    assert send(TokenRequest(url=server.url())).status == 200


def test_ipv6_loopback(send, serve):
    server = serve(family=socket.AF_INET6, host="::1")
    url = server.url(host="[::1]")
    assert send(TokenRequest(url=url)).status == 200
    assert f"Host: [::1]:{server.port}".encode() in server.requests[0]


def test_localhost_where_every_address_is_loopback(send, serve, monkeypatch):
    resolving_to(monkeypatch, "127.0.0.1")
    server = serve()
    assert send(TokenRequest(url=server.url(host="localhost"))).status == 200


def test_localhost_where_one_address_is_not_loopback(send, serve, monkeypatch):
    resolving_to(monkeypatch, "127.0.0.1", "192.0.2.1")
    server = serve()
    with pytest.raises(ConnectionFailedError, match="nothing was sent") as caught:
        send(TokenRequest(url=server.url(host="localhost")))
    assert not caught.value.retryable
    assert server.connections == 0


def test_the_next_address_of_a_name_is_tried(serve, monkeypatch, send):
    server = serve(host="127.0.0.2")
    resolving_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    assert send(TokenRequest(url=server.url(host="localhost"))).status == 200


def test_an_international_name_and_a_default_port():
    address = parse("https://b\u00fccher.example/token")
    assert (address.host, address.port) == ("xn--bcher-kva.example", 443)
    assert address.url == "https://xn--bcher-kva.example/token"


def test_the_same_loop_resolves_as_the_monkeypatch_says(monkeypatch):
    resolving_to(monkeypatch, "127.0.0.9")

    async def resolved():
        return await asyncio.get_running_loop().getaddrinfo("localhost", 1)

    assert asyncio.run(resolved())[0][4][0] == "127.0.0.9"
