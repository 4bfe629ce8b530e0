"""A login by the browser: the authorization request, and the code."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from oauthreg._dpop import Prover
from oauthreg._errors import AuthorizationError, InvalidTokenResponseError, TokenEndpointError
from oauthreg._flow import TokenResponse
from oauthreg._grants.authorization_code import begin, redeem
from oauthreg._protocol.authorization_url import code_challenge
from oauthreg._provider import GenericProvider, ProviderSettings
from oauthreg._registration import ProviderDetails
from oauthreg._secret_values import Secret
from oauthreg._signing_keys.keys import generated_key

HOOKS = GenericProvider(ProviderSettings())
REDIRECT = "http://127.0.0.1:8000/callback"
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


def test_authorization_parameters_are_for_the_browser_and_parameters_are_not(context, drive):
    made = context(parameters={"api_key": "planted"}, authorization_parameters={"prompt": "login"})
    request = begun(drive, made).result
    assert query(request.url)["prompt"] == ["login"]
    assert "planted" not in request.url


def test_what_protects_the_login_is_not_replaced_by_authorization_parameters(context, drive):
    request = begun(drive, context(authorization_parameters={"state": "fixed"})).result
    assert query(request.url)["state"][-1] == request.state != "fixed"


def test_a_login_with_dpop_binds_the_code_to_the_key(context, drive):
    prover = Prover(generated_key())
    request = begun(drive, context(prover=prover)).result
    assert query(request.url)["dpop_jkt"] == [prover.thumbprint]


def test_a_request_shows_none_of_its_secrets(context, drive):
    request = begun(drive, context(scopes=("openid",))).result
    for secret in (request.state, request.nonce, request.code_verifier):
        assert secret not in repr(request)


@pytest.mark.parametrize("setting", [False, None, True])
def test_the_setting_decides_about_pushing(context, drive, setting):
    post = {"client_authentication_method": "client_secret_post", "secret": Secret("s")}
    made = context(endpoints=PUSH, pushed_authorization_requests=setting, **post)
    answers = [] if setting is False else [answer({"request_uri": "urn:x"}, 201)]
    assert len(begun(drive, made, *answers).requests) == len(answers)


def test_a_server_that_requires_pushes_without_an_endpoint_is_refused(context, drive):
    made = context(metadata={"require_pushed_authorization_requests": True})
    with pytest.raises(AuthorizationError, match="no pushed-authorization-request-uri"):
        begun(drive, made)


@pytest.mark.parametrize("uri", [None, 5, "urn:x\nurn:y"])
def test_a_push_without_a_request_uri_is_refused(context, drive, uri):
    made = context(endpoints=PUSH, pushed_authorization_requests=True)
    with pytest.raises(InvalidTokenResponseError, match="without a request_uri"):
        begun(drive, made, answer({"request_uri": uri}, 201))


@pytest.mark.parametrize(
    ("listed", "refused"), [(["S256"], False), (None, False), (["plain"], True), ([], True)]
)
def test_a_server_that_lists_pkce_without_s256_is_refused(context, drive, listed, refused):
    made = context(metadata={"code_challenge_methods_supported": listed})
    if refused:
        with pytest.raises(AuthorizationError, match="does not support PKCE with S256"):
            begun(drive, made)
    else:
        assert begun(drive, made).result


def test_that_the_server_always_names_itself_is_remembered(context, drive):
    promise = {"authorization_response_iss_parameter_supported": True}
    assert begun(drive, context(metadata=promise)).result.iss_required
    assert not begun(drive, context()).result.iss_required


def test_a_spring_template_is_filled_as_far_as_it_is_known(context, drive):
    template = "https://app.example/{action}/oauth2/code/{registrationId}"
    request = drive(begin(context(), HOOKS, redirect_uri=template)).result
    assert request.redirect_uri == "https://app.example/login/oauth2/code/my-client"


@pytest.mark.parametrize(
    "uri", ["{baseUrl}/login", "/login", "https:///cb", "https://app/#x", "https://[", "app"]
)
def test_a_redirect_uri_that_no_browser_can_follow_is_refused(context, drive, uri):
    with pytest.raises(AuthorizationError, match=r"Pass redirect_uri=.*my-client\.redirect-uri"):
        drive(begin(context(), HOOKS, redirect_uri=uri))


def test_the_code_is_redeemed_with_its_verifier_once(context, drive):
    request_ = begun(drive, context()).result
    flow = redeem(context(scopes=("read",)), HOOKS, request_, Secret("c1"))
    done = drive(flow, answer({"access_token": "t"}))
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
