"""What only node oidc-provider shows: nonces, resources, self-signed certificates."""

import time
import uuid

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def test_metadata_names_every_client_authentication_method(oidc_provider, http):
    url = f"{oidc_provider.issuer}/.well-known/openid-configuration"
    metadata = http.get(url, timeout=30).json()
    methods = {client.method for client in oidc_provider.clients.values()}
    assert methods == set(metadata["token_endpoint_auth_methods_supported"])
    assert metadata["mtls_endpoint_aliases"]["token_endpoint"] == oidc_provider.mtls_token_uri
    assert metadata["introspection_endpoint"] == oidc_provider.introspection_uri
    assert metadata["revocation_endpoint"] == oidc_provider.revocation_uri
    assert metadata["device_authorization_endpoint"] == oidc_provider.device_authorization_uri
    assert metadata["authorization_endpoint"] == oidc_provider.authorization_uri
    assert (
        metadata["pushed_authorization_request_endpoint"]
        == oidc_provider.pushed_authorization_request_uri
    )


@pytest.mark.parametrize(
    "name",
    ["none", "secret-jwt", "key-rsa", "key-ec", "key-ed25519", "mtls", "mtls-self-signed"],
)
def test_it_takes_every_client_authentication_method(oidc_provider, ask, name):
    answer = ask(oidc_provider, name)
    assert answer.status_code == 200, answer.text


def test_a_certificate_bound_token_names_the_certificate(oidc_provider, ask, http):
    token = ask(oidc_provider, "mtls").json()["access_token"]
    assert introspected(oidc_provider, http, token)["cnf"]["x5t#S256"]


def test_a_nonce_is_required_once_and_then_taken(oidc_provider, ask):
    key = ECKey.generate_key("P-256")
    first = ask(oidc_provider, "dpop-nonce", headers={"DPoP": proof(oidc_provider, key)})
    assert (first.status_code, first.json()["error"]) == (400, "use_dpop_nonce")
    again = proof(oidc_provider, key, nonce=first.headers["DPoP-Nonce"])
    second = ask(oidc_provider, "dpop-nonce", headers={"DPoP": again})
    assert (second.status_code, second.json()["token_type"]) == (200, "DPoP")


def test_dpop_without_a_nonce(oidc_provider, ask):
    key = ECKey.generate_key("P-256")
    answer = ask(oidc_provider, "dpop", headers={"DPoP": proof(oidc_provider, key)})
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")


def test_a_resource_becomes_the_audience_of_a_jwt(oidc_provider, ask, http):
    resource = oidc_provider.extra["resources"][0]
    answer = ask(oidc_provider, "basic", resource=resource, scope="read")
    assert answer.json()["access_token"].count(".") == 2
    assert ask(oidc_provider, "basic", resource="https://other.example.com").status_code == 400


def test_a_token_is_exchanged(oidc_provider, ask):
    subject = ask(oidc_provider, "basic").json()["access_token"]
    answer = ask(
        oidc_provider,
        "exchange",
        grant_type=TOKEN_EXCHANGE,
        subject_token=subject,
        subject_token_type=ACCESS_TOKEN,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["issued_token_type"] == ACCESS_TOKEN


def test_device_and_pushed_requests_start(oidc_provider, ask):
    device = ask(oidc_provider, "device", url=oidc_provider.device_authorization_uri)
    assert device.json()["user_code"], device.text
    pushed = ask(
        oidc_provider,
        "web",
        url=oidc_provider.pushed_authorization_request_uri,
        client_id=oidc_provider.clients["web"].client_id,
        response_type="code",
        scope="openid",
        redirect_uri="https://app.example.com/callback",
    )
    assert pushed.status_code == 201, pushed.text


def test_a_revoked_token_is_no_longer_active(oidc_provider, ask, http):
    token = ask(oidc_provider, "basic").json()["access_token"]
    basic = oidc_provider.clients["basic"]
    answer = http.post(
        oidc_provider.revocation_uri,
        data={"token": token},
        auth=(basic.client_id, basic.client_secret),
        timeout=30,
    )
    assert answer.status_code == 200
    assert introspected(oidc_provider, http, token)["active"] is False


@pytest.mark.parametrize("address", ["token-uri", "issuer-uri"])
def test_a_token_without_a_secret(
    oidc_provider, settings_for, manager_for, assert_authorized, address
):
    provider = {
        "token-uri": {"token-uri": oidc_provider.token_uri},
        "issuer-uri": {"issuer-uri": oidc_provider.issuer},
    }[address]
    method = {"client-authentication-method": "none"}
    manager = manager_for(settings_for(oidc_provider.clients["none"], provider, **method))
    assert_authorized(manager.authorize("my-client"))


def test_the_librarys_token_introspects_as_active(oidc_provider, settings_for, manager_for, http):
    basic = oidc_provider.clients["basic"]
    provider = {"token-uri": oidc_provider.token_uri}
    manager = manager_for(settings_for(basic, provider, scope="read write"))
    token = manager.authorize("my-client").access_token
    about = introspected(oidc_provider, http, token.token_value)
    assert about["active"] is True
    assert about["client_id"] == basic.client_id
    assert set(about["scope"].split()) == set(token.scopes) == {"read", "write"}
    assert about["exp"] == pytest.approx(token.expires_at.timestamp(), abs=3)


def introspected(server, http, token):
    basic = server.clients["basic"]
    auth = (basic.client_id, basic.client_secret)
    data = {"token": token}
    return http.post(server.introspection_uri, data=data, auth=auth, timeout=30).json()


def proof(server, key, **claims):
    """A DPoP proof for the token endpoint."""
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    claims = {
        "jti": uuid.uuid4().hex,
        "htm": "POST",
        "htu": server.token_uri,
        "iat": int(time.time()),
        **claims,
    }
    return jwt.encode(header, claims, key)
