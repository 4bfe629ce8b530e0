"""Each grant's flow against scripted answers: what it sends, and what it makes of the answer."""

from __future__ import annotations

import json

import pytest

from oauthreg._errors import (
    AuthorizationError,
    InvalidTokenResponseError,
    LoginRequiredError,
    SecretUnavailableError,
    TokenEndpointError,
)
from oauthreg._flow import TokenResponse
from oauthreg._grants.device_code import DEVICE_CODE
from oauthreg._grants.jwt_bearer import JWT_BEARER, jwt_bearer
from oauthreg._grants.password import password
from oauthreg._grants.refresh_token import refresh_token
from oauthreg._grants.table import GRANTS, canonical_grant
from oauthreg._grants.token_exchange import TOKEN_EXCHANGE, token_exchange
from oauthreg._grants.token_management import introspect, revoke
from oauthreg._protocol.authorization_url import code_challenge
from oauthreg._protocol.id_token import verified
from oauthreg._provider import GenericProvider, ProviderSettings
from oauthreg._secret_values import Secret
from oauthreg._signing_keys.keys import generated_key

HOOKS = GenericProvider(ProviderSettings())
NOW = 1_800_000_000.0
REFUSED = {"error": "invalid_grant"}


def answer(fields=None, status: int = 200) -> TokenResponse:
    fields = {"access_token": "t", "expires_in": 60} if fields is None else fields
    return TokenResponse(status=status, body=json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("client-credentials", "client_credentials"),
        ("CLIENT_CREDENTIALS", "client_credentials"),
        ("device_code", DEVICE_CODE),
        ("jwt-bearer", JWT_BEARER),
        (JWT_BEARER, JWT_BEARER),
        ("token_exchange", TOKEN_EXCHANGE),
        ("urn:example:grant", "urn:example:grant"),
    ],
)
def test_a_grant_has_many_spellings(said, meant):
    assert canonical_grant(said) == meant


def test_a_refresh_sends_the_token_once_and_keeps_it_if_none_comes(context, drive):
    flow = refresh_token(context(refresh_token=Secret("r1"), scopes=("read",)), HOOKS)
    done = drive(flow, answer())
    (request,) = done.requests
    assert request.form == (
        ("grant_type", "refresh_token"),
        ("refresh_token", "r1"),
        ("client_id", "id"),
    )
    assert request.single_use
    assert "r1" in request.sensitive
    assert done.result.refresh_token == "r1"


def test_a_rotated_refresh_token_replaces_the_old_one(context, drive):
    flow = refresh_token(context(refresh_token=Secret("r1")), HOOKS)
    done = drive(flow, answer({"access_token": "t", "refresh_token": "r2"}))
    assert done.result.refresh_token == "r2"


def test_without_a_refresh_token_somebody_must_log_in(context, drive):
    for grant in ("authorization_code", DEVICE_CODE, "implicit", "refresh_token"):
        with pytest.raises(LoginRequiredError):
            drive(GRANTS[grant].flow(context(), HOOKS))


def test_the_password_is_sent_again_when_its_refresh_token_is_dead(context, drive):
    made = context(refresh_token=Secret("r1"), password=Secret("pw"), username="alice")
    done = drive(password(made, HOOKS), answer(REFUSED, 400), answer())
    assert dict(done.requests[1].form) == {
        "grant_type": "password",
        "username": "alice",
        "password": "pw",
        "client_id": "id",
    }
    assert "pw" in done.requests[1].sensitive


def test_a_password_grant_passes_other_refusals_on(context, drive):
    made = context(refresh_token=Secret("r1"), password=Secret("pw"))
    with pytest.raises(TokenEndpointError, match="503"):
        drive(password(made, HOOKS), answer({}, 503))


def test_a_password_grant_refreshes_first(context, drive):
    done = drive(password(context(refresh_token=Secret("r1")), HOOKS), answer())
    assert dict(done.requests[0].form)["grant_type"] == "refresh_token"


def test_a_password_grant_without_a_password_says_so(context, drive):
    with pytest.raises(SecretUnavailableError, match="no password"):
        drive(password(context(), HOOKS))


def test_an_exchange_is_that_of_rfc_8693_section_2_3(context, drive):
    made = context(
        subject_token=Secret("accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC"),
        resource=("https://backend.example.com/api",),
    )
    done = drive(
        token_exchange(made, HOOKS),
        answer(
            {
                "access_token": "eyJhbGciOiJFUzI1NiIsImtpZCI6IjllciJ9",
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "token_type": "Bearer",
                "expires_in": 60,
            }
        ),
    )
    assert done.requests[0].form == (
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("resource", "https://backend.example.com/api"),
        ("client_id", "id"),
    )
    assert done.result.extra["issued_token_type"].endswith(":access_token")


def test_an_exchange_names_the_actor_and_other_token_types(context, drive):
    made = context(
        subject_token=Secret("subject"),
        actor_token=Secret("actor"),
        parameters={"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
    )
    form = drive(token_exchange(made, HOOKS), answer()).requests[0].form
    assert ("actor_token", "actor") in form
    assert [value for name, value in form if name == "subject_token_type"] == [
        "urn:ietf:params:oauth:token-type:jwt"
    ]


def test_an_exchange_needs_a_subject(context, drive):
    with pytest.raises(SecretUnavailableError, match="no subject token"):
        drive(token_exchange(context(), HOOKS))


def test_a_jwt_bearer_assertion_is_sent_as_given(context, drive):
    done = drive(jwt_bearer(context(subject_token=Secret("jwt")), HOOKS), answer())
    assert ("assertion", "jwt") in done.requests[0].form
    assert done.requests[0].single_use


def test_a_jwt_bearer_assertion_is_signed_about_the_user(context, drive):
    key = generated_key()
    made = context(signing_key=key, username="alice@example.com", assertion_lifetime=30)
    done = drive(jwt_bearer(made, HOOKS), answer())
    assertion = dict(done.requests[0].form)["assertion"]
    assert verified(assertion, {"keys": [dict(key.public)]}).claims == {
        "iss": "id",
        "sub": "alice@example.com",
        "aud": "https://auth.example.com",
        "jti": "id-1",
        "iat": int(NOW),
        "exp": int(NOW) + 30,
    }


def test_a_jwt_bearer_grant_needs_something_to_send(context, drive):
    with pytest.raises(SecretUnavailableError, match="neither an assertion"):
        drive(jwt_bearer(context(), HOOKS))


def test_introspection_says_what_the_server_says(context, drive):
    done = drive(
        introspect(context(), HOOKS, Secret("t1")), answer({"active": True, "scope": "read"})
    )
    assert done.result == {"active": True, "scope": "read"}
    assert done.requests[0].form[0] == ("token", "t1")
    with pytest.raises(InvalidTokenResponseError):
        drive(introspect(context(), HOOKS, Secret("t1")), answer({}))
    with pytest.raises(TokenEndpointError):
        drive(introspect(context(), HOOKS, Secret("t1")), answer({}, 401))
    with pytest.raises(AuthorizationError, match="no introspection-uri"):
        drive(introspect(context(endpoints={}), HOOKS, Secret("t1")))


@pytest.mark.parametrize("status", [200, 204])
def test_a_revoked_token_is_gone(context, drive, status):
    flow = revoke(context(), HOOKS, Secret("t1"), "refresh_token")
    done = drive(flow, TokenResponse(status=status))
    assert done.result is None
    assert done.requests[0].form[:2] == (("token", "t1"), ("token_type_hint", "refresh_token"))


GONE = [
    {"error": "unsupported_token_type"},
    {"error": "invalid_token"},
    {"error": "invalid_request", "error_description": "Token not found"},
    {"error": "token_not_found"},
]


@pytest.mark.parametrize("fields", GONE)
def test_a_token_that_the_server_does_not_have_needs_no_revocation(context, drive, fields):
    assert drive(revoke(context(), HOOKS, Secret("t1")), answer(fields, 400)).result is None


KEPT = [
    ({"error": "invalid_request"}, 400),
    ({"error": "invalid_client"}, 401),
    ({"error": "unsupported_token_type"}, 503),
    ({"message": "token page not found"}, 404),
]


@pytest.mark.parametrize(("fields", "status"), KEPT)
def test_any_other_refusal_of_a_revocation_is_an_error(context, drive, fields, status):
    with pytest.raises(TokenEndpointError, match="the revocation endpoint answered"):
        drive(revoke(context(), HOOKS, Secret("t1")), answer(fields, status))


def test_the_code_challenge_is_that_of_rfc_7636_appendix_b():
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
