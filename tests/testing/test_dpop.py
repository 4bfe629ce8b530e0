from __future__ import annotations

import base64
import hashlib
import time
import uuid

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

KEY = ECKey.generate_key("P-256")
OTHER_KEY = ECKey.generate_key("P-256")


def proof(method, uri, *, key=KEY, alg="ES256", token=None, header=None, **changes):
    """Return a header with a good proof but for the claims given (None: left out)."""
    claims = {"htm": method, "htu": uri, "iat": int(time.time()), "jti": str(uuid.uuid4())}
    if token is not None:
        digest = hashlib.sha256(token.encode()).digest()
        claims["ath"] = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    claims = {k: v for k, v in {**claims, **changes}.items() if v is not None}
    head = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False), **(header or {})}
    return {"DPoP": jwt.encode(head, claims, key, [alg])}


def outcome(answer):
    return answer.status_code, answer.json()["error"]


@pytest.fixture
def ask_bound(server, ask):
    """Send a token request with a proof."""

    def send(uri=None, form=None, **changes):
        headers = proof("POST", uri or server.token_uri, **changes)
        return ask(headers=headers, **(form or {}))

    return send


@pytest.fixture
def call(server, session):
    """Call the API with a token and a proof."""

    def send(value, scheme="DPoP", method="GET", **changes):
        headers = {"Authorization": f"{scheme} {value}"}
        headers |= proof("GET", server.api_uri, **{"token": value, **changes})
        return session.request(method, server.api_uri, headers=headers, timeout=5)

    return send


def test_a_proof_binds_the_token_to_its_key(server, ask_bound, call, post):
    answer = ask_bound()
    token = answer.json()["access_token"]
    assert answer.json()["token_type"] == "DPoP"
    assert server.token(token).cnf == {"jkt": KEY.thumbprint()}
    seen = post(server.introspection_uri, token=token).json()
    assert (seen["token_type"], seen["cnf"]) == ("DPoP", {"jkt": KEY.thumbprint()})
    assert call(token).json()["client"] == "id"
    assert "DPoP-Nonce" not in answer.headers


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "GET"},
        {"htm": None},
        {"htu": "http://127.0.0.1/token"},
        {"htu": "http://127.0.0.1:no/token"},
        {"htu": None},
        {"iat": int(time.time()) - 3600},
        {"iat": int(time.time()) + 3600},
        {"iat": None},
        {"iat": "now"},
        {"jti": None},
        {"jti": ""},
        {"header": {"typ": "JWT"}},
        {"header": {"jwk": OTHER_KEY.as_dict(private=False)}},
        {"header": {"jwk": KEY.as_dict(private=True)}},
        {"header": {"jwk": {}}},
        {"header": {"jwk": {"kty": "EC"}}},
        {"header": {"jwk": {"kty": "odd"}}},
        {"header": {"jwk": {**KEY.as_dict(private=False), "x": 1}}},
        {"header": {"jwk": {**KEY.as_dict(private=False), "crv": "P-0"}}},
        {"header": {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}},
        {"key": OctKey.generate_key(256), "alg": "HS256"},
    ],
)
def test_bad_proofs_are_refused_at_the_token_endpoint(ask_bound, changes):
    assert outcome(ask_bound(**changes)) == (400, "invalid_dpop_proof")


def test_what_is_no_proof_at_all_is_refused(server, ask):
    good = proof("POST", server.token_uri)["DPoP"]
    head = base64.urlsafe_b64encode(b'{"typ":"dpop+jwt","alg":"ES256","jwk":"text"}').decode()
    for value in (
        f"{head}.{good.partition('.')[2]}",
        "x",
        "a.b.c",
        "",
        f"{good[:-4]}AAAA",
        f"{good}, {good}",
    ):
        assert outcome(ask(headers={"DPoP": value})) == (400, "invalid_dpop_proof")


def test_a_proof_is_used_once(server, ask):
    headers = proof("POST", server.token_uri)
    assert ask(headers=headers).ok
    assert outcome(ask(headers=headers)) == (400, "invalid_dpop_proof")


def test_query_and_letter_case_of_the_address_do_not_matter(server, ask_bound):
    shouted = server.token_uri.replace("http://127", "HTTP://127")
    assert ask_bound(f"{shouted}?a=1#b").ok


@pytest.mark.parametrize("alg", ["RS256", "PS256", "EdDSA", "Ed25519"])
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # by the signing side
def test_proofs_by_other_algorithms(ask_bound, alg):
    key = OKPKey.generate_key("Ed25519") if alg.startswith("Ed") else RSAKey.generate_key(2048)
    assert ask_bound(key=key, alg=alg).json()["token_type"] == "DPoP"


def test_a_bound_client_needs_a_proof(server, ask, ask_bound):
    server.add_client("id", "secret", dpop_bound=True)
    assert outcome(ask()) == (400, "invalid_dpop_proof")
    assert ask_bound().ok


def test_the_api_takes_a_bound_token_with_its_own_proof_only(server, ask, ask_bound, call, session):
    token = ask_bound().json()["access_token"]
    for changes, error in (
        ({"key": OTHER_KEY}, "invalid_token"),
        ({"ath": None}, "invalid_dpop_proof"),
        ({"token": "another"}, "invalid_dpop_proof"),
        ({"htm": "POST"}, "invalid_dpop_proof"),
        ({"htu": server.token_uri}, "invalid_dpop_proof"),
        ({"method": "PUT"}, "invalid_dpop_proof"),
    ):
        answer = call(token, **changes)
        assert outcome(answer) == (401, error)
        assert answer.headers["WWW-Authenticate"] == f'DPoP error="{error}"'
    once = {"jti": "once"}
    assert [call(token, **once).status_code for _ in range(2)] == [200, 401]
    bare = session.get(server.api_uri, headers={"Authorization": f"DPoP {token}"}, timeout=5)
    assert outcome(bare) == (401, "invalid_dpop_proof")
    as_bearer = call(token, scheme="Bearer")
    assert as_bearer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert outcome(call(ask().json()["access_token"])) == (401, "invalid_token")


def test_a_nonce_may_be_required(server, ask, ask_bound, call):
    server.require_dpop_nonce = True
    refused = ask_bound()
    assert outcome(refused) == (400, "use_dpop_nonce")
    nonce = refused.headers["DPoP-Nonce"]
    answer = ask_bound(nonce=nonce)
    assert answer.headers["DPoP-Nonce"] == nonce
    token = answer.json()["access_token"]
    refused = call(token, nonce=nonce)
    assert outcome(refused) == (401, "use_dpop_nonce")
    assert refused.headers["WWW-Authenticate"] == 'DPoP error="use_dpop_nonce"'
    api_nonce = refused.headers["DPoP-Nonce"]
    assert api_nonce != nonce
    assert call(token, nonce=api_nonce).headers["DPoP-Nonce"] == api_nonce
    assert "DPoP-Nonce" not in ask().headers


def test_the_nonce_may_be_rotated(server, ask_bound):
    server.require_dpop_nonce = True
    first = ask_bound().headers["DPoP-Nonce"]
    server.rotate_dpop_nonce()
    refused = ask_bound(nonce=first)
    assert outcome(refused) == (400, "use_dpop_nonce")
    second = refused.headers["DPoP-Nonce"]
    server.rotate_dpop_nonce(keep_old=True)
    third = ask_bound(nonce=second).headers["DPoP-Nonce"]
    assert len({first, second, third}) == 3
    server.rotate_dpop_nonce(keep_old=True)
    assert ask_bound(nonce=third).ok
    assert not ask_bound(nonce=second).ok


def test_a_code_may_be_bound_before_it_is_redeemed(server, login, redeem, push, callback):
    server.add_client("id", "secret", grants=["authorization_code"], redirect_uris=[callback])

    def signed(key, uri=server.token_uri):
        return proof("POST", uri, key=key)

    def push_signed(**changes):
        return push(headers=signed(KEY, server.pushed_authorization_request_uri), **changes)

    back = login(dpop_jkt=KEY.thumbprint())
    assert outcome(redeem(back)) == (400, "invalid_grant")
    assert outcome(redeem(back, headers=signed(OTHER_KEY))) == (400, "invalid_grant")
    assert redeem(back, headers=signed(KEY)).ok
    back = login(**push_signed().json())
    assert outcome(redeem(back, headers=signed(OTHER_KEY))) == (400, "invalid_grant")
    assert redeem(back, headers=signed(KEY)).ok
    assert push_signed(dpop_jkt=KEY.thumbprint()).ok
    clash = push_signed(dpop_jkt=OTHER_KEY.thumbprint())
    assert outcome(clash) == (400, "invalid_request")
    assert outcome(push(headers={"DPoP": "x"})) == (400, "invalid_dpop_proof")
    server.require_dpop_nonce = True
    assert outcome(refused := push_signed()) == (400, "use_dpop_nonce")
    assert refused.headers["DPoP-Nonce"]


def test_a_refresh_token_of_a_public_client_is_bound(server, ask, ask_bound):
    grants = ["password", "refresh_token"]
    server.add_user("bob", "pass")
    login = {"grant_type": "password", "username": "bob", "password": "pass"}
    server.add_client("id", client_authentication_methods=["none"], grants=grants)
    as_public = {"auth": None, "client_id": "id"}
    token = ask_bound(form={**login, **as_public}).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, **as_public}
    assert outcome(ask(**form)) == (400, "invalid_grant")
    assert outcome(ask_bound(form=form, key=OTHER_KEY)) == (400, "invalid_grant")
    assert ask_bound(form=form).json()["token_type"] == "DPoP"
    server.add_client("id", "secret", grants=grants)
    token = ask_bound(form=login).json()["refresh_token"]
    refreshed = ask_bound(
        form={"grant_type": "refresh_token", "refresh_token": token}, key=OTHER_KEY
    )
    assert server.token(refreshed.json()["access_token"]).cnf == {"jkt": OTHER_KEY.thumbprint()}


def test_the_same_token_is_not_issued_again_for_another_key(server, ask_bound):
    server.reissue = True
    tokens = [ask_bound(key=key).json()["access_token"] for key in (KEY, KEY, OTHER_KEY)]
    assert tokens[0] == tokens[1] != tokens[2]


def test_the_metadata_names_the_algorithms(server, session):
    algorithms = session.get(server.metadata_uri).json()["dpop_signing_alg_values_supported"]
    assert "ES256" in algorithms
    assert "HS256" not in algorithms
