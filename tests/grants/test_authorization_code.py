"""A login: the request, its callback, the code, and the id_token."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from oauthreg._errors import AuthorizationError, CallbackError, TokenEndpointError
from oauthreg._flow import TokenResponse
from oauthreg._grants.authorization_code import begin, callback_fields, redeem
from oauthreg._grants.id_token import check_id_token, key_set
from oauthreg._protocol.pkce import code_challenge
from oauthreg._provider import GenericProvider, ProviderSettings
from oauthreg._registration import ProviderDetails
from oauthreg._secret_values import Secret
from oauthreg._signing_keys import generated_key

HOOKS = GenericProvider(ProviderSettings())
NOW = 1_800_000_000.0
REDIRECT = "http://127.0.0.1:8000/callback"
ISSUER = "https://auth.example.com"
PUSH = {
    "token-uri": "https://auth.example.com/token",
    "authorization-uri": "https://auth.example.com/authorize",
    "pushed-authorization-request-uri": "https://auth.example.com/par",
}


def answer(fields, status: int = 200) -> TokenResponse:
    return TokenResponse(status=status, body=json.dumps(fields).encode())


def begun(drive, made, *answers, **options):
    return drive(begin(made, HOOKS, redirect_uri=REDIRECT, **options), *answers)


def query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_the_request_carries_state_nonce_and_challenge(context, drive):
    made = context(scopes=("openid", "read"), resource=("https://a.example", "https://b.example"))
    request = begun(drive, made).result
    assert query(request.url) == {
        "client_id": ["id"],
        "response_type": ["code"],
        "redirect_uri": [REDIRECT],
        "state": [request.state],
        "nonce": [request.nonce],
        "code_challenge": [code_challenge(request.code_verifier)],
        "code_challenge_method": ["S256"],
        "scope": ["openid read"],
        "resource": ["https://a.example", "https://b.example"],
    }
    assert request.url.startswith("https://auth.example.com/authorize?")
    assert request.code_verifier not in repr(request)


def test_an_endpoint_with_a_query_keeps_it(context, drive):
    made = context(endpoints={"authorization-uri": "https://auth.example.com/authorize?tenant=1"})
    request = begun(drive, made).result
    assert query(request.url)["tenant"] == ["1"]
    assert request.nonce is None


def test_a_pushed_request_leaves_only_its_uri_in_the_address(context, drive):
    made = context(
        endpoints=PUSH,
        client_authentication_method="client_secret_post",
        secret=Secret("s"),
        authorization_details='[{"type":"payment"}]',
    )
    done = begun(drive, made, answer({"request_uri": "urn:x", "expires_in": 60}, 201))
    (pushed,) = done.requests
    assert pushed.url == PUSH["pushed-authorization-request-uri"]
    assert dict(pushed.form)["authorization_details"] == '[{"type":"payment"}]'
    assert dict(pushed.form)["state"] == done.result.state
    assert query(done.result.url) == {"client_id": ["id"], "request_uri": ["urn:x"]}


def test_a_public_client_pushes_only_where_it_is_told_to(context, drive):
    public = {"endpoints": PUSH, "client_authentication_method": "none"}
    assert begun(drive, context(**public)).requests == []
    required = {"require_pushed_authorization_requests": True}
    done = begun(drive, context(**public, metadata=required), answer({"request_uri": "urn:x"}, 201))
    assert len(done.requests) == 1
    told = ProviderDetails(name="p", endpoints=PUSH)
    done = begun(drive, context(**public, provider=told), answer({"request_uri": "urn:x"}, 201))
    assert len(done.requests) == 1


def test_a_refused_push_is_an_error(context, drive):
    post = {"client_authentication_method": "client_secret_post", "secret": Secret("s")}
    made = context(endpoints=PUSH, **post)
    with pytest.raises(TokenEndpointError, match="invalid_request"):
        begun(drive, made, answer({"error": "invalid_request"}, 400))


def test_without_an_authorization_endpoint_there_is_no_login(context, drive):
    with pytest.raises(AuthorizationError, match="no authorization-uri"):
        begun(drive, context(endpoints={}))


@pytest.fixture
def request_(context, drive):
    return begun(drive, context()).result


def test_the_callback_gives_the_code(request_):
    url = f"{REDIRECT}?code=c1&state={request_.state}&iss={ISSUER}"
    assert callback_fields(request_, url, {})["code"] == "c1"


@pytest.mark.parametrize(
    ("tail", "metadata", "message"),
    [
        ("code=c1&state=other", {}, "state"),
        ("code=c1", {}, "state"),
        ("code=c1&state={state}&iss=https://evil.example", {}, "is from https://evil.example"),
        (
            "code=c1&state={state}",
            {"authorization_response_iss_parameter_supported": True},
            "is from nobody named",
        ),
        (
            "error=access_denied&error_description=no&state={state}",
            {},
            "ended with access_denied no",
        ),
    ],
)
def test_a_callback_that_does_not_belong_is_refused(request_, tail, metadata, message):
    url = f"{REDIRECT}?{tail.format(state=request_.state)}"
    with pytest.raises(CallbackError, match=message):
        callback_fields(request_, url, metadata)


def test_an_implicit_answer_comes_in_the_fragment(context, drive):
    request = begun(drive, context(), response_type="token").result
    assert "code_challenge" not in query(request.url)
    url = f"{REDIRECT}#access_token=t&state={request.state}"
    assert callback_fields(request, url, {})["access_token"] == "t"


def test_the_code_is_redeemed_with_its_verifier_once(context, drive, request_):
    done = drive(
        redeem(context(scopes=("read",)), HOOKS, request_, "c1"), answer({"access_token": "t"})
    )
    (sent,) = done.requests
    assert sent.form == (
        ("grant_type", "authorization_code"),
        ("code", "c1"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", request_.code_verifier),
        ("client_id", "id"),
    )
    assert sent.single_use
    assert {"c1", request_.code_verifier} <= set(sent.sensitive)


KEY = generated_key()
CLAIMS = {"iss": ISSUER, "sub": "u", "aud": "id", "exp": NOW + 60, "nonce": "n1"}
JWKS = {"keys": [dict(KEY.public)]}


def checked(drive, made, token, keys=JWKS, nonce="n1"):
    found = drive(key_set(made), answer(keys)).result
    return check_id_token(made, found, token, nonce)


def test_a_good_id_token_gives_its_claims(context, drive):
    assert checked(drive, context(), KEY.sign(CLAIMS))["sub"] == "u"


WRONG = {
    "another issuer": ({"iss": "https://evil.example"}, r"\(iss\)"),
    "another audience": ({"aud": "other"}, r"\(aud\)"),
    "another nonce": ({"nonce": "n2"}, "nonce"),
    "another party": ({"aud": ["id", "other"], "azp": "other"}, "azp"),
    "an end in the past": ({"exp": NOW - 120}, "Expired"),
    "no subject": ({"sub": None}, r"\(sub\)"),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_an_id_token_with_wrong_claims_is_refused(context, drive, changes, message):
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    with pytest.raises(CallbackError, match=message):
        checked(drive, context(), KEY.sign(claims))


def test_an_id_token_of_another_key_is_refused(context, drive):
    with pytest.raises(CallbackError, match="not to be trusted"):
        checked(drive, context(), generated_key().sign(CLAIMS))
    with pytest.raises(CallbackError, match="not to be trusted"):
        checked(drive, context(), KEY.sign(CLAIMS), keys={})
    with pytest.raises(CallbackError, match="has no id_token"):
        checked(drive, context(), None)
