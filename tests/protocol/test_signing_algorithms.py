"""The algorithm of an assertion is the first that the server lists and the key can sign with."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oauthreg._errors import AuthorizationError
from oauthreg._flow import TokenRequest
from oauthreg._protocol.assertions import client_secret_jwt, private_key_jwt
from oauthreg._signing_keys import signing_key

RSA = rsa.generate_private_key(65537, 2048).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)
ENDPOINTS = {
    "token-uri": "https://as.example/token",
    "introspection-uri": "https://as.example/introspect",
    "revocation-uri": "https://as.example/revoke",
}


@pytest.fixture
def algorithm(context):
    """Sign an assertion for an endpoint; return the algorithm in its header."""

    def algorithm(metadata, *, endpoint="token-uri", sign=private_key_jwt, key=(), **fields):
        made = replace(
            context(endpoints=tuple(ENDPOINTS.items()), **fields),
            metadata=metadata,
            signing_key=signing_key(RSA, **dict(key)),
        )
        request = sign(made, TokenRequest(url=ENDPOINTS[endpoint]))
        header = dict(request.form)["client_assertion"].partition(".")[0]
        return json.loads(urlsafe_b64decode(header + "=="))["alg"]

    return algorithm


def listed(*names, endpoint="token"):
    return {f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(names)}


def test_the_first_listed_algorithm_that_fits_signs(algorithm):
    assert algorithm({}) == "RS256"
    assert algorithm(listed("ES256", "PS384", "RS256")) == "PS384"
    assert algorithm(listed("PS256"), key={"algorithm": "RS512"}) == "RS512"
    assert algorithm(listed("HS384", "HS256"), sign=client_secret_jwt) == "HS384"
    assert algorithm({}, sign=client_secret_jwt) == "HS256"


@pytest.mark.parametrize("endpoint", ["introspection", "revocation"])
def test_each_endpoint_has_its_own_list_or_that_of_the_token_endpoint(algorithm, endpoint):
    asked = f"{endpoint}-uri"
    metadata = {**listed("PS256"), **listed("PS512", endpoint=endpoint)}
    assert algorithm(metadata, endpoint=asked) == "PS512"
    assert algorithm(metadata) == "PS256"
    assert algorithm(listed("PS256"), endpoint=asked) == "PS256"


@pytest.mark.parametrize(
    ("sign", "offered", "able"),
    [
        (private_key_jwt, ["ES256", "EdDSA"], "private-key-file can sign with RS256, RS384"),
        (client_secret_jwt, ["RS256"], "client-secret can sign with HS256, HS384, HS512"),
    ],
)
def test_no_algorithm_in_common_is_an_error_that_says_so(algorithm, sign, offered, able):
    with pytest.raises(AuthorizationError) as caught:
        algorithm(listed(*offered), sign=sign)
    assert f"signed with {', '.join(offered)} only" in caught.value.message
    assert able in caught.value.message
    assert "registration.app.signing-algorithm" in caught.value.hint
