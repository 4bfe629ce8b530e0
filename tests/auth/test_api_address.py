"""The address of a provider's API: where a path leads, and where its tokens may go."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from requests.exceptions import MissingSchema

from oauthreg import (
    AccessToken,
    AsyncAuthorizedClientManager,
    AuthorizedClient,
    AuthorizedClientManager,
    ClientRegistration,
    ProviderDetails,
    UrlNotAllowedError,
)
from oauthreg.testing import Fault


def client(api_uri=None, *, named=None, hosts=(), urls=()):
    provider = ProviderDetails(name="p", api_uri=api_uri, api_hosts=hosts)
    registration = ClientRegistration(
        registration_id="my-client", provider=provider, client_id="id", urls=urls
    )
    now = datetime.now(UTC)
    token = AccessToken(
        token_value="t",
        token_type="Bearer",
        scopes=(),
        issued_at=now,
        expires_at=now,
        api_uri=named,
    )
    return AuthorizedClient(registration=registration, principal=None, access_token=token)


NAMED = [
    ("https://acme.my.vendor.example", True),
    ("https://ACME.My.Vendor.example:443/base/", True),
    ("https://dev.acme.my.vendor.example", True),
    ("https://api.vendor.example", True),
    ("https://my.vendor.example", False),
    ("https://notmy.vendor.example", False),
    ("https://acme.my.vendor.example.evil.example", False),
    ("https://evil.example/.my.vendor.example", False),
    ("https://acme.my.vendor.example@evil.example", False),
    ("https://user@acme.my.vendor.example", False),
    ("http://acme.my.vendor.example", False),
    ("https://acme.my.vendor.example?x=", False),
    ("//acme.my.vendor.example", False),
    ("acme.my.vendor.example", False),
    ("", False),
]


@pytest.mark.parametrize(("named", "is_used"), NAMED)
def test_a_tokens_api_counts_at_the_vendors_hosts_only(named, is_used):
    hosts = ("*.my.vendor.example", "api.vendor.example")
    found = client("https://usual.example", named=named, hosts=hosts)
    assert found.api_uri == (named if is_used else "https://usual.example")
    assert client(named=named).api_uri is None


def test_tokens_go_to_the_api_unless_urls_say_otherwise():
    assert client("https://api.example:8443/base").urls == ("https://api.example:8443",)
    assert client("https://api.example", urls=("https://b.example/x",)).urls == (
        "https://b.example/x",
    )
    assert client().urls == ()
    assert client(named="https://a.example/x", hosts=("a.example",)).urls == ("https://a.example",)


def test_a_session_asks_for_paths_below_the_api(settings, server, other):
    found = settings(of_provider={"api-uri": f"{server.api_uri}/"})
    with (
        AuthorizedClientManager.from_settings(found) as manager,
        manager.session("my-client") as session,
    ):
        for path in ("/v1?to=https://x.example/", "v1", "//v1", ""):
            assert session.get(path, timeout=5).status_code == 200
        assert session.get(f"{server.api_uri}/whole", timeout=5).status_code == 200
        with pytest.raises(UrlNotAllowedError):
            session.get(other.api_uri, timeout=5)
        with pytest.raises(UrlNotAllowedError):
            session.get(f"/redirect?to={other.api_uri}", timeout=5)
    assert other.requests == []
    paths = [request.path for request in server.requests_to("api")]
    assert paths == ["/api/v1", "/api/v1", "/api/v1", "/api/", "/api/whole", "/api/redirect"]


def test_a_client_asks_for_paths_below_the_api(settings, server, other):
    found = settings(of_provider={"api-uri": server.api_uri})

    async def work():
        async with (
            AsyncAuthorizedClientManager.from_settings(found) as manager,
            manager.client("my-client") as client,
        ):
            assert (await client.get("/v1?x=1")).status_code == 200
            async with client.stream("POST", "v1", json={}) as answer:
                assert answer.status_code == 200
            assert (await client.get(f"{server.api_uri}/whole")).status_code == 200
            for url in (other.api_uri, f"/redirect?to={other.api_uri}"):
                with pytest.raises(UrlNotAllowedError):
                    await client.get(url, follow_redirects=True)

    asyncio.run(work())
    assert other.requests == []
    asked = server.requests_to("api")
    assert [request.path for request in asked[:3]] == ["/api/v1", "/api/v1", "/api/whole"]
    assert asked[0].headers["Host"] == server.base_uri.removeprefix("http://")


def token_naming(server, url):
    """Have a server's token answers name the address of the API."""
    server.inject(Fault(body={"access_token": "t", "expires_in": 300, "instance": {"url": url}}))


NAMES_API = {"answer": {"api_uri": "instance.url"}, "api-hosts": ["127.0.0.1"]}


def test_a_token_says_where_its_api_is(settings, server, other):
    token_naming(server, other.api_uri)
    other.inject(Fault(status=200, body="welcome"), path="api")
    with (
        AuthorizedClientManager.from_settings(settings(of_provider=NAMES_API)) as manager,
        manager.session("my-client") as session,
    ):
        assert session.get("/v1", timeout=5).text == "welcome"
        assert manager.authorize("my-client").access_token.extra == {"instance": {}}
        with pytest.raises(UrlNotAllowedError):
            session.get(server.api_uri, timeout=5)
    assert other.requests_to("api")[0].headers["Authorization"] == "Bearer t"


def test_an_api_elsewhere_is_not_used_and_one_warning_says_so(settings, server, caplog):
    token_naming(server, "https://evil.example/v1")
    usual = {**NAMES_API, "api-uri": "https://usual.example"}
    with AuthorizedClientManager.from_settings(settings(of_provider=usual)) as manager:
        client = manager.authorize("my-client")
        manager.authorize("my-client")
    assert (client.api_uri, client.urls) == ("https://usual.example", ("https://usual.example",))
    warnings = [record.getMessage() for record in caplog.records if "api_hosts" in record.msg]
    assert len(warnings) == 1
    assert "evil" not in warnings[0]


def test_a_field_called_like_it_means_nothing(settings, server):
    fields = {"access_token": "t", "expires_in": 300, "api_uri": server.api_uri}
    server.inject(Fault(body=fields))
    with AuthorizedClientManager.from_settings(settings()) as manager:
        client = manager.authorize("my-client")
    assert (client.api_uri, client.urls) == (None, ())
    assert client.access_token.extra == {"api_uri": server.api_uri}


def test_without_an_address_of_the_api_a_path_is_requests_own_error(settings):
    with (
        AuthorizedClientManager.from_settings(settings()) as manager,
        manager.session("my-client") as session,
        pytest.raises(MissingSchema),
    ):
        session.get("/v1", timeout=5)
