"""Threads, event loops, forks and closing."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from oauthreg._errors import ConnectionFailedError
from oauthreg._flow import TokenRequest
from oauthreg._registration import HttpProfile
from oauthreg._transports import message
from oauthreg._transports.httpx2 import Httpx2Transport
from oauthreg._transports.requests import RequestsTransport


def ask(server):
    return TokenRequest(url=server.url(), form=(("a", "b"),))


@pytest.fixture
def blocking():
    transport = RequestsTransport(HttpProfile())
    yield transport
    transport.close()


def test_making_a_transport_opens_nothing_and_starts_nothing():
    threads = threading.active_count()
    RequestsTransport(HttpProfile(ca_bundle=None, proxy="nonsense://"))
    Httpx2Transport(HttpProfile(ca_bundle=None, proxy="nonsense://"))
    assert threading.active_count() == threads


def meeting(parties):
    """Answer only when so many requests are there at once."""
    barrier = threading.Barrier(parties)

    def script(line):
        while line.request() is not None:
            barrier.wait(5)
            line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    return script


def test_a_loop_after_another_has_connections_of_its_own(serve):
    server = serve()
    transport = Httpx2Transport(HttpProfile())

    async def twice():
        await transport.send(ask(server))
        await transport.send(ask(server))

    for expected in (1, 2, 3):
        asyncio.run(twice())
        assert server.connections == expected
    gc.collect()
    assert len(server.requests) == 6


def test_two_loops_at_once(serve):
    server = serve(meeting(2))
    transport = Httpx2Transport(HttpProfile())
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(asyncio.run, transport.send(ask(server))) for _ in range(2)]
        assert [run.result().status for run in runs] == [200, 200]
    assert server.connections == 2


def test_closing_reaches_the_connections_of_every_loop(serve):
    server = serve()
    transport = Httpx2Transport(HttpProfile())
    sent, close, ready = threading.Event(), threading.Event(), threading.Event()

    async def elsewhere():
        await transport.send(ask(server))
        sent.set()
        await asyncio.to_thread(close.wait, 5)
        await asyncio.to_thread(server.threads[1].join, 5)
        ready.set()

    async def here():
        await transport.send(ask(server))
        await transport.aclose()
        await transport.aclose()

    thread = threading.Thread(target=asyncio.run, args=(elsewhere(),))
    thread.start()
    sent.wait(5)
    stopped = asyncio.new_event_loop()
    stopped.run_until_complete(transport.send(ask(server)))
    asyncio.run(here())
    close.set()
    thread.join(5)
    assert ready.is_set()
    assert not server.threads[1].is_alive()
    stopped.run_until_complete(stopped.shutdown_asyncgens())
    stopped.close()


def test_a_cancelled_request_gives_its_connection_up(serve):
    arrived = threading.Event()
    server = serve(lambda line: (line.request(), arrived.set(), line.sock.recv(1)))
    transport = Httpx2Transport(HttpProfile())

    async def cancelled():
        task = asyncio.create_task(transport.send(ask(server)))
        await asyncio.to_thread(arrived.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(server.threads[1].join, 5)

    asyncio.run(cancelled())
    assert not server.threads[1].is_alive()


def test_an_interrupted_request_gives_its_connection_up(blocking, serve, monkeypatch):
    half = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
    server = serve(half)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(message.Body, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        blocking.send(ask(server))
    server.threads[1].join(5)
    assert not server.threads[1].is_alive()


def test_closing_closes_idle_connections_and_nothing_is_sent_any_more(send, serve):
    server = serve()
    send(ask(server))
    send.shut()
    send.shut()
    server.threads[1].join(5)
    assert not server.threads[1].is_alive()
    with pytest.raises(ConnectionFailedError, match="closed") as caught:
        send(ask(server))
    assert (server.connections, caught.value.retryable) == (1, False)


def test_a_transport_that_is_dropped_closes_its_connections(serve):
    server = serve()
    transport = RequestsTransport(HttpProfile())
    transport.send(ask(server))
    del transport
    gc.collect()
    server.threads[1].join(5)
    assert not server.threads[1].is_alive()


def silent(line):
    line.request()
    line.server.arrived.set()
    line.sock.recv(1)


def half_a_header(line):
    line.request()
    line.send(b"HTTP/1.1 200 OK\r\nX")
    line.server.arrived.set()
    line.sock.recv(1)


def half_a_body(line):
    line.request()
    line.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc")
    line.server.arrived.set()
    line.sock.recv(1)


def second_is_silent(line):
    line.request()
    line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    silent(line)


def no_handshake(line):
    line.sock.recv(1)
    line.server.arrived.set()
    line.hold()


@pytest.mark.parametrize(
    ("script", "tls"),
    [
        *((script, tls) for script in (silent, half_a_header, half_a_body) for tls in (0, 1)),
        (second_is_silent, 0),
        (second_is_silent, 1),
        (no_handshake, 0),
    ],
)
def test_closing_breaks_off_what_is_under_way(sender, serve, authority, script, tls):
    server = serve(script, context=authority.server_context() if tls else None)
    server.arrived = threading.Event()
    send = sender(ca_bundle=authority.bundle)
    url = server.url()
    if script is second_is_silent:
        send(ask(server))
    if script is no_handshake:
        url = url.replace("http", "https")
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send, TokenRequest(url=url, form=(("a", "b"),)))
        assert server.arrived.wait(5)
        time.sleep(0.05)
        started = time.monotonic()
        send.shut_elsewhere()
        with pytest.raises(ConnectionFailedError, match="the transport is closed"):
            sending.result(5)
        assert time.monotonic() - started < 0.5
    assert server.connections == 1
    if not tls and script is not no_handshake:
        server.threads[1].join(5)
        assert not server.threads[1].is_alive()


def test_closing_breaks_off_a_request_of_the_same_loop(serve):
    arrived = threading.Event()
    server = serve(lambda line: (line.request(), arrived.set(), line.sock.recv(1)))
    transport = Httpx2Transport(HttpProfile())

    async def closed():
        task = asyncio.create_task(transport.send(ask(server)))
        await asyncio.to_thread(arrived.wait, 5)
        await transport.aclose()
        with pytest.raises(ConnectionFailedError, match="the transport is closed"):
            await asyncio.wait_for(task, 0.5)

    asyncio.run(closed())


def test_closing_breaks_off_a_connection_that_is_being_made(sender, full_listener):
    send = sender()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send, TokenRequest(url=f"http://127.0.0.1:{full_listener}/"))
        time.sleep(0.2)
        send.shut_elsewhere()
        started = time.monotonic()
        with pytest.raises(ConnectionFailedError, match="the transport is closed"):
            sending.result(5)
        assert time.monotonic() - started < 0.5


def test_closing_while_a_name_is_resolved_keeps_the_request_from_being_sent(
    sender, serve, monkeypatch
):
    real, asked, closed = socket.getaddrinfo, threading.Event(), threading.Event()

    def getaddrinfo(*args, **options):
        asked.set()
        closed.wait(5)
        return real(*args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    send, server = sender(), serve()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send, TokenRequest(url=server.url(host="localhost")))
        asked.wait(5)
        send.shut_elsewhere()
        closed.set()
        with pytest.raises(ConnectionFailedError, match="the transport is closed"):
            sending.result(5)
    assert server.connections == 0
