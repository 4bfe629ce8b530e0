"""What only aiohttp does: it asks the middleware about every hop."""

from __future__ import annotations

import asyncio
import logging

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
