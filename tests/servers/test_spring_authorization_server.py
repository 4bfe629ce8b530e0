"""What only Spring Authorization Server shows: empty answers, chains, tokens of users."""

import time
import uuid

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from oauthreg import AuthorizedClientManager, TokenEndpointError

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.mark.parametrize("document", ["openid-configuration", "oauth-authorization-server"])
def test_metadata_names_the_endpoints_of_ready(spring, http, document):
    metadata = http.get(f"{spring.issuer}/.well-known/{document}", timeout=30).json()
    assert metadata["introspection_endpoint"] == spring.introspection_uri
    assert metadata["revocation_endpoint"] == spring.revocation_uri
    assert metadata["device_authorization_endpoint"] == spring.device_authorization_uri
    assert metadata["authorization_endpoint"] == spring.authorization_uri
    assert (
        metadata["pushed_authorization_request_endpoint"] == spring.pushed_authorization_request_uri
    )
    # Public clients are taken where there is PKCE, and not advertised.
    methods = {client.method for client in spring.clients.values()}
    assert methods - {"none"} == set(metadata["token_endpoint_auth_methods_supported"])


def test_over_tls_the_issuer_is_another(spring, http):
    url = f"{spring.mtls_issuer}/.well-known/openid-configuration"
    metadata = http.get(url, verify=spring.ca_bundle, timeout=30).json()
    assert metadata["issuer"] == spring.mtls_issuer
    assert metadata["token_endpoint"] == spring.mtls_token_uri
    assert "mtls_endpoint_aliases" not in metadata


@pytest.mark.parametrize("name", ["secret-jwt", "key-rsa", "key-ec", "mtls", "mtls-self-signed"])
def test_it_takes_every_client_authentication_method(spring, ask, name):
    answer = ask(spring, name)
    assert answer.status_code == 200, answer.text


def test_a_certificate_bound_token_names_the_certificate(spring, ask, http):
    token = ask(spring, "mtls").json()["access_token"]
    assert introspected(spring, http, token)["cnf"]["x5t#S256"]


def test_a_client_that_gives_no_credentials_gets_an_empty_answer_or_a_login_page(spring, http):
    form = {"grant_type": "client_credentials"}
    empty = http.post(spring.token_uri, data=form, timeout=30, allow_redirects=False)
    assert (empty.status_code, empty.content) == (401, b"")
    with requests.Session() as browser:
        browser.trust_env = False
        answer = browser.post(
            spring.token_uri, data=form, headers={"Accept": "text/html"}, timeout=30
        )
    assert (answer.status_code, answer.url) == (200, f"{spring.issuer}/login")


def test_the_lifetime_is_one_second_short(spring, ask):
    assert ask(spring, "basic").json()["expires_in"] == 299
    assert ask(spring, "short").json()["expires_in"] == 4


def test_the_scope_is_what_was_asked_for_and_nothing_without(spring, ask):
    assert ask(spring, "basic", scope="read").json()["scope"] == "read"
    assert "scope" not in ask(spring, "basic").json()
    assert ask(spring, "basic", scope="nope").json()["error"] == "invalid_scope"


def test_a_proof_binds_every_clients_token(spring, ask):
    key = ECKey.generate_key("P-256")
    proof = {"DPoP": dpop_proof(spring, key)}
    answer = ask(spring, "dpop", headers=proof)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    again = ask(spring, "dpop", headers=proof)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_dpop_proof")


def test_only_a_users_token_is_exchanged(spring, ask):
    answer = ask(
        spring,
        "exchange",
        grant_type=TOKEN_EXCHANGE,
        subject_token=ask(spring, "basic").json()["access_token"],
        subject_token_type=ACCESS_TOKEN,
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_jwt_bearer_is_not_offered(spring, ask):
    answer = ask(spring, "basic", grant_type=JWT_BEARER, assertion="x")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_device_and_pushed_requests_start(spring, ask):
    device = ask(spring, "device", url=spring.device_authorization_uri, scope="read")
    assert device.json()["user_code"], device.text
    assert "interval" not in device.json()
    pushed = ask(
        spring,
        "par",
        url=spring.pushed_authorization_request_uri,
        client_id=spring.clients["par"].client_id,
        response_type="code",
        scope="read",
        redirect_uri="https://app.example.com/callback",
        code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        code_challenge_method="S256",
    )
    assert pushed.status_code == 201, pushed.text


def test_a_revoked_token_is_no_longer_active(spring, ask, http):
    token = ask(spring, "basic").json()["access_token"]
    assert introspected(spring, http, token)["active"] is True
    basic = spring.clients["basic"]
    answer = http.post(
        spring.revocation_uri,
        data={"token": token},
        auth=(basic.client_id, basic.client_secret),
        timeout=30,
    )
    assert answer.status_code == 200
    assert introspected(spring, http, token)["active"] is False


def introspected(server, http, token):
    basic = server.clients["basic"]
    auth = (basic.client_id, basic.client_secret)
    data = {"token": token}
    return http.post(server.introspection_uri, data=data, auth=auth, timeout=30).json()


def dpop_proof(server, key):
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    claims = {
        "jti": uuid.uuid4().hex,
        "htm": "POST",
        "htu": server.token_uri,
        "iat": int(time.time()),
    }
    return jwt.encode(header, claims, key)


def test_the_preset_authorizes_and_says_what_a_refusal_means(spring):
    client = spring.clients["basic"]
    registration = {"provider": "as", "client-id": client.client_id}
    registration["client-secret"] = client.client_secret
    settings = {
        "provider": {"as": {"type": "spring-authorization-server", "issuer": spring.issuer}},
        "registration": {"app": registration, "wrong": {**registration, "scope": "no-such"}},
    }
    with AuthorizedClientManager.from_settings(settings) as manager:
        assert manager.authorize("app").access_token.token_value
        with pytest.raises(TokenEndpointError) as caught:
            manager.authorize("wrong")
    assert caught.value.error == "invalid_scope"
    assert "Add the scope to the client's scopes." in str(caught.value)
