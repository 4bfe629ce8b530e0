"""A cloud's metadata service: asked in the clear, past every proxy, and only by who may."""

from __future__ import annotations

import socket

import pytest

from oauthreg._errors import ConnectionFailedError
from oauthreg._flow import TokenRequest
from oauthreg._registration import HttpProfile
from oauthreg._transports.address import parse
from oauthreg._transports.exchange import METADATA_SECONDS, Exchange

LINK_LOCAL = "169.254.169.254"
URL = f"http://{LINK_LOCAL}/metadata/identity/oauth2/token?resource=x"
GOOGLE = "http://metadata.google.internal/computeMetadata/v1/token"


@pytest.fixture
def metadata_service(serve, monkeypatch):
    """A server that stands where the metadata service is."""
    server, real = serve(), socket.socket.connect

    def connect(sock, place):
        assert place == (LINK_LOCAL, 80)
        return real(sock, ("127.0.0.1", server.port))

    monkeypatch.setattr(socket.socket, "connect", connect)
    return server


def found_at(monkeypatch, *addresses):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def asked(url, **how):
    return TokenRequest(url=url, method="GET", **how)


@pytest.mark.parametrize("url", [URL, GOOGLE])
def test_it_is_asked_by_plain_http(send, metadata_service, monkeypatch, url):
    found_at(monkeypatch, LINK_LOCAL)
    assert send(asked(url, link_local=True)).status == 200
    assert metadata_service.requests[0].startswith(b"GET /")


def test_it_is_asked_past_every_proxy(sender, metadata_service, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    monkeypatch.setenv("all_proxy", "http://192.0.2.1:3128")
    send = sender(proxy="http://192.0.2.1:3128")
    assert send(asked(URL, link_local=True)).status == 200


@pytest.mark.parametrize("url", [URL, GOOGLE])
def test_nobody_else_may_ask_it(send, monkeypatch, url):
    monkeypatch.setattr(socket.socket, "connect", None)
    with pytest.raises(ConnectionFailedError, match="nothing was sent"):
        send(asked(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.253/",
        f"http://{LINK_LOCAL}:8080/",
        "http://example.internal/",
        "http://x.metadata.google.internal/",
        "http://10.0.0.1/",
    ],
)
def test_whoever_may_ask_it_may_ask_nothing_else_in_the_clear(send, monkeypatch, url):
    monkeypatch.setattr(socket.socket, "connect", None)
    with pytest.raises(ConnectionFailedError, match="nothing was sent"):
        send(asked(url, link_local=True))


def test_its_name_has_to_lead_there(send, monkeypatch):
    found_at(monkeypatch, LINK_LOCAL, "192.0.2.1")
    monkeypatch.setattr(socket.socket, "connect", None)
    with pytest.raises(ConnectionFailedError, match=f"it is not at {LINK_LOCAL}") as caught:
        send(asked(GOOGLE, link_local=True))
    assert not caught.value.retryable


def test_it_gets_less_time_to_accept_a_connection():
    exchange = Exchange(HttpProfile(), parse(URL, link_local=True), None)
    exchange.connecting()
    assert exchange.limit() <= METADATA_SECONDS < HttpProfile().connect_timeout
