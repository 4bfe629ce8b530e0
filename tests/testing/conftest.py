"""Helpers that speak to the test server with nothing but requests."""

from __future__ import annotations

import time
import uuid

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from oauthreg.testing import AuthorizationServer

SIGNING_KEY = ECKey.generate_key("P-256", {"kid": "k1"})
PUBLIC_KEYS = KeySet([SIGNING_KEY]).as_dict(private=False)


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

    def send(grant_type="client_credentials", auth=("id", "secret"), **form):
        form = {"grant_type": grant_type, **form}
        return session.post(
            server.token_uri, data=form, auth=auth, timeout=5, allow_redirects=False
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
