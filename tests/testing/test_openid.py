from __future__ import annotations

import time

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from oauthreg.testing import DELETE, AuthorizationServer


@pytest.fixture
def server(callback):
    with AuthorizationServer() as server:
        server.add_client(
            "id",
            "secret",
            grants=["authorization_code", "client_credentials", "refresh_token"],
            scopes=["openid", "read"],
            redirect_uris=[callback],
        )
        yield server


@pytest.fixture
def decode(server, session):
    """Verify an ID token by the server's public keys."""

    def decode(token):
        keys = KeySet.import_key_set(session.get(server.jwk_set_uri).json())
        return jwt.decode(token, keys, algorithms=["RS256"])

    return decode


def test_an_id_token_says_who_logged_in(server, login, redeem, decode, ask):
    answer = redeem(login(scope="openid", nonce="n1")).json()
    claims = decode(answer["id_token"]).claims
    assert claims.pop("exp") - claims["iat"] == 300
    assert abs(claims.pop("iat") - time.time()) < 5
    assert claims.pop("auth_time")
    assert claims.pop("at_hash")
    assert claims == {"iss": server.issuer, "sub": "alice", "aud": "id", "nonce": "n1"}
    refreshed = ask("refresh_token", refresh_token=answer["refresh_token"]).json()
    assert "id_token" not in refreshed


def test_no_openid_no_id_token(login, redeem, decode, ask):
    assert "id_token" not in redeem(login(scope="read")).json()
    assert "id_token" not in ask(scope="openid").json()
    token = redeem(login(scope="openid")).json()["id_token"]
    assert "nonce" not in decode(token).claims


def test_id_tokens_can_be_spoilt(server, login, redeem, decode):
    server.id_token_overrides = {"aud": "other", "exp": DELETE, "nonce": "wrong"}
    claims = decode(redeem(login(scope="openid", nonce="n1")).json()["id_token"]).claims
    assert (claims["aud"], claims["nonce"]) == ("other", "wrong")
    assert "exp" not in claims
    server.wrong_id_token_signature = True
    with pytest.raises(BadSignatureError):
        decode(redeem(login(scope="openid")).json()["id_token"])


def test_user_info(server, login, redeem, session, ask):
    def info(token, **options):
        headers = {"Authorization": f"Bearer {token}"}
        return session.get(server.user_info_uri, headers=headers, timeout=5)

    token = redeem(login(scope="openid")).json()["access_token"]
    assert info(token).json() == {"sub": "alice", "preferred_username": "alice"}
    posted = session.post(server.user_info_uri, data={"access_token": token}, timeout=5)
    assert posted.json()["sub"] == "alice"
    server.user_info_overrides = {"sub": "mallory", "preferred_username": DELETE}
    assert info(token).json() == {"sub": "mallory"}
    assert session.get(server.user_info_uri, timeout=5).status_code == 401
    assert info("unknown").status_code == 401
    assert info(ask(scope="read").json()["access_token"]).status_code == 403
    assert len(server.requests_to("user_info")) == 6


def test_the_metadata_is_good_for_openid(server, session):
    metadata = session.get(server.metadata_uri).json()
    assert metadata["userinfo_endpoint"] == server.user_info_uri
    assert metadata["id_token_signing_alg_values_supported"] == ["RS256"]
    assert metadata["subject_types_supported"] == ["public"]
