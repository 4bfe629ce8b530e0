"""A vendor's own headers: put on, left alone, renewed, and never taken to another origin."""

from __future__ import annotations

import asyncio
from functools import partial

import aiohttp
import httpx
import httpx2
import pytest

from oauthreg import (
    AsyncAuthorizedClientManager,
    AuthorizedClientManager,
    UrlNotAllowedError,
)
from oauthreg.auth import aiohttp as aiohttp_adapter
from oauthreg.auth import httpx as httpx_adapter
from oauthreg.auth import httpx2 as httpx2_adapter
from oauthreg.testing import AuthorizationServer, Fault

TOKEN, KEY = "X-Shop-Token", "X-Api-Key"
OWN_HEADERS = {TOKEN: "{access_token}", KEY: "{client_id}"}


@pytest.fixture
def shop(caller):
    """Make callers for an API that takes the token in a header of its own, and the client id."""
    return partial(caller, of_provider={"api-headers": OWN_HEADERS})


@pytest.fixture
def shop_settings(settings):
    return settings(of_provider={"api-headers": OWN_HEADERS})


def takes_own_header(server, *, refuse_once=False):
    """Have a server's API ask for the own header."""
    refused = []

    def rule(request):
        if "/redirect" in request.path:
            return None
        value = request.headers.get(TOKEN)
        if refuse_once and not refused:
            refused.append(value)
        if value is None or value in refused:
            return Fault(status=401, headers={"WWW-Authenticate": "Shop"})
        return Fault(status=200, body="welcome")

    server.inject(rule, path="api")
    return refused


def carried(server):
    """What the requests to a server's API carried: token, key and Authorization."""
    names = TOKEN, KEY, "Authorization"
    return [tuple(r.headers.get(name) for name in names) for r in server.requests_to("api")]


def redirect(server, target):
    return f"{server.api_uri}/redirect?to={target}"


def test_the_own_header_is_sent_and_no_authorization(shop, server):
    takes_own_header(server)
    made = shop()
    token = made.authorize().access_token.token_value
    assert made.call("GET", server.api_uri).text == "welcome"
    assert carried(server) == [(token, "id", None)]


def test_a_401_renews_the_own_header_once(shop, server):
    refused = takes_own_header(server, refuse_once=True)
    made = shop()
    reply = made.call("POST", server.api_uri, body=b"text")
    assert reply.text == "welcome"
    assert server.token_requests == 2
    first, second = carried(server)
    assert first == (refused[0], "id", None)
    assert second == (made.authorize().access_token.token_value, "id", None)
    assert first != second


def test_the_own_header_stays_on_a_redirect_of_the_same_origin(shop, server):
    takes_own_header(server)
    made = shop()
    assert made.call("GET", redirect(server, server.api_uri)).text == "welcome"
    token = made.authorize().access_token.token_value
    assert carried(server) == [(token, "id", None)] * 2


def test_a_401_after_a_redirect_is_renewed_with_the_own_header(shop, server):
    takes_own_header(server, refuse_once=True)
    assert shop().call("GET", redirect(server, server.api_uri)).text == "welcome"
    assert server.token_requests == 2


def test_no_own_header_follows_to_another_origin(shop, server, other):
    assert shop().call("GET", redirect(server, other.api_uri)).status == 401
    assert carried(other) == [(None, None, None)]
    assert (server.token_requests, other.token_requests) == (1, 0)


def test_no_own_header_comes_back_from_another_origin(shop, library, server, other):
    takes_own_header(server)
    shop().call("GET", redirect(server, redirect(other, f"{server.api_uri}/back")))
    assert carried(other) == [(None, None, None)]
    if library != "aiohttp":  # which asks about each hop anew
        assert carried(server)[-1] == (None, None, None)


def test_a_listed_origin_gets_the_own_header(shop, server, other):
    takes_own_header(other)
    made = shop(urls=[server.base_uri, other.base_uri])
    assert made.call("GET", redirect(server, other.api_uri)).text == "welcome"
    assert carried(other) == [(made.authorize().access_token.token_value, "id", None)]


def test_off_the_list_no_own_header_is_sent(shop, server, other):
    made = shop(urls=[server.base_uri])
    with pytest.raises(UrlNotAllowedError):
        made.call("GET", redirect(server, other.api_uri))
    assert other.requests == []


def test_a_downgrade_loses_the_own_header(shop, other):
    with AuthorizationServer(tls=True) as secure:
        secure.add_client("id", "planted-secret-value")
        made = shop(authority=other, verify=secure.ca_bundle)
        made.call("GET", redirect(secure, other.api_uri))
        assert carried(secure)[0][0] is not None
        assert carried(other) == [(None, None, None)]


def test_a_request_with_the_callers_own_header_is_left_alone(shop, server):
    takes_own_header(server)
    shop().call("GET", server.api_uri, headers={TOKEN.lower(): "callers"})
    assert carried(server) == [("callers", None, None)]
    assert server.token_requests == 0


def test_other_headers_of_the_caller_stay(shop, server):
    takes_own_header(server)
    made = shop()
    made.call("GET", server.api_uri, headers={KEY: "callers", "Authorization": "Basic x"})
    token = made.authorize().access_token.token_value
    assert carried(server) == [(token, "callers", "Basic x")]


def test_what_netrc_says_is_not_sent_beside_the_own_header(shop, server, tmp_path, monkeypatch):
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login user password planted\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    takes_own_header(server)
    made = shop(trust_env=True)
    assert made.call("GET", redirect(server, server.api_uri)).text == "welcome"
    assert [fields[2] for fields in carried(server)] == [None, None]


LIBRARIES = [(httpx, httpx_adapter), (httpx2, httpx2_adapter)]


@pytest.mark.parametrize(("library", "adapter"), LIBRARIES)
def test_behind_a_transport_that_reports_nothing_no_redirect_gets_the_own_header(
    library, adapter, shop_settings
):
    seen = []

    def answer(request):
        seen.append((str(request.url), request.headers.get(TOKEN), dict(request.headers)))
        target = {"/a": "/b", "/b": "https://other.example/c"}.get(request.url.path)
        return library.Response(302, headers={"Location": target}) if target else good

    good = library.Response(200)
    with AuthorizedClientManager.from_settings(shop_settings) as manager:
        auth, transport = adapter.Auth(manager, "my-client"), library.MockTransport(answer)
        with library.Client(auth=auth, transport=transport, follow_redirects=True) as client:
            client.get("https://api.example/a")
        token = manager.authorize("my-client").access_token.token_value
    assert [value for _, value, _ in seen] == [token, None, None]
    assert token not in str(seen[1:])


@pytest.mark.parametrize(("library", "adapter"), LIBRARIES)
def test_a_redirect_followed_by_hand_is_judged(library, adapter, shop_settings, server, other):
    takes_own_header(server)
    with AuthorizedClientManager.from_settings(shop_settings) as manager:
        auth = adapter.Auth(manager, "my-client")
        with library.Client(auth=auth, verify=False, trust_env=False) as client:
            for target in (other.api_uri, server.api_uri):
                answer = client.get(redirect(server, target))
                client.send(answer.next_request)
        token = manager.authorize("my-client").access_token.token_value
    assert carried(other) == [(None, None, None)]
    assert carried(server)[-1] == (token, "id", None)


@pytest.mark.parametrize(("library", "adapter"), LIBRARIES)
def test_header_fields_act_as_the_librarys_own(library, adapter):
    plain = library.Headers({"A": "1", TOKEN: "t", KEY: "k"})
    headers = adapter._Headers(plain, [TOKEN, KEY])
    assert headers.raw == plain.raw
    assert [*headers.items()] == headers.multi_items() == plain.multi_items()
    assert ([*headers.keys()], [*headers.values()]) == ([*plain.keys()], [*plain.values()])
    assert (len(headers), [*headers], TOKEN.upper() in headers) == (3, [*plain], True)
    assert (headers[TOKEN], headers.get("none"), headers.get_list(KEY)) == ("t", None, ["k"])
    assert library.Headers(headers) == library.Headers({"A": "1"})
    assert "t" not in repr(headers).split("'")
    headers[TOKEN] = "callers"
    del headers[KEY], headers["A"]
    assert headers.multi_items() == [(TOKEN.lower(), "callers")]


def test_an_outer_middleware_of_aiohttp_does_not_see_the_own_header(shop_settings, server):
    takes_own_header(server)
    seen = []
    asyncio.run(ask_with_outer_middleware(shop_settings, server.api_uri, seen))
    assert seen == [(None, None)]
    assert carried(server)[0][0] is not None


async def ask_with_outer_middleware(settings, url, seen):

    async def outer(request, handler):
        answer = await handler(request)
        seen.append((request.headers.get(TOKEN), request.headers.get(KEY)))
        return answer

    async with AsyncAuthorizedClientManager.from_settings(settings) as manager:
        inner = aiohttp_adapter.middleware(manager, "my-client")
        async with aiohttp.ClientSession(middlewares=[outer, inner]) as session:
            await session.get(url)


def test_a_session_and_a_client_keep_the_own_header_at_its_origin(shop_settings, server, other):
    takes_own_header(server)
    elsewhere = redirect(server, other.api_uri)
    with (
        AuthorizedClientManager.from_settings(shop_settings) as manager,
        manager.session("my-client") as session,
    ):
        assert session.get(server.api_uri, timeout=5).text == "welcome"
        assert session.get(elsewhere, timeout=5).status_code == 401

    async def work():
        async with (
            AsyncAuthorizedClientManager.from_settings(shop_settings) as manager,
            manager.client("my-client") as client,
        ):
            assert (await client.get(server.api_uri)).text == "welcome"
            assert (await client.get(elsewhere, follow_redirects=True)).status_code == 401

    asyncio.run(work())
    assert carried(other) == [(None, None, None)] * 2


def test_below_the_address_of_the_api_a_path_carries_the_own_header(settings, server, other):
    takes_own_header(server)
    api = {"api-headers": OWN_HEADERS, "api-uri": server.api_uri}
    with (
        AuthorizedClientManager.from_settings(settings(of_provider=api)) as manager,
        manager.session("my-client") as session,
    ):
        assert session.get("/products", timeout=5).text == "welcome"
        with pytest.raises(UrlNotAllowedError):
            session.get(f"/redirect?to={other.api_uri}", timeout=5)
    assert other.requests == []


def test_beside_the_own_header_each_hop_has_a_proof_of_its_own(shop, server, other):
    takes_own_header(server)
    made = shop(dpop=True)
    assert made.call("GET", redirect(server, server.api_uri)).text == "welcome"
    made.call("GET", redirect(server, other.api_uri))
    proofs = [request.headers.get("DPoP") for request in server.requests_to("api")]
    assert None not in proofs
    assert len(set(proofs)) == 3
    assert other.requests_to("api")[0].headers.get("DPoP") is None
    assert carried(other) == [(None, None, None)]
