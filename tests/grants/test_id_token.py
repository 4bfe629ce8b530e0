"""The id_token of a login: what is believed."""

from __future__ import annotations

import hashlib
import json
import warnings
from base64 import urlsafe_b64encode

import pytest
from joserfc.jwk import RSAKey

from oauthreg._errors import (
    AuthorizationError,
    CallbackError,
    InvalidTokenResponseError,
    TokenEndpointError,
)
from oauthreg._flow import TokenResponse
from oauthreg._protocol.id_token import check_can_verify, check_id_token, key_set
from oauthreg._signing_keys.keys import generated_key, secret_key
from oauthreg._signing_keys.signing_key import SigningKey

NOW = 1_800_000_000.0
ISSUER = "https://auth.example.com"
KEY = generated_key()
CLAIMS = {"iss": ISSUER, "sub": "u", "aud": "id", "exp": NOW + 60, "iat": NOW, "nonce": "n1"}
PUBLIC = dict(KEY.public)
JWKS = {"keys": [PUBLIC]}


def answer(fields, status: int = 200) -> TokenResponse:
    return TokenResponse(status=status, body=json.dumps(fields).encode())


def test_a_good_id_token_gives_its_claims(context):
    assert check_id_token(context(), JWKS, KEY.sign(CLAIMS), nonce="n1")["sub"] == "u"


def half_hash(text):
    digest = hashlib.sha256(text.encode()).digest()[:16]
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_an_at_hash_is_of_the_access_token_that_came_with_it(context):
    id_token = KEY.sign({**CLAIMS, "at_hash": half_hash("t1")})
    assert check_id_token(context(), JWKS, id_token, nonce="n1", access_token="t1")
    with pytest.raises(CallbackError, match="its at_hash is not"):
        check_id_token(context(), JWKS, id_token, nonce="n1", access_token="t2")


WRONG = {
    "another issuer": ({"iss": "https://evil.example"}, " iss"),
    "another audience": ({"aud": "other"}, " aud"),
    "several audiences and no party": ({"aud": ["id", "other"]}, " azp"),
    "another party": ({"aud": ["id", "other"], "azp": "other"}, " azp"),
    "another nonce": ({"nonce": "n2"}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "an end in the past": ({"exp": NOW - 120}, "it has expired"),
    "no end": ({"exp": None}, " exp"),
    "a start in the future": ({"nbf": NOW + 120}, "is not that of"),
    "an issue in the future": ({"iat": NOW + 120}, "is not that of"),
    "an issue long ago": ({"iat": NOW - 365 * 86_400}, " iat"),
    "no issue": ({"iat": None}, " iat"),
    "an issue that is a text": ({"iat": "now"}, "must not be trusted"),
    "no subject": ({"sub": None}, " sub"),
    "an empty subject": ({"sub": ""}, " sub"),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_an_id_token_with_wrong_claims_is_refused(context, changes, message):
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    with pytest.raises(CallbackError, match=message):
        check_id_token(context(), JWKS, KEY.sign(claims), nonce="n1")


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library warns of what it makes here
    SHORT = SigningKey(RSAKey.generate_key(1024, auto_kid=False), "RS256")
NAMED = SigningKey(KEY.key, KEY.algorithm, {"kid": "k1"})
UNTRUSTED = {
    "another key": (generated_key().sign(CLAIMS), JWKS),
    "no key": (KEY.sign(CLAIMS), {}),
    "keys that are no list": (KEY.sign(CLAIMS), {"keys": "none"}),
    "a key that is none": (KEY.sign(CLAIMS), {"keys": [5, {"kty": "XX"}, {}]}),
    "a key for encryption": (KEY.sign(CLAIMS), {"keys": [{**PUBLIC, "use": "enc"}]}),
    "a key of another name": (NAMED.sign(CLAIMS), {"keys": [{**PUBLIC, "kid": "k2"}]}),
    "a short RSA key": (SHORT.sign(CLAIMS), {"keys": [dict(SHORT.public)]}),
    "a shared secret": (secret_key("s" * 32).sign(CLAIMS), JWKS),
    "no signature": ("eyJhbGciOiJub25lIn0.e30.", JWKS),
    "no JWT": ("un.signed.x", JWKS),
    "not ASCII": ("t\u00f6ken", JWKS),
}


@pytest.mark.parametrize(("token", "keys"), UNTRUSTED.values(), ids=UNTRUSTED)
def test_an_id_token_that_no_known_key_signed_is_refused(context, token, keys):
    with pytest.raises(CallbackError, match="must not be trusted"):
        check_id_token(context(), keys, token, nonce="n1")


def test_without_a_name_every_key_is_tried_and_a_key_without_one_fits(context):
    others = [dict(generated_key().public), {"kty": "new"}]
    for token in (KEY.sign(CLAIMS), NAMED.sign(CLAIMS)):
        assert check_id_token(context(), {"keys": [*others, PUBLIC]}, token, nonce="n1")


@pytest.mark.parametrize("token", [None, 5, ["x"]])
def test_an_answer_without_an_id_token_is_refused(context, token):
    with pytest.raises(CallbackError, match="has no id_token"):
        check_id_token(context(), JWKS, token, nonce="n1")


def test_without_a_known_issuer_nothing_is_believed(context):
    made = context(issuer=None)
    with pytest.raises(AuthorizationError, match=r"Set provider\.p\.issuer-uri"):
        check_id_token(made, JWKS, KEY.sign(CLAIMS), nonce="n1")
    with pytest.raises(AuthorizationError, match="issuer-uri"):
        check_can_verify(made)
    with pytest.raises(AuthorizationError, match="no jwk-set-uri"):
        check_can_verify(context(endpoints={}))


def test_keys_are_fetched_or_the_failure_names_their_address(context, drive):
    assert drive(key_set(context()), answer(JWKS)).result == JWKS
    with pytest.raises(TokenEndpointError, match="the address of the issuer's keys answered 503"):
        drive(key_set(context()), answer({}, 503))
    with pytest.raises(InvalidTokenResponseError, match="without a JSON object"):
        drive(key_set(context()), answer([]))
