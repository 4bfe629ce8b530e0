from __future__ import annotations

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from oauthreg.testing import AuthorizationServer

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"


@pytest.fixture
def server(public_keys, callback):
    with AuthorizationServer(device_interval=0) as server:
        grants = ["client_credentials", "refresh_token", "authorization_code", "password"]
        grants += [DEVICE, JWT_BEARER, EXCHANGE]
        server.add_client(
            "id", "secret", grants=grants, redirect_uris=[callback], public_keys=public_keys
        )
        server.add_client("plain", "secret")
        server.add_client(
            "public",
            client_authentication_methods=["none"],
            grants=["authorization_code"],
            redirect_uris=[callback],
        )
        server.add_user("bob", "pass")
        yield server


@pytest.fixture
def inspect(server, post):
    return lambda token: post(server.introspection_uri, token=token).json()


def error(answer, status=400):
    assert answer.status_code == status
    return answer.json()["error"]


# Refresh


def test_refresh_tokens_are_rotated(ask, inspect):
    first = ask("password", username="bob", password="pass", scope="read", resource="urn:a").json()
    second = ask("refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["scope"] == "read"
    assert inspect(second["access_token"])["sub"] == "bob"
    assert inspect(second["access_token"])["aud"] == "urn:a"
    assert error(ask("refresh_token", refresh_token=first["refresh_token"])) == "invalid_grant"
    assert ask("refresh_token", refresh_token=second["refresh_token"]).ok
    assert error(ask("refresh_token", refresh_token="unknown")) == "invalid_grant"


def test_a_refresh_may_narrow_the_scope_only(ask):
    login = {"username": "bob", "password": "pass"}
    token = ask("password", scope="read", **login).json()["refresh_token"]
    assert error(ask("refresh_token", refresh_token=token, scope="read write")) == "invalid_scope"
    token = ask("password", **login).json()["refresh_token"]
    assert ask("refresh_token", refresh_token=token, scope="read").json()["scope"] == "read"


def test_reuse_may_end_the_family(server, ask, inspect):
    server.revoke_family_on_reuse = True
    first = ask("password", username="bob", password="pass").json()
    second = ask("refresh_token", refresh_token=first["refresh_token"]).json()
    ask("refresh_token", refresh_token=first["refresh_token"])
    assert inspect(second["access_token"]) == {"active": False}
    assert error(ask("refresh_token", refresh_token=second["refresh_token"])) == "invalid_grant"


def test_refresh_tokens_may_stay_or_expire(server, ask):
    server.rotate_refresh_tokens = False
    token = ask("password", username="bob", password="pass").json()["refresh_token"]
    for _ in range(2):
        assert "refresh_token" not in ask("refresh_token", refresh_token=token).json()
    server.refresh_token_lifetime = -1
    token = ask("password", username="bob", password="pass").json()["refresh_token"]
    assert error(ask("refresh_token", refresh_token=token)) == "invalid_grant"


def test_a_refresh_token_is_no_access_token_and_belongs_to_its_client(server, ask, session):
    token = ask("password", username="bob", password="pass").json()["refresh_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert session.get(server.api_uri, headers=headers).status_code == 401
    server.add_client("other", "secret", grants=["refresh_token"])
    refused = ask("refresh_token", auth=("other", "secret"), refresh_token=token)
    assert error(refused) == "invalid_grant"


def test_password(ask, inspect):
    token = ask("password", username="bob", password="pass").json()
    assert inspect(token["access_token"])["username"] == "bob"
    assert error(ask("password", username="bob", password="wrong")) == "invalid_grant"
    assert error(ask("password", username="bob")) == "invalid_request"


# Authorization code


def test_a_code_is_redeemed_once(server, login, redeem, inspect):
    back = login(scope="read", resource="urn:a")
    assert back.keys() == {"code", "state", "iss"}
    assert (back["state"], back["iss"]) == ("s1", server.issuer)
    token = redeem(back).json()
    assert token["scope"] == "read"
    assert token["refresh_token"]
    seen = inspect(token["access_token"])
    assert (seen["sub"], seen["aud"]) == ("alice", "urn:a")
    assert error(redeem(back)) == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1/callback/"}, "invalid_grant"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
    ],
)
def test_a_code_needs_its_verifier_and_redirect_uri(redeem, login, changes, expected):
    assert error(redeem(login(), **changes)) == expected


def test_a_code_belongs_to_its_client(server, redeem, login):
    server.add_client("other", "secret", grants=["authorization_code"])
    assert error(redeem(login(), auth=("other", "secret"))) == "invalid_grant"


def test_a_public_client_needs_pkce(redeem, login):
    as_public = {"auth": None, "client_id": "public"}
    token = redeem(login(client_id="public"), **as_public).json()
    assert token["access_token"]
    assert "refresh_token" not in token
    back = login(client_id="public", code_challenge=None, code_challenge_method=None)
    assert error(redeem(back, code_verifier=None, **as_public)) == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"scope": "admin"}, "invalid_scope"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"resource": "no-uri"}, "invalid_target"),
    ],
)
def test_errors_are_sent_back_to_the_client(server, login, changes, expected):
    back = login(**changes)
    assert (back["error"], back["iss"]) == (expected, server.issuer)


def test_nobody_is_sent_to_a_foreign_address(login):
    for uri in ("https://evil.test/", 'https://evil.test/"\\é'):
        assert error(login(redirect_uri=uri)) == "invalid_request"
    assert error(login(client_id="nobody")) == "invalid_client"
    assert error(login(state=["a", "b"])) == "invalid_request"


def test_consent_may_be_denied(server, login):
    server.login = None
    back = login()
    assert (back["error"], back["state"]) == ("access_denied", "s1")


def test_pushed_authorization_requests(push, login, redeem):
    pushed = push(state="pushed")
    assert pushed.status_code == 201
    assert pushed.json()["expires_in"] == 60
    back = login(request_uri=pushed.json()["request_uri"], state="not this one")
    assert back["state"] == "pushed"
    assert redeem(back).ok
    assert error(login(request_uri=pushed.json()["request_uri"])) == "invalid_request"
    assert error(push(scope="admin")) == "invalid_scope"
    assert error(push(request_uri="x")) == "invalid_request"
    assert error(push(auth=("id", "wrong")), 401) == "invalid_client"
    other = push().json()["request_uri"]
    assert error(login(request_uri=other, client_id="public")) == "invalid_request"


# Device


def test_a_device_waits_for_its_user(server, post, ask, inspect):
    begun = post(server.device_authorization_uri, scope="read", resource="urn:a").json()
    assert begun["verification_uri"] == server.verification_uri
    assert begun["user_code"] in begun["verification_uri_complete"]
    assert (begun["expires_in"], begun["interval"]) == (600, 0)
    code = begun["device_code"]
    assert error(ask(DEVICE, device_code=code)) == "authorization_pending"
    server.approve_device(begun["user_code"], "carol")
    token = ask(DEVICE, device_code=code).json()
    seen = inspect(token["access_token"])
    assert (seen["sub"], seen["scope"], seen["aud"]) == ("carol", "read", "urn:a")
    assert token["refresh_token"]
    assert error(ask(DEVICE, device_code=code)) == "invalid_grant"


def test_a_device_may_be_denied_or_expire(server, post, ask):
    begun = post(server.device_authorization_uri).json()
    server.deny_device(begun["user_code"])
    assert error(ask(DEVICE, device_code=begun["device_code"])) == "access_denied"
    server.device_lifetime = -1
    begun = post(server.device_authorization_uri).json()
    assert error(ask(DEVICE, device_code=begun["device_code"])) == "expired_token"
    with pytest.raises(KeyError):
        server.approve_device("XXXX")


def test_a_device_that_polls_too_fast_has_to_slow_down(server, post, ask):
    server.device_interval = 5
    code = post(server.device_authorization_uri).json()["device_code"]
    answers = [ask(DEVICE, device_code=code) for _ in range(2)]
    assert [error(answer) for answer in answers] == ["authorization_pending", "slow_down"]
    assert server._state.devices[code].interval == 10


def test_who_may_not_begin_a_device_login(server, post):
    uri = server.device_authorization_uri
    assert error(post(uri, scope="admin")) == "invalid_scope"
    assert error(post(uri, auth=("plain", "secret"))) == "unauthorized_client"
    assert error(post(uri, auth=("id", "wrong")), 401) == "invalid_client"


def test_the_verification_page_approves(server, post, session, ask):
    begun = post(server.device_authorization_uri).json()
    assert session.get(begun["verification_uri"]).status_code == 404
    assert session.get(begun["verification_uri_complete"]).ok
    assert ask(DEVICE, device_code=begun["device_code"]).ok


# Assertions and exchange


def test_jwt_bearer_of_a_client(ask, signed, inspect):
    token = ask(JWT_BEARER, auth=None, assertion=signed(sub="dave"), scope="read").json()
    assert inspect(token["access_token"])["sub"] == "dave"
    assert "refresh_token" not in token
    once = signed()
    assert ask(JWT_BEARER, auth=None, assertion=once).ok
    for bad in (once, signed(aud="https://a.test"), signed(exp=1), signed(iss="nobody"), "garbage"):
        assert error(ask(JWT_BEARER, auth=None, assertion=bad)) == "invalid_grant"
    assert ask(JWT_BEARER, auth=None, assertion=signed(jti=None)).ok
    assert error(ask(JWT_BEARER, auth=None)) == "invalid_request"


def test_jwt_bearer_of_a_trusted_issuer(server, ask, signed, public_keys, inspect):
    server.trust_issuer("https://idp.test", public_keys)

    def assertion():
        return signed(iss="https://idp.test", sub="dave")

    token = ask(JWT_BEARER, assertion=assertion()).json()
    assert inspect(token["access_token"])["client_id"] == "id"
    assert error(ask(JWT_BEARER, auth=None, assertion=assertion()), 401) == "invalid_client"
    refused = ask(JWT_BEARER, auth=("plain", "secret"), assertion=assertion())
    assert error(refused) == "unauthorized_client"


def test_token_exchange(server, ask, signed, public_keys, inspect):
    subject = ask("password", username="bob", password="pass", scope="read").json()["access_token"]
    actor = ask().json()["access_token"]
    form = {"subject_token": subject, "subject_token_type": f"{TOKEN_TYPE}access_token"}
    token = ask(EXCHANGE, **form, audience=["a", "b"], resource="urn:c").json()
    assert token["issued_token_type"] == f"{TOKEN_TYPE}access_token"
    seen = inspect(token["access_token"])
    assert (seen["sub"], seen["scope"], seen["aud"]) == ("bob", "read", ["a", "b", "urn:c"])
    acting = {"actor_token": actor, "actor_token_type": f"{TOKEN_TYPE}access_token"}
    token = ask(EXCHANGE, **form, **acting, scope="write").json()
    seen = inspect(token["access_token"])
    assert (seen["sub"], seen["scope"], seen["act"]) == ("bob", "write", {"sub": "id"})
    server.trust_issuer("https://idp.test", public_keys)
    foreign = signed(iss="https://idp.test", sub="dave", scope="unknown here")
    form = {"subject_token": foreign, "subject_token_type": f"{TOKEN_TYPE}id_token"}
    token = ask(EXCHANGE, **form).json()
    assert token["scope"] == "read write"
    assert inspect(token["access_token"])["sub"] == "dave"


def test_bad_token_exchanges(server, ask, signed, public_keys):
    server.trust_issuer("https://idp.test", public_keys)
    live = ask().json()["access_token"]
    good = {"subject_token": live, "subject_token_type": f"{TOKEN_TYPE}access_token"}
    stale = signed(iss="https://idp.test", exp=1)
    for bad in (
        {},
        {"subject_token": live},
        {**good, "subject_token": "unknown"},
        {**good, "subject_token": stale},
        {**good, "subject_token": signed(iss="https://unknown.test")},
        {**good, "actor_token": live},
        {**good, "requested_token_type": f"{TOKEN_TYPE}saml2"},
    ):
        assert error(ask(EXCHANGE, **bad)) == "invalid_request"
    assert error(ask(EXCHANGE, **good, scope="admin")) == "invalid_scope"
    assert error(ask(EXCHANGE, auth=("plain", "secret"), **good)) == "unauthorized_client"


# Introspection, revocation, keys


def test_introspection(server, ask, post, inspect):
    token = ask(scope="read").json()["access_token"]
    seen = inspect(token)
    assert seen["exp"] - seen["iat"] == 300
    del seen["exp"], seen["iat"]
    assert seen == {
        "active": True,
        "token_type": "Bearer",
        "iss": server.issuer,
        "client_id": "id",
        "sub": "id",
        "scope": "read",
    }
    server.revoke(token)
    assert inspect(token) == inspect("unknown") == {"active": False}
    assert error(post(server.introspection_uri)) == "invalid_request"
    refused = post(server.introspection_uri, auth=("id", "wrong"), token=token)
    assert error(refused, 401) == "invalid_client"
    assert post(server.introspection_uri, token=token, token_type_hint="odd").ok
    live = ask().json()["access_token"]
    as_public = {"auth": None, "client_id": "public"}
    assert post(server.introspection_uri, **as_public, token=live).json() == {"active": False}


def test_revocation(server, ask, post, inspect):
    uri = server.revocation_uri
    token = ask().json()["access_token"]
    assert error(post(uri, auth=("plain", "secret"), token=token)) == "invalid_grant"
    assert inspect(token)["active"]
    for value in (token, token, "unknown"):
        assert post(uri, token=value, token_type_hint="access_token").status_code == 200
    assert not inspect(token)["active"]
    login = ask("password", username="bob", password="pass").json()
    post(uri, token=login["refresh_token"])
    assert not inspect(login["access_token"])["active"]
    assert error(post(uri)) == "invalid_request"
    form = {"client_id": "id", "client_secret": "secret"}
    assert post(uri, auth=None, **form, token=token).ok


def test_access_tokens_may_be_signed(server, ask, session, inspect):
    server.jwt_access_tokens = True
    for lifetime in (300, None):
        server.token_lifetime = lifetime
        value = ask(scope="read", resource="urn:a").json()["access_token"]
        keys = KeySet.import_key_set(session.get(server.jwk_set_uri).json())
        token = jwt.decode(value, keys)
        assert token.header["typ"] == "at+jwt"
        assert token.claims["iss"] == server.issuer
        assert token.claims["exp"] == token.claims["iat"] + (lifetime or 3600)
        assert inspect(value)["aud"] == token.claims["aud"] == "urn:a"
