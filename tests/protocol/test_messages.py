"""Every error case as its reader sees it: messages.txt has the text of each, to be read as such."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from oauthreg._discovery import discover
from oauthreg._errors import AuthorizationError, CallbackError, ConnectionFailedError
from oauthreg._flow import TokenResponse, run
from oauthreg._grants.authorization_code import AuthorizationRequest
from oauthreg._grants.callback import read_address, read_callback
from oauthreg._protocol.hints import CODES
from oauthreg.testing import Fault

EXPECTED = dict(
    line.split(" | ")
    for line in Path(__file__).with_name("messages.txt").read_text("utf-8").splitlines()
)
HTML = "<!doctype html><title>\n Access\tDenied </title>"
REFUSALS = {
    **{code: Fault(status=400, body={"error": code}) for code in CODES},
    "invalid_client": Fault(status=400, body={"error": "invalid_client"}),
    "invalid_grant": Fault(status=400, body={"error": "invalid_grant"}),
    "unauthorized": Fault(status=401, body={"error": "unauthorized"}),
    "its words": Fault(
        status=400, body={"error": "invalid_scope", "error_description": "no\nread"}
    ),
    "a vendor's words": Fault(
        status=401, body={"errorCode": "E1", "errorSummary": "bad planted-secret"}
    ),
    **{str(status): Fault(status=status) for status in (300, 400, 401, 403, 405, 413, 415, 418)},
    **{str(status): Fault(status=status) for status in (500, 503)},
    **{
        f"{status} page": Fault(status=status, body=HTML)
        for status in (200, 400, 403, 404, 407, 429, 502)
    },
    "404 JSON": Fault(status=404, body={"error": "other_error"}),
    "redirect": Fault(status=302, redirect_to="https://u:p@x.example/login?q=1"),
    "200 empty": Fault(status=200),
    "200 text": Fault(body="hello"),
    "200 array": Fault(body=["t"]),
    "200 form": Fault(body="access_token=t&x=1"),
    "200 nested": Fault(body={"data": {"access_token": "x", "x y": 1}, "success": True}),
    "200 other name": Fault(body={"accessToken": "t", "eyJhbGciOi.eyJ": 1}),
    "200 nothing": Fault(body={}),
    "token empty": Fault(body={"access_token": ""}),
    "token with a blank": Fault(body={"access_token": "a b"}),
    "token type": Fault(body={"access_token": "t", "token_type": "m\nac"}),
    "token expired": Fault(body={"access_token": "t", "expires_in": -5}),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refused_token_request_reads_like_this(manager, server, case):
    server.inject(REFUSALS[case])
    with pytest.raises(AuthorizationError) as caught:
        manager({"audience": "api", "client-secret": "planted-secret"}).authorize("app")
    assert str(caught.value).replace(server.token_uri, "URL") == EXPECTED[case]


ISSUER = "https://as.example/one"
OTHER = "https://sts.example/1/"


def answer(status=200, body=b"", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return TokenResponse(status=status, body=content, headers=headers)


DISCOVERY = {
    "nothing there": (ISSUER, answer(404)),
    "a page": (ISSUER, answer(200, HTML.encode())),
    "a redirect": (ISSUER, answer(302, location="https://login.example/x?y")),
    "a refusal": (ISSUER, answer(401)),
    "down": (ISSUER, answer(503)),
    "no connection": (ISSUER, ConnectionFailedError("as.example:443 refused the connection")),
    "another issuer": (ISSUER, answer(200, {"issuer": OTHER})),
    "a slash": (ISSUER, answer(200, {"issuer": f"{ISSUER}/"})),
    "many tenants": (ISSUER, answer(200, {"issuer": "https://login.example/{tenantid}/v2.0"})),
    "no issuer": (ISSUER, answer(200, {})),
    "the metadata's address": (f"{ISSUER}/.well-known/openid-configuration", answer(404)),
}


@pytest.mark.parametrize("case", DISCOVERY)
def test_a_failed_discovery_reads_like_this(case):
    issuer, said = DISCOVERY[case]

    def perform(_):
        if isinstance(said, AuthorizationError):
            raise said
        return said

    with pytest.raises(AuthorizationError) as caught:
        run(discover(issuer, None, provider="as", now=0.0), perform)
    first_line, *_ = str(caught.value).splitlines()
    assert first_line == EXPECTED[case]


REDIRECT = "https://app.example/cb"
CALLBACKS = {
    "no address": "http://[",
    "another address": "http://app.example/cb?code=c",
    "twice": f"{REDIRECT}?code=c&code=d",
    "no state": f"{REDIRECT}?code=c",
    "no iss": f"{REDIRECT}?code=c&state=the-state",
    "another iss": f"{REDIRECT}?code=c&state=the-state&iss=https://evil.example",
    "an error": f"{REDIRECT}?error=access_denied&error_description=no&state=the-state&iss={ISSUER}",
    "an unknown error": f"{REDIRECT}?error=odd&state=the-state&iss={ISSUER}",
}


@pytest.mark.parametrize("case", CALLBACKS)
def test_a_refused_callback_reads_like_this(context, case):
    request = AuthorizationRequest(
        url="", registration_id="app", redirect_uri=REDIRECT, state="the-state", nonce=None,
        code_verifier="verifier", issuer=ISSUER, iss_required=True,
    )  # fmt: skip
    with pytest.raises(CallbackError) as caught:
        read_callback(replace(context(), issuer=ISSUER), request, read_address(CALLBACKS[case]))
    assert str(caught.value) == EXPECTED[case]


def test_no_message_is_left_over():
    assert {*REFUSALS, *DISCOVERY, *CALLBACKS} == EXPECTED.keys()
