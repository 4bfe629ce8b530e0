"""Auth0 over the wire, against a server with the paths of a tenant."""

from typing import ClassVar

import pytest
from oauthreg_auth0 import Auth0

from oauthreg import AuthorizedClientManager, ConfigurationError, TokenEndpointError
from oauthreg.testing import (
    AuthorizationServer,
    Fault,
    ProviderPluginTests,
    Sample,
    answer,
    key_file,
)

API = "https://api.example.com/"


@pytest.fixture
def server():
    with AuthorizationServer(layout={"issuer": "/", "token": "/oauth/token"}) as server:
        server.add_client(
            "my-client", "a secret", client_authentication_methods=["client_secret_post"]
        )
        yield server


def manager(server, provider=None, **registration):
    """Return a manager of one registration at this tenant, changed as the test wants."""
    table = {"client-id": "my-client", "client-secret": "a secret", "audience": API}
    tenant = {"domain": server.base_uri, **(provider or {})}
    return AuthorizedClientManager.from_settings(
        {
            "provider": {"auth0": tenant},
            "registration": {"my-client": {**table, **registration}},
        }
    )


def test_the_token_request_on_the_wire(server):
    with manager(server) as clients:
        client = clients.authorize("my-client")
    request = server.last_token_request
    assert (request.method, request.path, request.raw_query) == ("POST", "/oauth/token", "")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["authorization"] is None
    assert request.form == [
        ("grant_type", "client_credentials"),
        ("audience", API),
        ("client_id", "my-client"),
        ("client_secret", "a secret"),
    ]
    assert client.access_token.token_value == server.tokens[-1].value
    assert server.metadata_requests == 0


def test_the_issuer_ends_in_a_slash(server):
    with manager(server) as clients:
        assert clients.registrations["my-client"].provider.issuer_uri == f"{server.base_uri}/"


def test_the_issuer_alone_is_discovered(server):
    settings = {
        "provider": {"auth0": {"type": "auth0", "issuer-uri": server.issuer}},
        "registration": {
            "my-client": {"client-id": "my-client", "client-secret": "a secret", "audience": API}
        },
    }
    with AuthorizedClientManager.from_settings(settings) as clients:
        clients.authorize("my-client")
    assert server.metadata_requests == 1
    assert server.last_token_request.path == "/oauth/token"


def test_an_organization_is_sent(server):
    with manager(server, {"organization": "org_1"}) as clients:
        clients.authorize("my-client")
    assert ("organization", "org_1") in server.last_token_request.form


def test_a_registrations_own_organization_comes_first(server):
    own = {"parameters": {"organization": "org_2"}}
    with manager(server, {"organization": "org_1"}, **own) as clients:
        clients.authorize("my-client")
    sent = [value for name, value in server.last_token_request.form if name == "organization"]
    assert sent == ["org_2"]


def test_a_resource_stands_in_for_the_audience(server):
    with manager(server, audience=None, resource=API) as clients:
        clients.authorize("my-client")
    assert ("resource", API) in server.last_token_request.form


def test_without_an_audience_it_does_not_load():
    settings = {
        "provider": {"auth0": {"domain": "acme.eu.auth0.com"}},
        "registration": {"my-client": {"client-id": "my-client", "client-secret": "a secret"}},
    }
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(settings)
    (problem,) = caught.value.problems
    assert problem.path == "registration.my-client.audience"
    assert "registration.my-client.audience" in problem.remedy


@pytest.mark.parametrize(
    ("status", "code", "description", "hint"),
    [
        (401, "access_denied", "Unauthorized", "client-secret"),
        (403, "access_denied", f"Service not enabled within domain: {API}", "audience"),
        (403, "access_denied", f'Client is not authorized to access "{API}".', "Authorize"),
        (
            403,
            "unauthorized_client",
            "Grant type 'client_credentials' not allowed for the client.",
            "grant types",
        ),
    ],
)
def test_refusals_say_what_to_do(server, status, code, description, hint):
    body = {"error": code, "error_description": description}
    server.inject(Fault(status=status, body=body))
    with manager(server) as clients, pytest.raises(TokenEndpointError) as caught:
        clients.authorize("my-client")
    assert (caught.value.status, caught.value.error) == (status, code)
    assert not caught.value.retryable
    assert hint in caught.value.hint


def test_a_used_up_quota_is_waited_out(server):
    body = {"error": "too_many_requests", "error_description": "Client quota exceeded"}
    server.inject(Fault(status=429, body=body, retry_after=60))
    with manager(server) as clients, pytest.raises(TokenEndpointError) as caught:
        clients.authorize("my-client")
    assert caught.value.retryable
    assert caught.value.retry_after >= 60
    assert "quota" in caught.value.hint
    assert server.token_requests == 1


def refused(status, code, words, hint):
    return Sample(answer(status, error=code, error_description=words), hint=hint)


class TestConformance(ProviderPluginTests):
    plugin = Auth0
    name = "auth0"
    settings: ClassVar = {"domain": "acme.eu.auth0.com", "organization": "org_1"}
    registration: ClassVar = {"client-id": "my-client", "audience": API}
    cases: ClassVar = {"secret": {}, "signed assertion": {"private-key-file": key_file}}
    samples: ClassVar = [
        Sample(
            answer(access_token="eyJz93a...k4laUWw", token_type="Bearer", expires_in=86400),
            token="eyJz93a...k4laUWw",
            lifetime=86400,
        ),
        refused(401, "access_denied", "Unauthorized", "domain"),
        refused(403, "access_denied", f"Service not enabled within domain: {API}", "no API"),
        refused(403, "access_denied", "Client is not authorized to access", "Authorize"),
        refused(403, "unauthorized_client", "Grant type not allowed", "grant types"),
        refused(429, "too_many_requests", "Client quota exceeded", "quota"),
    ]
