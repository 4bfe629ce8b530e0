"""Keycloak over the wire, against a server with the paths of a Keycloak realm."""

from base64 import b64encode
from typing import ClassVar

import pytest
from oauthreg_keycloak import Keycloak

from oauthreg import AuthorizedClientManager, ConfigurationError, TokenEndpointError
from oauthreg.testing import (
    AuthorizationServer,
    Fault,
    ProviderPluginTests,
    Sample,
    answer,
    certificate_file,
    key_file,
)

REALM = "/realms/demo"
TOKEN = f"{REALM}/protocol/openid-connect/token"


@pytest.fixture
def server():
    with AuthorizationServer(layout={"issuer": REALM, "token": TOKEN}) as server:
        server.add_client("my-client", "a secret")
        yield server


def manager(server, provider=None, **registration):
    """Return a manager of one registration at this server, changed as the test wants."""
    table = {"client-id": "my-client", "client-secret": "a secret", "scope": "read"}
    settings = provider or {"base-url": server.base_uri, "realm": "demo"}
    return AuthorizedClientManager.from_settings(
        {
            "provider": {"keycloak": settings},
            "registration": {"my-client": {**table, **registration}},
        }
    )


def problems(settings):
    """Return what is wrong with a provider's settings, by path."""
    table = {"client-id": "my-client", "client-secret": "a secret"}
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(
            {"provider": {"keycloak": settings}, "registration": {"my-client": table}}
        )
    return {problem.path: problem for problem in caught.value.problems}


def test_it_authorizes_by_the_realms_metadata(server):
    with manager(server) as clients:
        client = clients.authorize("my-client")
        assert clients.registrations["my-client"].provider.type == "keycloak"
    assert client.access_token.token_value == server.tokens[-1].value
    assert [request.path for request in server.requests] == [
        f"{REALM}/.well-known/openid-configuration",
        TOKEN,
    ]


def test_the_token_request_on_the_wire(server):
    with manager(server) as clients:
        clients.authorize("my-client")
    request = server.last_token_request
    assert (request.method, request.path, request.raw_query) == ("POST", TOKEN, "")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["accept"] == "application/json"
    assert (
        request.headers["authorization"] == f"Basic {b64encode(b'my-client:a%20secret').decode()}"
    )
    assert request.body == b"grant_type=client_credentials&scope=read"


def test_the_secret_may_go_in_the_body(server):
    with manager(server, **{"client-authentication-method": "client_secret_post"}) as clients:
        clients.authorize("my-client")
    request = server.last_token_request
    assert request.headers["authorization"] is None
    assert request.form[-2:] == [("client_id", "my-client"), ("client_secret", "a secret")]


@pytest.mark.parametrize(
    ("base", "realm", "path"),
    [
        ("/auth/", "demo", "/auth/realms/demo"),
        ("", "my realm/x?", "/realms/my%20realm%2Fx%3F"),
        ("", "größe", "/realms/gr%C3%B6%C3%9Fe"),
    ],
)
def test_realm_and_path_become_the_issuer(base, realm, path):
    with AuthorizationServer(layout={"issuer": path, "token": f"{path}/token"}) as server:
        server.add_client("my-client", "a secret")
        with manager(server, {"base-url": server.base_uri + base, "realm": realm}) as clients:
            clients.authorize("my-client")
            provider = clients.registrations["my-client"].provider
    assert provider.issuer_uri == server.base_uri + path
    assert server.last_token_request.path == f"{path}/token"


@pytest.mark.parametrize("stated", ["issuer-uri", "token-uri"])
def test_stated_addresses_need_no_realm(server, stated):
    address = server.issuer if stated == "issuer-uri" else server.token_uri
    with manager(server, {"type": "keycloak", stated: address}) as clients:
        clients.authorize("my-client")
        assert clients.registrations["my-client"].provider.type == "keycloak"
    assert server.token_requests == 1


def test_a_bare_host_name_means_https():
    with manager(None, {"base-url": "sso.example.com", "realm": "demo"}) as clients:
        issuer = clients.registrations["my-client"].provider.issuer_uri
    assert issuer == "https://sso.example.com/realms/demo"


@pytest.mark.parametrize(
    ("settings", "path", "words"),
    [
        ({"base-url": "http://sso.example.com", "realm": "demo"}, "base-url", "plain http"),
        ({"base-url": "https://sso.example.com?x=1", "realm": "demo"}, "base-url", "query"),
        ({"base-url": "https://sso.example.com", "realm": ".."}, "realm", "must not be"),
        ({"base-url": "https://sso.example.com", "realm": ""}, "realm", "must not be"),
        ({"base-url": "https://sso.example.com", "relm": "demo"}, "relm", "no such setting"),
    ],
)
def test_settings_that_cannot_be_used_are_named(settings, path, words):
    found = problems(settings)
    assert words in found[f"provider.keycloak.{path}"].message


def test_a_realm_alone_says_what_is_missing():
    problem = problems({"realm": "demo"})["provider.keycloak"]
    assert problem.message == "has neither token-uri nor issuer-uri"
    assert "base-url, realm" in problem.remedy


@pytest.mark.parametrize(
    ("status", "code", "description", "hint"),
    [
        (401, "unauthorized_client", "Invalid client or Invalid client credentials", "Credentials"),
        (
            401,
            "unauthorized_client",
            "Client not enabled to retrieve service account",
            "Service account roles",
        ),
        (
            401,
            "unauthorized_client",
            "Public client not allowed to retrieve service account",
            "Client authentication",
        ),
        (
            401,
            "unauthorized_client",
            "Invalid method used to get client secret. Client requires method client_secret_post",
            "client-authentication-method",
        ),
        (400, "invalid_scope", "Invalid scopes: nope", "client scopes"),
        (404, "Realm does not exist", None, "base-url"),
    ],
)
def test_refusals_say_what_to_do(server, status, code, description, hint):
    body = (
        {"error": code}
        if description is None
        else {"error": code, "error_description": description}
    )
    server.inject(Fault(status=status, body=body))
    with manager(server) as clients, pytest.raises(TokenEndpointError) as caught:
        clients.authorize("my-client")
    error = caught.value
    assert (error.status, error.error, error.error_description) == (status, code, description)
    assert error.registration_id == "my-client"
    assert not error.retryable
    assert hint in error.hint


def test_only_a_wrong_secret_is_of_the_category_credential():
    plugin = Keycloak(Keycloak.settings_class())

    def category(words):
        error = TokenEndpointError(
            "x", status=401, error="unauthorized_client", error_description=words
        )
        found = plugin.explain_error(error)
        return found and found.category

    assert category("Invalid client or Invalid client credentials") == "credential"
    assert category("Client not enabled to retrieve service account") == "configuration"
    assert category("something new") is None


def refused(words, hint):
    return Sample(answer(401, error="unauthorized_client", error_description=words), hint=hint)


class TestConformance(ProviderPluginTests):
    plugin = Keycloak
    name = "keycloak"
    settings: ClassVar = {"base-url": "https://sso.example.com", "realm": "demo"}
    registration: ClassVar = {"client-id": "my-client", "scope": "read"}
    cases: ClassVar = {
        "secret": {},
        "signed assertion": {"private-key-file": key_file},
        "certificate": {
            "certificate-file": certificate_file,
            "certificate-key-file": key_file,
            "client-authentication-method": "tls_client_auth",
        },
    }
    samples: ClassVar = [
        Sample(
            answer(
                access_token="eyJ...", token_type="Bearer", expires_in=60, scope="email profile"
            ),
            token="eyJ...",
            lifetime=60,
            scopes=["email", "profile"],
        ),
        refused("Invalid client or Invalid client credentials", "Credentials tab"),
        refused("Client not enabled to retrieve service account", "Service account roles"),
        refused("Public client not allowed to retrieve service account", "Client authentication"),
        refused("Invalid method used to get client secret", "client-authentication-method"),
        Sample(
            answer(400, error="invalid_scope", error_description="Invalid scopes: nope"),
            hint="client scopes",
        ),
        Sample(answer(404, error="Realm does not exist"), hint="realm"),
    ]
