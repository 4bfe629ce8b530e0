"""Connections are kept; a request on one that had died is sent once more, where that is safe."""

from __future__ import annotations

import asyncio
import threading

import pytest

from oauthreg._errors import ConnectionFailedError
from oauthreg._flow import TokenRequest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def ask(server, **changes):
    return TokenRequest(url=server.url(), form=(("a", "b"),), **changes)


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def kept(request, serve, sender, authority):
    """Start a server, send a first request, and return how to send the next."""

    def start(script):
        server = serve(script, context=authority.server_context() if request.param else None)
        send = sender(ca_bundle=authority.bundle)
        assert send(ask(server)).status == 200
        return server, send

    return start


def test_a_connection_is_kept(kept):
    server, send = kept(OK)
    for _ in range(3):
        send(ask(server))
    assert (server.connections, len(server.requests)) == (1, 4)


def serves(count, then=lambda _: None):
    """The first connection answers so many requests, reads one more, and does `then`."""

    def script(line):
        answers = count if line.server.connections == 1 else 99
        while line.request() is not None:
            if not answers:
                then(line)
                return
            line.send(OK)
            answers -= 1

    return script


@pytest.mark.parametrize("then", [lambda _: None, lambda line: line.reset()], ids=["fin", "rst"])
def test_a_request_that_died_with_a_reused_connection_is_sent_once_more(kept, then):
    server, send = kept(serves(1, then))
    assert send(ask(server)).body == b"{}"
    assert (server.connections, len(server.requests)) == (2, 3)
    assert server.requests[1] == server.requests[2]
    send(ask(server))


def test_a_request_that_works_once_is_not_sent_once_more(kept):
    server, send = kept(serves(1))
    with pytest.raises(ConnectionFailedError, match="without an answer"):
        send(ask(server, single_use=True))
    assert len(server.requests) == 2


def test_a_request_is_not_sent_a_third_time(kept):
    def script(line):
        line.request()
        if line.server.connections == 1:
            line.send(OK)
            line.request()

    server, send = kept(script)
    with pytest.raises(ConnectionFailedError, match="without an answer"):
        send(ask(server))
    assert (server.connections, len(server.requests)) == (2, 3)


def test_a_request_on_a_new_connection_is_not_sent_once_more(send, serve):
    server = serve(lambda line: line.request())
    with pytest.raises(ConnectionFailedError):
        send(ask(server))
    assert len(server.requests) == 1


@pytest.mark.parametrize("start", [b"H", b"HTTP/1.1 200 OK\r\nX: y", b"garbage\r\n\r\n", OK[:-1]])
def test_after_a_byte_of_the_answer_nothing_is_sent_once_more(kept, start):
    server, send = kept(serves(1, lambda line: line.send(start)))
    with pytest.raises(ConnectionFailedError):
        send(ask(server))
    assert (server.connections, len(server.requests)) == (1, 2)


def test_a_connection_closed_while_idle_is_replaced_and_even_single_use_goes_on(kept):
    closed = []

    def script(line):
        line.request()
        line.send(OK)
        closed.append(True)

    server, send = kept(script)
    server.threads[1].join()
    assert send(ask(server, single_use=True)).status == 200
    assert (server.connections, len(server.requests)) == (2, 2)


EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


@pytest.mark.parametrize("unasked", [EVIL, EVIL * 300], ids=["short", "long"])
def test_what_a_server_sends_unasked_is_no_answer(kept, unasked):
    def script(line):
        while line.request() is not None:
            line.send(OK + unasked)

    server, send = kept(script)
    assert [send(ask(server)).body for _ in range(3)] == [b"{}"] * 3
    assert server.connections <= 4


def test_endless_unasked_data_is_not_read_without_a_bound(kept):
    answered, refused = threading.Event(), threading.Event()

    def script(line):
        line.request()
        line.send(OK)
        answered.wait(5)
        line.sock.settimeout(0.3)
        try:
            line.send(bytes(32 * 1024 * 1024))
        except TimeoutError:
            refused.set()

    _, send = kept(script)
    answered.set()
    if send.runner is None:
        assert refused.wait(10)
    else:
        assert send.runner.run(asyncio.to_thread(refused.wait, 10))


def test_a_failed_exchange_gives_its_connection_up(kept):
    server, send = kept(serves(1, lambda line: line.send(b"garbage\r\n\r\n")))
    with pytest.raises(ConnectionFailedError):
        send(ask(server))
    send(ask(server))
    assert server.connections == 2
