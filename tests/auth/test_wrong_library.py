"""An auth object that meets another HTTP library, or a manager of the other kind, says so."""

from __future__ import annotations

import asyncio

import httpx
import httpx2
import pytest
import requests

import oauthreg.auth.httpx


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_httpx_is_told_that_an_auth_object_is_for_requests(library, manager, server):
    name = library.__name__
    with pytest.raises(
        TypeError, match=rf"is for requests, .* of {name}: use oauthreg\.auth\.{name}$"
    ):
        library.get(server.api_uri, auth=manager.auth("my-client"), trust_env=False)
    assert server.requests == []


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_an_asynchronous_httpx_client_is_told_so_too(library, manager, server):
    async def ask():
        async with library.AsyncClient() as client:
            await client.get(server.api_uri, auth=manager.auth("my-client"))

    with pytest.raises(TypeError, match="is for requests"):
        asyncio.run(ask())


def test_requests_is_told_that_an_auth_object_is_for_httpx2(async_manager, server):
    with pytest.raises(
        TypeError, match=r"is for httpx2, .* of requests: use oauthreg\.auth\.requests"
    ):
        requests.get(server.api_uri, auth=async_manager.auth("my-client"), timeout=5)
    with requests.Session() as session:
        session.auth = async_manager.auth("my-client")
        with pytest.raises(TypeError, match="is for httpx2"):
            session.get(server.api_uri, timeout=5)
    assert server.requests == []


def test_httpx_and_httpx2_are_told_apart(manager, async_manager, server):
    with pytest.raises(TypeError, match=r"is for httpx2, .* of httpx: use oauthreg\.auth\.httpx$"):
        httpx.get(server.api_uri, auth=async_manager.auth("my-client"), trust_env=False)
    with pytest.raises(TypeError, match=r"is for httpx, .* of httpx2: use oauthreg\.auth\.httpx2$"):
        httpx2.get(
            server.api_uri,
            auth=oauthreg.auth.httpx.Auth(manager, "my-client"),
            trust_env=False,
        )


def test_an_unknown_library_is_told_where_to_look(manager):
    with pytest.raises(TypeError, match=r"not for a object of builtins: see oauthreg\.auth"):
        manager.auth("my-client")(object())
