"""Okta over the wire, against a server with the paths of an Okta domain."""

from base64 import b64encode
from typing import ClassVar

import pytest
from joserfc.jwk import ECKey
from oauthreg_okta import Okta

from oauthreg import AuthorizedClientManager, ConfigurationError, TokenEndpointError
from oauthreg.testing import (
    AuthorizationServer,
    Fault,
    ProviderPluginTests,
    Sample,
    answer,
    key_file,
)

CUSTOM = {"issuer": "/oauth2/default", "token": "/oauth2/default/v1/token"}


@pytest.fixture
def server():
    with AuthorizationServer(layout=CUSTOM) as server:
        server.add_client("my-client", "a secret", scopes=["orders.read"])
        yield server


def manager(provider, **registration):
    """Return a manager of one registration, changed as the test wants."""
    table = {"client-id": "my-client", "scope": "orders.read"}
    secret = {} if "private-key-file" in registration else {"client-secret": "a secret"}
    return AuthorizedClientManager.from_settings(
        {
            "provider": {"okta": provider},
            "registration": {"my-client": {**table, **secret, **registration}},
        }
    )


def custom(server):
    return {"okta-domain": server.base_uri, "authorization-server-id": "default"}


def problems(provider, **registration):
    with pytest.raises(ConfigurationError) as caught:
        manager(provider, **registration)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_the_token_request_on_the_wire(server):
    with manager(custom(server)) as clients:
        client = clients.authorize("my-client")
    request = server.last_token_request
    assert (request.method, request.path, request.raw_query) == ("POST", CUSTOM["token"], "")
    assert (
        request.headers["authorization"] == f"Basic {b64encode(b'my-client:a%20secret').decode()}"
    )
    assert request.form == [("grant_type", "client_credentials"), ("scope", "orders.read")]
    assert client.access_token.token_value == server.tokens[-1].value
    assert server.metadata_requests == 0


def test_each_server_has_its_addresses():
    def addresses(provider):
        with manager(provider) as clients:
            details = clients.registrations["my-client"].provider
        return details.issuer_uri, details.token_uri

    domain = {"okta-domain": "acme.okta.com"}
    assert addresses({**domain, "authorization-server-id": "aus1"}) == (
        "https://acme.okta.com/oauth2/aus1",
        "https://acme.okta.com/oauth2/aus1/v1/token",
    )
    assert Okta(Okta.settings_class.model_validate(domain)).endpoints() == {
        "issuer-uri": "https://acme.okta.com",
        "token-uri": "https://acme.okta.com/oauth2/v1/token",
    }


def test_the_org_server_takes_an_assertion_for_its_token_endpoint(tmp_path):
    path = tmp_path / "key.pem"
    path.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    own = {"private-key-file": str(path), "scope": "okta.users.read"}
    with manager({"okta-domain": "acme.okta.com"}, **own) as clients:
        registration = clients.registrations["my-client"]
    assert registration.provider.token_uri == "https://acme.okta.com/oauth2/v1/token"
    assert registration.assertion_audience == "token-uri"


def test_the_org_server_takes_no_secret():
    found = problems({"okta-domain": "acme.okta.com"})
    assert list(found) == ["registration.my-client.client-secret"]
    assert "authorization-server-id" in found["registration.my-client.client-secret"]


@pytest.mark.parametrize("scope", ["", "openid", "openid orders.read"])
def test_scopes_have_to_be_those_of_an_api(scope):
    provider = {"okta-domain": "acme.okta.com", "authorization-server-id": "default"}
    found = problems(provider, scope=scope)
    assert list(found) == ["registration.my-client.scope"]


def test_stated_addresses_need_no_domain(server):
    with manager({"type": "okta", "token-uri": server.token_uri}) as clients:
        clients.authorize("my-client")
        assert clients.registrations["my-client"].provider.type == "okta"
    assert server.token_requests == 1


def test_a_spring_file_works_as_it_is(server, tmp_path):
    prefix = "spring.security.oauth2.client"
    path = tmp_path / "application.properties"
    path.write_text(
        f"{prefix}.registration.okta.client-id=my-client\n"
        f"{prefix}.registration.okta.client-secret=a secret\n"
        f"{prefix}.registration.okta.authorization-grant-type=client_credentials\n"
        f"{prefix}.registration.okta.scope=orders.read\n"
        f"{prefix}.provider.okta.token-uri={server.token_uri}\n"
    )
    with AuthorizedClientManager.from_settings(path) as clients:
        clients.authorize("okta")
        assert clients.registrations["okta"].provider.type == "generic"
    assert server.last_token_request.path == CUSTOM["token"]


@pytest.mark.parametrize(
    ("status", "code", "description", "hint"),
    [
        (
            400,
            "invalid_scope",
            "One or more scopes are not configured for the authorization server resource.",
            "scopes",
        ),
        (
            400,
            "access_denied",
            "Policy evaluation failed for this request, please check the policy configurations.",
            "access policy",
        ),
        (401, "unauthorized_client", "The client is not authorized.", "API Services"),
    ],
)
def test_refusals_say_what_to_do(server, status, code, description, hint):
    body = {"error": code, "error_description": description}
    server.inject(Fault(status=status, body=body))
    with manager(custom(server)) as clients, pytest.raises(TokenEndpointError) as caught:
        clients.authorize("my-client")
    assert (caught.value.status, caught.value.error) == (status, code)
    assert not caught.value.retryable
    assert hint in caught.value.hint


def test_throttling_in_oktas_own_words_is_waited_out(server):
    body = {"errorCode": "E0000047", "errorSummary": "API call exceeded rate limit"}
    server.inject(Fault(status=429, body=body, retry_after=30))
    with manager(custom(server)) as clients, pytest.raises(TokenEndpointError) as caught:
        clients.authorize("my-client")
    assert caught.value.retryable
    assert caught.value.retry_after >= 30


class TestConformance(ProviderPluginTests):
    plugin = Okta
    name = "okta"
    settings: ClassVar = {"okta-domain": "acme.okta.com", "authorization-server-id": "default"}
    registration: ClassVar = {"client-id": "my-client", "scope": "orders.read"}
    cases: ClassVar = {
        "secret": {},
        "signed assertion": {"private-key-file": key_file},
        "by an elliptic curve": {"private-key-file": lambda: key_file("P-256")},
    }
    samples: ClassVar = [
        Sample(
            answer(
                token_type="Bearer",
                expires_in=3600,
                access_token="eyJraWQi...",
                scope="okta.users.read",
            ),
            token="eyJraWQi...",
            lifetime=3600,
            scopes=["okta.users.read"],
        ),
        Sample(answer(400, error="invalid_scope"), hint="very authorization server"),
        Sample(answer(400, error="access_denied"), hint="access policy"),
        Sample(answer(401, error="unauthorized_client"), hint="API Services"),
    ]
