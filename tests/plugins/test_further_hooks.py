"""Bodies in JSON, tokens without a request, revocation of one's own, and bounds of a flow."""

import asyncio
import json
from typing import Any, ClassVar

import pytest

from oauthreg import (
    AsyncAuthorizedClientManager,
    InvalidTokenResponseError,
    PluginFailedError,
    SecretUnavailableError,
    TokenEndpointError,
)
from oauthreg.plugin import (
    BaseUrl,
    Granted,
    NeedToken,
    ProviderPlugin,
    ProviderSettings,
    RegistrationOptions,
    Secret,
    TokenRequest,
    jwt_claims,
)
from oauthreg.testing import Fault, certificate_file, key_file

GRANTED = {"access_token": "a-token", "expires_in": 60}


def sent(server):
    return server.requests[-1]


# -- bodies


class Json(ProviderPlugin[ProviderSettings]):
    client_authentication_method = "client_secret_post"
    body = "json"
    field_names: ClassVar[dict[str, str]] = {
        "client_id": "clientId",
        "client_secret": "clientSecret",
        "grant_type": "",
    }


def test_a_body_may_be_json_with_the_vendors_names(plug, acme, server):
    plug(Json)
    server.inject(Fault(body=GRANTED))
    manager = acme(resource=["https://a.example", "https://b.example"], scope="read")
    manager.authorize("my-client")
    assert sent(server).headers["content-type"] == "application/json"
    assert json.loads(sent(server).body) == {
        "scope": "read",
        "resource": ["https://a.example", "https://b.example"],
        "clientId": "my-client",
        "clientSecret": "a secret",
    }


def test_a_secret_in_a_json_body_shows_in_no_error(plug, acme, server):
    plug(Json)
    server.inject(Fault(status=400, body={"error": "x", "error_description": "a secret"}))
    with pytest.raises(TokenEndpointError) as caught:
        acme().authorize("my-client")
    assert "a secret" not in f"{caught.value} {vars(caught.value)}"


def test_a_vendor_may_name_a_field_otherwise_in_a_form(plug, acme, server):
    plug(type("Acme", (ProviderPlugin,), {"field_names": {"scope": "permissions"}}))
    acme(scope="read").authorize("my-client")
    assert ("permissions", "read") in sent(server).form


class Adding(ProviderPlugin[ProviderSettings]):
    def parameters(self, context):
        return [("x", "1"), ("x", "2"), ("pin", Secret("topsecret")), ("scope", "of-the-plugin")]

    def shape(self, context, request):
        return super().shape(context, request)


def test_parameters_of_a_plugin_may_repeat_and_may_be_secrets(plug, acme, server):
    plug(Adding)
    manager = acme(scope="read", parameters={"y": "3"})
    server.inject(Fault(body=GRANTED), times=1)
    manager.authorize("my-client")
    form = sent(server).form
    assert [pair for pair in form if pair[0] in ("x", "y", "scope")] == [
        ("x", "1"),
        ("x", "2"),
        ("scope", "of-the-plugin"),
        ("y", "3"),
    ]
    server.inject(Fault(status=400, body={"error": "x", "error_description": "topsecret"}))
    with pytest.raises(TokenEndpointError) as caught:
        manager.authorize("my-client", force=True)
    assert "topsecret" not in f"{caught.value} {vars(caught.value)}"


# -- a token without any request


class StaticSettings(ProviderSettings):
    api_key: Secret | None = None


class Static(ProviderPlugin[StaticSettings]):
    token = "{client_secret}"


class Keyed(ProviderPlugin[StaticSettings]):
    token = "key {api_key}"


class Cluster(ProviderPlugin[ProviderSettings]):
    def local_token(self, context):
        value = context.assertion.get_secret_value()
        ends = (jwt_claims(value) or {}).get("exp", 0)
        return Granted(access_token=value, expires_in=ends - context.now)


def test_a_static_key_is_a_token_and_read_anew(plug, manager, tmp_path):
    plug(Static)
    path = tmp_path / "key"
    path.write_text("xoxb-first\n")
    settings = {
        "provider": {"acme": {"type": "acme"}},
        "registration": {"bot": {"client-secret-file": str(path)}},
    }

    async def authorize():
        async with AsyncAuthorizedClientManager.from_settings(settings) as own:
            return await own.authorize("bot")

    assert asyncio.run(authorize()).authorization == "Bearer xoxb-first"
    made = manager(**settings)
    assert made.authorize("bot").authorization == "Bearer xoxb-first"
    path.write_text("xoxb-second\n")
    assert made.authorize("bot", force=True).authorization == "Bearer xoxb-second"
    assert made.registrations["bot"].client_id == "bot"


def test_a_token_may_be_made_of_a_secret_setting(plug, manager):
    plug(Keyed)
    made = manager(provider={"acme": {"type": "acme", "api-key": "k"}}, registration={"bot": {}})
    with pytest.raises(InvalidTokenResponseError, match="no token"):
        made.authorize("bot")  # a token has no blanks


def test_a_part_of_a_token_that_is_missing_is_named(plug, manager):
    plug(type("Acme", (ProviderPlugin,), {"token": "{client_secret}"}))
    made = manager(provider={"acme": {"type": "acme"}}, registration={"bot": {}})
    with pytest.raises(SecretUnavailableError, match="needs the client-secret"):
        made.authorize("bot")


def test_a_token_of_the_platform_ends_when_it_says(plug, manager, tmp_path, server):
    server.add_client("jwt", "s")
    plug(Cluster)
    path = tmp_path / "token"
    path.write_text("eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln")
    made = manager(
        provider={"acme": {"type": "acme"}},
        registration={"pod": {"assertion-file": str(path)}},
    )
    token = made.authorize("pod").access_token
    assert token.expires_at.year in (2099, 2100)
    assert server.token_requests == 0


@pytest.mark.parametrize("template", ["{nobody}", "{client_secret:>9}", "{client-secret}"])
def test_a_token_that_names_no_setting_is_refused(template):
    with pytest.raises(TypeError, match=r"Acme\.token"):
        type("Acme", (ProviderPlugin,), {"token": template})


# -- revocation and introspection of one's own


class Deleting(ProviderPlugin[ProviderSettings]):
    def revoke(self, context, token, token_type_hint=None):
        url = context.endpoints["token-uri"]
        value = token.get_secret_value()
        headers = (("Authorization", f"Bearer {value}"),)
        yield TokenRequest(url=url, method="DELETE", headers=headers, sensitive=(value,))

    def introspect(self, context, token):
        response = yield TokenRequest(url=context.endpoints["token-uri"], method="GET")
        return {"active": response.status == 200, "from": "the vendor"}


def test_a_vendor_has_its_own_ways_to_end_a_token_and_to_ask_about_it(plug, acme, server):
    plug(Deleting)
    manager = acme()
    manager.authorize("my-client")
    server.inject(Fault(body=b""), path="*")
    assert manager.introspect("my-client", "a-token") == {"active": True, "from": "the vendor"}
    manager.revoke("my-client", "a-token")
    assert sent(server).method == "DELETE"
    assert sent(server).headers["authorization"] == "Bearer a-token"


# -- what the flow was given or received shows in no error


class Careless(ProviderPlugin[ProviderSettings]):
    """Marks nothing as sensitive."""

    def flow(self, context):
        url = context.endpoints["token-uri"]
        response = yield TokenRequest(url=url, form=(("step", "1"),))
        session = json.loads(response.body)["data"]["session_token"]
        secret = context.secret.get_secret_value()
        form = (("step", "2"), ("session", session), ("pw", secret))
        return self.parse_response(context, (yield TokenRequest(url=url, form=form)))


def test_an_error_shows_nothing_that_the_driver_handed_out_or_an_earlier_answer_had(
    plug, acme, server
):
    plug(Careless)
    words = "no: a secret, a-session-token"
    last = Fault(status=400, body={"error": "x", "error_description": words})
    server.script("token", [Fault(body={"data": {"session_token": "a-session-token"}}), last])
    with pytest.raises(TokenEndpointError) as caught:
        acme().authorize("my-client")
    assert caught.value.error_description == "no: ***, ***"
    assert "session-token" not in f"{caught.value} {vars(caught.value)}"


# -- bounds of a flow


class Endless(ProviderPlugin[ProviderSettings]):
    def flow(self, context):
        while True:
            yield TokenRequest(url=context.endpoints["token-uri"], form=(("x", "y"),))


class Selfish(ProviderPlugin[ProviderSettings]):
    def flow(self, context):
        token = yield NeedToken("My_Client")
        return Granted(access_token=token)


def test_a_flow_sends_ten_requests_and_no_more(plug, acme, server):
    plug(Endless)
    server.inject(Fault(body=GRANTED))
    with pytest.raises(PluginFailedError, match="more than 10 requests"):
        acme().authorize("my-client")
    assert server.token_requests == 10


def test_a_flow_that_needs_its_own_token_is_told_so(plug, acme):
    plug(Selfish)
    with pytest.raises(PluginFailedError, match="my-client -> my-client"):
        acme().authorize("my-client")


# -- another address for clients with a certificate


class MtlsSettings(ProviderSettings):
    base_url: BaseUrl


class Mtls(ProviderPlugin[MtlsSettings, RegistrationOptions]):
    token_uri = "{base_url}/token"
    mtls_token_uri = "{base_url}/mtls/token"
    answer: ClassVar[dict[str, Any]] = {}


@pytest.mark.parametrize(
    "case",
    [
        ("certificate", {}, "/mtls/token"),
        ("secret", {}, "/token"),
        ("certificate", {"token-uri": "/own"}, "/own"),
    ],
)
def test_a_client_with_a_certificate_is_sent_to_its_own_address(plug, manager, server, case):
    client, provider, path = case
    plug(Mtls)
    server.inject(Fault(body=GRANTED), path="*")
    own = {key: server.base_uri + value for key, value in provider.items()}
    ways = {
        "certificate": {
            "client-authentication-method": "tls_client_auth",
            "certificate-file": certificate_file(),
            "certificate-key-file": key_file(),
        },
        "secret": {"client-secret": "a secret"},
    }
    made = manager(
        provider={"acme": {"type": "acme", "base-url": server.base_uri, **own}},
        registration={"a": {"client-id": "my-client", **ways[client]}},
    )
    made.authorize("a")
    assert sent(server).path == path
