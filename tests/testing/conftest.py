"""Helpers that speak to the test server with nothing but requests."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from urllib.parse import parse_qsl

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from oauthreg.testing import AuthorizationServer

SIGNING_KEY = ECKey.generate_key("P-256", {"kid": "k1"})
PUBLIC_KEYS = KeySet([SIGNING_KEY]).as_dict(private=False)
CALLBACK = "http://127.0.0.1/callback"
VERIFIER = "v" * 43
DIGEST = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
AUTHORIZATION_REQUEST = {
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "state": "s1",
    "code_challenge": DIGEST.decode().rstrip("="),
    "code_challenge_method": "S256",
}


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        server.add_client("id", "secret")
        yield server


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def ask(server, session):
    """Send a token request: `ask(scope="read")`, as `id` by Basic unless `auth` says otherwise."""

    def send(grant_type="client_credentials", auth=("id", "secret"), headers=None, **form):
        form = {"grant_type": grant_type, **form}
        return session.post(
            server.token_uri,
            data=form,
            auth=auth,
            headers=headers,
            timeout=5,
            allow_redirects=False,
        )

    return send


@pytest.fixture
def signed(server):
    """Make a JWT that is a good assertion of `id` but for the claims given (None: left out)."""

    def sign(key=SIGNING_KEY, alg="ES256", **changes):
        claims = {
            "iss": "id",
            "sub": "id",
            "aud": server.issuer,
            "exp": int(time.time()) + 60,
            "jti": str(uuid.uuid4()),
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": alg}, claims, key, [alg])

    return sign


@pytest.fixture
def public_keys():
    return PUBLIC_KEYS


@pytest.fixture
def callback():
    return CALLBACK


@pytest.fixture
def login(server, session):
    """What the browser of `id` is sent back with, or the answer that sends it nowhere."""

    def go(**changes):
        parameters = {**AUTHORIZATION_REQUEST, "client_id": "id", **changes}
        answer = session.get(server.authorization_uri, params=parameters, allow_redirects=False)
        if answer.status_code != 302:
            return answer
        mark = "#" if parameters["response_type"] == "token" else "?"
        place, _, back = answer.headers["Location"].partition(mark)
        assert place == CALLBACK
        return dict(parse_qsl(back))

    return go


@pytest.fixture
def redeem(ask):
    """Send a token request for a code."""

    def send(back, **changes):
        form = {"code": back["code"], "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        form |= changes
        return ask(
            "authorization_code",
            **{name: value for name, value in form.items() if value is not None or name == "auth"},
        )

    return send


@pytest.fixture
def post(session):
    """Send a form to any endpoint, as `id` by Basic unless `auth` says otherwise."""

    def send(uri, auth=("id", "secret"), headers=None, **form):
        return session.post(uri, data=form, auth=auth, headers=headers, timeout=5)

    return send


@pytest.fixture
def push(server, post):
    """Push an authorization request."""

    def send(**changes):
        return post(server.pushed_authorization_request_uri, **AUTHORIZATION_REQUEST | changes)

    return send
