"""What only aiohttp does: it asks the middleware about every hop."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from contextlib import suppress

import aiohttp
import pytest

import oauthreg.auth.aiohttp


def in_aiohttp(manager, work):
    async def run():
        async with manager, aiohttp.ClientSession() as session:
            middleware = oauthreg.auth.aiohttp.middleware(manager, "my-client")
            return await work(session, middleware)

    return asyncio.run(run())


def test_aiohttp_takes_an_asynchronous_manager(manager):
    with pytest.raises(TypeError, match="needs an AsyncAuthorizedClientManager, not Auth"):
        oauthreg.auth.aiohttp.middleware(manager, "my-client")


def test_a_middleware_is_bound_to_the_first_origin_it_served(
    async_manager, server, other, tokens_seen, caplog
):
    async def work(session, middleware):
        for target in (server, other, server):
            async with session.get(target.api_uri, middlewares=[middleware]):
                pass

    with caplog.at_level(logging.INFO, "oauthreg"):
        in_aiohttp(async_manager, work)
    assert None not in tokens_seen(server)
    assert tokens_seen(other) == [None]
    assert other.base_uri in caplog.text


def test_the_callers_own_header_binds_a_middleware_too(async_manager, server, other, tokens_seen):
    async def work(session, middleware):
        where = f"{server.api_uri}/redirect?to={other.api_uri}"
        mine = {"Authorization": "Bearer mine"}
        async with session.get(where, headers=mine, middlewares=[middleware]):
            pass

    in_aiohttp(async_manager, work)
    assert tokens_seen(server) == ["Bearer mine"]
    assert tokens_seen(other) == [None]


def test_an_outer_middleware_may_send_a_request_again(async_manager, server):
    async def twice(request, handler):
        first = await handler(request)
        first.release()
        server.revoke_all()
        return await handler(request)

    async def work(session, middleware):
        async with session.get(server.api_uri, middlewares=[twice, middleware]) as answer:
            return answer.status, answer.request_info

    status, request_info = in_aiohttp(async_manager, work)
    assert status == 200
    assert "Bearer" not in repr(request_info)


class Upload(aiohttp.BytesPayload):
    """A body that is still being written when the API has refused it already."""

    def __init__(self):
        super().__init__(b"text")
        self.attempts = 0
        self.writing = self.overlapped = False

    async def write_with_length(self, writer, content_length):
        self.overlapped |= self.writing
        self.writing = True
        self.attempts += 1
        try:
            if self.attempts == 1:
                await writer.write(b"te")
                await asyncio.Event().wait()
            await super().write_with_length(writer, content_length)
        finally:
            for _ in range(20):  # aiohttp cancels it more than once
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
            self.writing = False


class RefusesEarly:
    """An API that refuses the first request before its body came, and takes the second."""

    def __init__(self):
        self.body = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(5)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        refused = self.request()
        refused.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        with refused, self.request() as taken:
            self.body = taken.recv(4)
            taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def request(self):
        sock, _ = self.listener.accept()
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(1)
        return sock

    def close(self):
        self.listener.close()
        self.thread.join(5)


def test_a_401_before_the_upload_ended_replays_it_when_that_has_stopped(async_manager):
    api, upload = RefusesEarly(), Upload()

    async def work(session, middleware):
        async with (
            asyncio.timeout(5),
            session.post(api.url, data=upload, middlewares=[middleware]) as answer,
        ):
            return answer.status

    assert in_aiohttp(async_manager, work) == 200
    api.close()
    assert api.body == b"text"
    assert (upload.attempts, upload.overlapped) == (2, False)
