"""The adapters that managers hand out: `auth`, `session`, `client`, `token_source`."""

from __future__ import annotations

import asyncio

import requests

from oauthreg import AsyncAuthorizedClientManager, AuthorizedClientManager


def test_a_synchronous_manager_hands_out_requests(settings, server):
    with AuthorizedClientManager.from_settings(settings()) as manager:
        answer = requests.get(server.api_uri, auth=manager.auth("my-client"), timeout=5)
        assert answer.status_code == 200
        with manager.session("my-client", scope="read") as session:
            assert session.get(server.api_uri, timeout=5).json()["scope"] == "read"
            server.revoke_all()
            assert session.get(server.api_uri, timeout=5).status_code == 200
        token = manager.token_source("my-client", scope="read")
        assert token() == manager.authorize("my-client", scope="read").access_token.token_value


def test_an_asynchronous_manager_hands_out_httpx2(settings, server):
    async def work():
        async with AsyncAuthorizedClientManager.from_settings(settings()) as manager:
            async with manager.client("my-client", scope="read") as client:
                assert (await client.get(server.api_uri)).json()["scope"] == "read"
                server.revoke_all()
                assert (await client.get(server.api_uri)).status_code == 200
                auth = manager.auth("my-client")
                assert (await client.get(server.api_uri, auth=auth)).status_code == 200
            token = manager.token_source("my-client", scope="read")
            authorized = await manager.authorize("my-client", scope="read")
            assert await token() == authorized.access_token.token_value

    asyncio.run(work())


def test_ids_are_spelt_as_in_settings_here_too(settings, server):
    with AuthorizedClientManager.from_settings(settings()) as manager:
        with manager.session("MY_CLIENT") as session:
            session.get(server.api_uri, timeout=5)
            server.revoke_all()
            assert session.get(server.api_uri, timeout=5).status_code == 200
        assert server.token_requests == 2


def test_a_fixed_token_that_is_refused_is_the_callers_401(settings, server):
    with AuthorizedClientManager.from_settings(settings()) as manager:
        manager.override("my-client", "fixed")
        with manager.session("my-client") as session:
            assert session.get(server.api_uri, timeout=5).status_code == 401
    assert (server.token_requests, server.api_requests) == (0, 1)
