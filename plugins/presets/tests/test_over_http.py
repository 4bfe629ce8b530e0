"""Every documented answer over real HTTP, to both managers; the vendor's API gets its headers."""

import asyncio

import oauthreg_presets
import pytest

from oauthreg import AsyncAuthorizedClientManager, AuthorizedClientManager, TokenEndpointError
from oauthreg.presets import names
from oauthreg.testing import AuthorizationServer, Fault


def plugin(name):
    return getattr(oauthreg_presets, name.replace("-", "_"))


def table_of(name):
    return plugin(name)._preset  # noqa: SLF001 - what the class was made of


def settings(name, server):
    """Return the preset's example, with its token endpoint at a server of ours."""
    table = table_of(name)
    registration = {"client-id": "my-client", "client-secret": "a-secret", **table.example}
    if plugin(name).defaults.get("authorization-grant-type") == "refresh_token":
        registration["refresh-token"] = "a-refresh-token"
    here = {"token-uri": server.token_uri, "type": name}
    return {
        "provider": {"vendor": {**table.example_settings(), **here}},
        "registration": {"app": {"provider": "vendor", **registration}},
    }


async def authorized_in_a_task(found):
    async with AsyncAuthorizedClientManager.from_settings(found) as manager:
        return await manager.authorize("app", principal="alice")


def authorized_by_asyncio(found):
    return asyncio.run(authorized_in_a_task(found))


def authorized(found):
    with AuthorizedClientManager.from_settings(found) as manager:
        return manager.authorize("app", principal="alice")


SAMPLES = [
    pytest.param(name, sample, id=f"{name}-{number}")
    for name in names("oauthreg_presets")
    for number, sample in enumerate(table_of(name).samples)
]


@pytest.mark.parametrize("authorize", [authorized, authorized_by_asyncio])
@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_documented_answer_is_understood(authorize, name, sample):
    expected = sample.expect
    with AuthorizationServer() as server:
        kind = "application/json"
        server.inject(Fault(status=sample.status, body=sample.body, content_type=kind))
        if expected.token is None:
            with pytest.raises(TokenEndpointError) as caught:
                authorize(settings(name, server))
            assert (expected.hint or "") in (caught.value.hint or "")
            return
        client = authorize(settings(name, server))
    token = client.access_token
    assert token.token_value == expected.token
    if expected.lifetime is not None:
        assert (token.expires_at - token.issued_at).total_seconds() == expected.lifetime
    if expected.scopes is not None:
        assert token.scopes == expected.scopes


OWN_HEADERS = [name for name in names("oauthreg_presets") if "api_headers" in vars(plugin(name))]


@pytest.mark.parametrize("name", OWN_HEADERS)
def test_the_vendors_api_gets_its_headers(name):
    with AuthorizationServer() as server:
        server.inject(Fault(status=200, body='{"access_token":"a-token","expires_in":60}'))
        server.inject(Fault(status=200, body="welcome"), path="api")
        found = settings(name, server)
        found["registration"]["app"]["urls"] = [server.base_uri]
        with (
            AuthorizedClientManager.from_settings(found) as manager,
            manager.session("app") as session,
        ):
            assert session.get(server.api_uri, timeout=5).text == "welcome"
            wanted = manager.authorize("app").headers
        sent = server.requests_to("api")[0].headers
    assert {header: sent[header] for header in wanted} == wanted
    assert ("Authorization" in sent) == ("Authorization" in wanted)
