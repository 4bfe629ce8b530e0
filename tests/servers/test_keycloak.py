"""What only Keycloak shows: its plugin, users, jwt-bearer, two addresses for one realm."""

import time
import uuid
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def test_metadata_names_the_endpoints_of_ready(keycloak, http):
    url = f"{keycloak.issuer}/.well-known/openid-configuration"
    metadata = http.get(url, timeout=30).json()
    assert metadata["introspection_endpoint"] == keycloak.introspection_uri
    assert metadata["revocation_endpoint"] == keycloak.revocation_uri
    assert metadata["device_authorization_endpoint"] == keycloak.device_authorization_uri
    assert metadata["authorization_endpoint"] == keycloak.authorization_uri
    assert (
        metadata["pushed_authorization_request_endpoint"]
        == keycloak.pushed_authorization_request_uri
    )


def test_over_tls_the_issuer_is_another(keycloak, http):
    url = f"{keycloak.mtls_issuer}/.well-known/openid-configuration"
    metadata = http.get(url, verify=keycloak.ca_bundle, timeout=30).json()
    assert metadata["issuer"] == keycloak.mtls_issuer
    assert metadata["token_endpoint"] == keycloak.mtls_token_uri


@pytest.mark.parametrize(
    "name", ["secret-jwt", "key-rsa", "key-ec", "key-ed25519", "mtls", "basic-only", "refresh"]
)
def test_it_takes_every_client_authentication_method(keycloak, ask, name):
    answer = ask(keycloak, name)
    assert answer.status_code == 200, answer.text


def test_odd_characters_are_not_only_ascii(keycloak):
    odd = keycloak.clients["odd"]
    assert not odd.client_id.isascii()
    assert not odd.client_secret.isascii()


def test_alice_logs_in_and_a_token_is_exchanged(keycloak, ask):
    user = keycloak.extra["user"]
    alice = ask(keycloak, "password", grant_type="password", scope="read", **user)
    assert alice.status_code == 200, alice.text
    assert alice.json()["refresh_token"]

    subject = ask(keycloak, "basic").json()["access_token"]
    answer = ask(
        keycloak,
        "exchange",
        grant_type=TOKEN_EXCHANGE,
        subject_token=subject,
        subject_token_type=ACCESS_TOKEN,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["issued_token_type"] == ACCESS_TOKEN


def test_somebody_elses_assertion_is_a_token_of_alice(keycloak, ask):
    assertion = keycloak.extra["assertion"]
    now = int(time.time())
    claims = {
        "iss": assertion["issuer"],
        "sub": assertion["subject"],
        "aud": keycloak.issuer,
        "jti": uuid.uuid4().hex,
        "iat": now,
        "exp": now + 60,
    }
    key = ECKey.import_key(Path(assertion["key_file"]).read_text())
    signed = jwt.encode({"alg": assertion["algorithm"]}, claims, key)
    answer = ask(keycloak, "jwt-bearer", grant_type=JWT_BEARER, assertion=signed)
    assert answer.status_code == 200, answer.text


def test_dpop_is_required_and_taken(keycloak, ask):
    assert ask(keycloak, "dpop").json()["error"] == "invalid_request"
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    claims = {
        "jti": uuid.uuid4().hex,
        "htm": "POST",
        "htu": keycloak.token_uri,
        "iat": int(time.time()),
    }
    answer = ask(keycloak, "dpop", headers={"DPoP": jwt.encode(header, claims, key)})
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")


def test_device_and_pushed_requests_start(keycloak, ask):
    device = ask(keycloak, "device", url=keycloak.device_authorization_uri)
    assert device.json()["user_code"], device.text
    pushed = ask(
        keycloak,
        "par",
        url=keycloak.pushed_authorization_request_uri,
        client_id=keycloak.clients["par"].client_id,
        response_type="code",
        redirect_uri="https://app.example.com/callback",
    )
    assert pushed.status_code == 201, pushed.text


def test_the_resource_server_sees_an_active_token(keycloak, ask, http):
    token = ask(keycloak, "basic", scope="read").json()["access_token"]
    api = keycloak.clients["api"]
    answer = http.post(
        keycloak.introspection_uri,
        data={"token": token},
        auth=(api.client_id, api.client_secret),
        timeout=30,
    )
    assert answer.json()["active"] is True, answer.text
    assert answer.json()["client_id"] == "basic"


def test_the_administrator_reaches_the_clients(keycloak, http):
    base = keycloak.extra["base_url"]
    form = {"grant_type": "password", "client_id": "admin-cli", **keycloak.extra["admin"]}
    token_uri = f"{base}/realms/master/protocol/openid-connect/token"
    answer = http.post(token_uri, data=form, timeout=30)
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    url = f"{base}/admin/realms/{keycloak.extra['realm']}/clients"
    found = http.get(url, params={"clientId": "basic-only"}, headers=bearer, timeout=30)
    assert [client["clientId"] for client in found.json()] == ["basic-only"]


# --- the library ----------------------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_plugin_needs_only_base_url_and_realm(
    keycloak, settings_for, manager_for, assert_authorized, slash
):
    extra = keycloak.extra
    provider = {"type": "keycloak", "base-url": extra["base_url"] + slash, "realm": extra["realm"]}
    manager = manager_for(settings_for(keycloak.clients["basic"], provider))
    assert_authorized(manager.authorize("my-client"))


def test_an_unknown_realm_is_an_error_that_names_the_endpoint(keycloak, settings_for, manager_for):
    from oauthreg import AuthorizationError

    provider = {"type": "keycloak", "base-url": keycloak.extra["base_url"], "realm": "nowhere"}
    manager = manager_for(settings_for(keycloak.clients["basic"], provider))
    with pytest.raises(AuthorizationError) as caught:
        manager.authorize("my-client")
    assert "/realms/nowhere" in str(caught.value)
