"""Client assertions: their audience, their algorithm, and what to do when one is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from oauthreg._errors import AuthorizationError, TokenEndpointError
from oauthreg._flow import TokenRequest
from oauthreg._protocol.assertions import (
    JWT_BEARER,
    audience,
    audience_hint,
    client_secret_jwt,
    has_second_audience,
    private_key_jwt,
    refuses_assertion,
)
from oauthreg._protocol.binding import jwt_claims
from oauthreg._protocol.id_token import verified
from oauthreg._secret_values import Secret
from oauthreg._signing_keys.keys import generated_key, signing_key

RSA = RSAKey.generate_key(2048, auto_kid=False).as_pem(private=True)
ISSUER = "https://as.example"
TOKEN_URI = "https://as.example/token"
REVOKE = "https://as.example/revoke"
OFFERED = "token_endpoint_auth_signing_alg_values_supported"


@pytest.fixture
def signed(context):
    """Make a context that signs: `signed(key, issuer=..., metadata=..., field of registration)`."""

    def make(key=None, issuer=ISSUER, metadata=(), **fields):
        fields.setdefault("client_authentication_method", "private_key_jwt")
        return replace(context(**fields), signing_key=key, issuer=issuer, metadata=dict(metadata))

    return make


AUDIENCES = [
    (None, ISSUER, ISSUER),
    (None, None, TOKEN_URI),
    ("token-uri", ISSUER, TOKEN_URI),
    ("endpoint", ISSUER, REVOKE),
    ("https://other.example", ISSUER, "https://other.example"),
]


@pytest.mark.parametrize(("configured", "issuer", "expected"), AUDIENCES)
def test_the_audience_is_the_configured_one_else_the_issuer(signed, configured, issuer, expected):
    made = signed(generated_key(), issuer, assertion_audience=configured)
    assert audience(made, REVOKE) == expected
    request = private_key_jwt(made, TokenRequest(url=REVOKE))
    assert jwt_claims(dict(request.form)["client_assertion"])["aud"] == expected
    assert request.single_use


def test_an_audience_that_is_not_known_says_what_to_set(signed):
    made = signed(generated_key(), None, endpoints=())
    with pytest.raises(AuthorizationError, match=r"provider\.as\.token-uri"):
        audience(made, REVOKE)


ALGORITHMS = [
    # what the server lists, what the settings say, what signs
    (None, None, "RS256"),
    ([], None, "RS256"),
    ("PS256", None, "RS256"),
    (["PS256", "RS256"], None, "PS256"),
    (["ES256", "RS512"], None, "RS512"),
    (["ES256"], "RS384", "RS384"),
]


@pytest.mark.parametrize(("offered", "stated", "used"), ALGORITHMS)
def test_the_servers_list_chooses_the_algorithm(signed, offered, stated, used):
    key = signing_key(RSA, algorithm=stated)
    made = signed(key, metadata={OFFERED: offered})
    assertion = dict(private_key_jwt(made, TokenRequest(url=TOKEN_URI)).form)["client_assertion"]
    assert verified(assertion, {"keys": [dict(key.public)]}).header["alg"] == used


@pytest.mark.parametrize("endpoint", ["introspection", "revocation"])
def test_each_endpoint_has_its_own_list_or_that_of_the_token_endpoint(signed, endpoint):
    endpoints = {f"{endpoint}-uri": REVOKE, "token-uri": TOKEN_URI}
    own = {f"{endpoint}_endpoint_auth_signing_alg_values_supported": ["PS512"]}

    def used(metadata, url):
        made = signed(signing_key(RSA), endpoints=tuple(endpoints.items()), metadata=metadata)
        form = dict(private_key_jwt(made, TokenRequest(url=url)).form)
        return jws.extract_compact(form["client_assertion"].encode()).headers()["alg"]

    assert used({OFFERED: ["PS256"], **own}, REVOKE) == "PS512"
    assert used({OFFERED: ["PS256"], **own}, TOKEN_URI) == "PS256"
    assert used({OFFERED: ["PS256"]}, REVOKE) == "PS256"


def test_a_key_that_fits_no_algorithm_of_the_server_is_told_so(signed):
    made = signed(signing_key(RSA), metadata={OFFERED: ["ES256", "Ed\n25519"]})
    with pytest.raises(AuthorizationError) as caught:
        private_key_jwt(made, TokenRequest(url=TOKEN_URI))
    assert str(caught.value).startswith(
        "by its metadata the server takes assertions signed with ES256, Ed 25519 only, and the "
        "private key can sign with RS256, RS384"
    )
    assert "registration.app.private-key-file" in caught.value.hint


@pytest.mark.parametrize(
    ("offered", "stated", "used"),
    [
        (["HS512", "HS256"], None, "HS512"),
        (["RS256"], None, "HS256"),
        (["HS512"], "HS384", "HS384"),
    ],
)
def test_a_secret_signs_with_what_the_server_lists(context, offered, stated, used):
    method = {"client_authentication_method": "client_secret_jwt", "signing_algorithm": stated}
    made = replace(context("s" * 64, **method), metadata={OFFERED: offered})
    assertion = dict(client_secret_jwt(made, TokenRequest(url=TOKEN_URI)).form)["client_assertion"]
    assert jwt_claims(assertion)["sub"] == "id"
    assert jws.extract_compact(assertion.encode()).headers()["alg"] == used


REFUSED = TokenEndpointError("no", status=401, error="invalid_client")
NOT_THE_CLIENT = TokenEndpointError("no", status=400, error="invalid_scope")
GRANT = TokenEndpointError("no", status=400, error="invalid_grant")
LATER = TokenEndpointError("no", status=401, error="invalid_client", retry_after=5.0)
BASIC = {"client_authentication_method": "client_secret_basic"}
BEARER = {"authorization_grant_type": JWT_BEARER}


@pytest.mark.parametrize(
    ("fields", "second"),
    [
        ({}, True),
        ({"assertion_audience": ISSUER}, False),
        ({"issuer": None}, False),
        ({"issuer": "https://other.example"}, False),
        ({"issuer": "no address"}, False),
        ({"issuer": TOKEN_URI}, False),
        ({"endpoints": ()}, False),
    ],
)
def test_a_defaulted_audience_has_a_second_one_on_the_issuers_own_origin(signed, fields, second):
    assert has_second_audience(signed(generated_key(), **fields)) is second


@pytest.mark.parametrize(
    ("fields", "error", "assertion"),
    [
        ({}, REFUSED, True),
        ({}, NOT_THE_CLIENT, False),
        ({}, GRANT, False),
        ({}, LATER, False),
        ({}, AuthorizationError("no"), False),
        (BASIC, REFUSED, False),
        (BASIC, GRANT, False),
        (BASIC | BEARER, GRANT, True),
        (BEARER, GRANT, True),
    ],
)
def test_only_some_refusals_are_of_a_signed_assertion(signed, fields, error, assertion):
    assert refuses_assertion(signed(generated_key(), **fields), error) is assertion


def test_an_assertion_from_elsewhere_is_not_sent_again(signed):
    made = replace(signed(), assertion=Secret("a.b.c"))
    assert not refuses_assertion(made, REFUSED)
    assert audience_hint(made).startswith("The assertion came from registration.app.assertion-file")
    subject = replace(signed(**BASIC, **BEARER), subject_token=Secret("a.b.c"))
    assert not refuses_assertion(subject, GRANT)


def test_the_hint_names_the_audience_that_was_sent_and_the_others(signed):
    key = generated_key()
    assert audience_hint(signed(key)) == (
        f"The assertion's audience was {ISSUER}: check the key that the server knows, this "
        "machine's clock, and registration.app.assertion-audience, perhaps "
        f'"{TOKEN_URI}" or "endpoint".'
    )
    hint = audience_hint(signed(key, assertion_audience="endpoint"))
    assert "was each endpoint's own address" in hint
    assert hint.endswith(f'perhaps "{ISSUER}" or "{TOKEN_URI}".')
    bare = audience_hint(signed(key, None, endpoints=(), assertion_audience="endpoint"))
    assert bare.endswith("and registration.app.assertion-audience.")
