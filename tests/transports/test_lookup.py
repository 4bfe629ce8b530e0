"""Names are resolved once, within the time of the request, and connected to where they lead."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from oauthreg._errors import ConnectionFailedError, TimedOutError
from oauthreg._flow import TokenRequest


def ask(server, host="localhost"):
    return TokenRequest(url=server.url(host=host), form=(("a", "b"),))


@pytest.fixture
def resolver(monkeypatch):
    """Let `answers(n)` say what the n-th look-up of localhost finds; count them."""
    real = socket.getaddrinfo

    def install(answers):
        def getaddrinfo(host, *args, **options):
            if host != "localhost":
                return real(host, *args, **options)
            install.count += 1
            return answers(install.count)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return install

    install.count = 0
    return install


def at(port, *hosts):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]


def test_localhost_is_connected_to_where_it_was_found_to_be_loopback(send, serve, resolver):
    server = serve()
    elsewhere = at(server.port, "127.0.0.1"), at(server.port, "192.0.2.1")
    asked = resolver(lambda count: elsewhere[(count - 1) % 2])
    assert send(ask(server)).status == 200
    assert asked.count == 1


def test_localhost_that_is_elsewhere_too_is_not_connected_to(send, serve, resolver):
    server = serve()
    resolver(lambda _: at(server.port, "127.0.0.1", "192.0.2.1"))
    with pytest.raises(ConnectionFailedError, match="plain http is for loopback only"):
        send(ask(server))
    assert server.connections == 0


def test_a_look_up_that_hangs_ends_at_the_total_timeout(sender, serve, resolver):
    server, release = serve(), threading.Event()
    asked = resolver(lambda _: release.wait(5) and at(server.port, "127.0.0.1"))
    send = sender(total_timeout=0.2)
    started = time.monotonic()
    for _ in range(2):
        with pytest.raises(TimedOutError, match="total timeout"):
            send(ask(server))
    assert time.monotonic() - started < 2
    assert asked.count == 1  # the second joined the first
    release.set()


def test_those_who_resolve_a_name_at_once_share_one_look_up(sender, serve, resolver):
    server, release = serve(), threading.Event()
    threading.Timer(0.2, release.set).start()
    asked = resolver(lambda _: release.wait(5) and at(server.port, "127.0.0.1"))
    assert len(sender().at_once([ask(server)] * 8)) == 8
    assert asked.count == 1


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    sender, serve, resolver, full_listener
):
    server = serve()
    resolver(lambda _: [*at(full_listener, "127.0.0.1"), *at(server.port, "127.0.0.1")])
    started = time.monotonic()
    assert sender(connect_timeout=0.6)(ask(server)).status == 200
    assert 0.2 < time.monotonic() - started < 0.55


def test_the_failure_of_the_last_address_is_reported(send, resolver, serve):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        resolver(lambda _: at(closed.getsockname()[1], "127.0.0.1", "127.0.0.1"))
        with pytest.raises(ConnectionFailedError, match="refused the connection"):
            send(ask(serve()))
