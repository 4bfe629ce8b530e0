"""How many connections there are at most, how long an idle one is kept, and how it is used."""

from __future__ import annotations

import threading
import time

import pytest

from oauthreg._errors import TimedOutError
from oauthreg._flow import TokenRequest
from oauthreg._transports import idle

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def ask(server, **changes):
    return TokenRequest(url=server.url(), form=(("a", "b"),), **changes)


@pytest.fixture
def sleep(monkeypatch):
    """Let so many seconds pass, by the wall clock or by the monotonic one."""
    passed = {"monotonic": 0.0, "wall": 0.0}
    real = idle.read_clocks

    def read_clocks():
        monotonic, wall = real()
        return monotonic + passed["monotonic"], wall + passed["wall"]

    monkeypatch.setattr(idle, "read_clocks", read_clocks)

    def sleep(seconds, clock="monotonic"):
        passed[clock] += seconds

    return sleep


@pytest.mark.parametrize("clock", ["monotonic", "wall"])
def test_a_connection_that_was_idle_for_30_seconds_is_closed(sender, serve, sleep, clock):
    server, send = serve(), sender()
    send(ask(server))
    sleep(29, clock)
    send(ask(server))
    assert server.connections == 1
    sleep(31, clock)
    send(ask(server))
    assert server.connections == 2
    server.threads[1].join(5)
    assert not server.threads[1].is_alive()


def silent_first_connection(line):
    """Answer one request on the first connection, and every one on others."""
    line.request()
    line.send(OK)
    if line.server.connections == 1:
        line.request()
        line.hold()
    while line.request() is not None:
        line.send(OK)


def test_a_connection_that_was_dropped_while_idle_leaves_time_for_a_new_one(sender, serve, sleep):
    server, send = serve(silent_first_connection), sender(total_timeout=1.0)
    send(ask(server))
    sleep(10)
    started = time.monotonic()
    assert send(ask(server)).status == 200
    assert 0.4 < time.monotonic() - started < 0.9
    assert (server.connections, len(server.requests)) == (2, 3)


def test_a_connection_that_was_used_just_now_gets_the_whole_time(sender, serve, sleep):
    server, send = serve(silent_first_connection), sender(total_timeout=0.4)
    send(ask(server))
    sleep(9)
    with pytest.raises(TimedOutError, match="total timeout"):
        send(ask(server))
    assert server.connections == 1


def test_after_the_first_byte_an_answer_gets_the_whole_time(sender, serve, sleep):
    def slow_body(line):
        while line.request() is not None:
            line.send(OK[:20])
            line.server.stopping.wait(0.4 * (len(line.server.requests) - 1))
            line.send(OK[20:])

    server, send = serve(slow_body), sender(total_timeout=0.6)
    send(ask(server))
    sleep(10)
    assert send(ask(server)).status == 200
    assert server.connections == 1


def test_a_single_use_request_goes_over_a_new_connection_after_10_idle_seconds(
    sender, serve, sleep
):
    server, send = serve(silent_first_connection), sender()
    send(ask(server))
    sleep(10)
    assert send(ask(server, single_use=True)).status == 200
    assert (server.connections, len(server.requests)) == (2, 2)


def test_a_single_use_request_is_not_sent_twice_when_nothing_comes_back(sender, serve):
    server, send = serve(silent_first_connection), sender(total_timeout=0.3)
    send(ask(server))
    with pytest.raises(TimedOutError):
        send(ask(server, single_use=True))
    assert (server.connections, len(server.requests)) == (1, 2)


def test_a_connection_given_back_after_closing_is_closed():
    closed = []

    class Connection:
        def close(self):
            closed.append(self)

    connections = idle.IdleConnections(2)
    connections.close()
    connections.give_back(idle.ConnectionKey("http", "a", 80, None, None), Connection())
    assert len(closed) == 1


# --- How many ---


def counting(line):
    """Answer after a moment, and note how many connections were open meanwhile."""
    server = line.server
    with server.counting:
        server.open += 1
        server.most = max(server.most, server.open)
    try:
        while line.request() is not None:
            server.stopping.wait(0.02)
            line.send(OK)
    finally:
        with server.counting:
            server.open -= 1


@pytest.fixture
def counted(serve):
    def start(**options):
        server = serve(counting, **options)
        server.counting, server.open, server.most = threading.Lock(), 0, 0
        return server

    return start


def test_no_more_connections_than_the_profile_allows(sender, counted):
    server, send = counted(), sender(max_connections=3)
    answers = send.at_once([ask(server)] * 20)
    assert [answer.status for answer in answers] == [200] * 20
    assert server.most == server.connections == 3


def test_idle_connections_to_one_server_make_room_for_another(sender, counted):
    servers, send = [counted() for _ in range(4)], sender(max_connections=2)
    for server in servers:
        send.at_once([ask(server)] * 2)
    send(ask(servers[3]))
    assert [server.connections for server in servers] == [2, 2, 2, 2]
    for server in servers[:3]:
        for thread in server.threads[1:]:
            thread.join(5)
        assert server.open == 0


def test_who_waits_in_vain_for_a_connection_blames_nobody(sender, serve):
    arrived = threading.Event()

    def silent(line):
        line.request()
        arrived.set()
        line.hold()

    server, send = serve(silent), sender(max_connections=1, name="small")
    with pytest.raises(TimedOutError, match="no connection became free") as caught:
        send.beside(ask(server), arrived, ask(server))
    assert caught.value.local
    assert "http.small.max-connections (1)" in caught.value.hint
    assert len(server.requests) == 1
