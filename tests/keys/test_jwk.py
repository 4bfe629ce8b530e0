"""Private keys as JSON: a JWK, a set of them, or the document of a vendor."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import JWKRegistry

from oauthreg._signing_keys.certificates import thumbprint
from oauthreg._signing_keys.keys import signing_key

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
OKP = ed25519.Ed25519PrivateKey.generate()


def pem(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def jwk(key, **members) -> dict:
    kinds = {rsa.RSAPrivateKey: "RSA", ec.EllipticCurvePrivateKey: "EC"}
    kind = next((name for one, name in kinds.items() if isinstance(key, one)), "OKP")
    return {**JWKRegistry.import_key(pem(key), kind).as_dict(private=True), **members}


def public(key, **members) -> dict:
    return {name: value for name, value in jwk(key, **members).items() if name != "d"}


def read(document, **options):
    return signing_key(json.dumps(document).encode(), **options)


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (OKP, "EdDSA")])
def test_a_jwk_has_its_key_id(key, algorithm):
    found = read(jwk(key, kid="from-jwk"))
    assert (found.algorithm, found.header) == (algorithm, {"kid": "from-jwk"})
    assert read(jwk(key, kid="from-jwk"), key_id="from-settings").header["kid"] == "from-settings"
    assert set(found.public) <= {"kty", "n", "e", "crv", "x", "y"}


@pytest.mark.parametrize("algorithm", ["RS512", "PS256", "PS384"])
def test_the_algorithm_of_a_jwk_is_the_one_it_is_for(algorithm):
    key = read(jwk(RSA, alg=algorithm, use="sig", key_ops=["sign"]))
    assert key.algorithm == algorithm
    assert key.for_server(["RS256"]) is None
    assert key.for_server(["RS256", algorithm]).algorithm == algorithm
    assert read(jwk(RSA, alg=algorithm), algorithm=algorithm).algorithm == algorithm


def test_the_two_names_of_eddsa_do_not_contradict_each_other():
    assert read(jwk(OKP, alg="Ed25519")).algorithm == "Ed25519"
    assert read(jwk(OKP, alg="EdDSA"), algorithm="Ed25519").algorithm == "Ed25519"


def test_a_jwk_with_its_certificates_names_the_one_that_fits():
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    times = datetime.now(UTC), datetime.now(UTC) + timedelta(days=1)
    chain = [
        x509.CertificateBuilder(name, name, key.public_key(), 1, *times).sign(
            OTHER, hashes.SHA256()
        )
        for key in (OTHER, RSA)
    ]
    x5c = [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in chain]
    assert read(jwk(RSA, x5c=x5c)).header == {"x5t#S256": thumbprint(chain[1])}


def test_rsa_without_its_primes_is_read():
    fields = {name: value for name, value in jwk(RSA).items() if name in {"kty", "n", "e", "d"}}
    assert read(fields).algorithm == "RS256"


SETS = {
    "one key": ([jwk(EC, kid="a")], None, "a"),
    "one key without a name": ([jwk(EC)], "mine", "mine"),
    "a list alone": ([jwk(EC, kid="a")], None, "a"),
    "by name": ([jwk(EC, kid="a"), jwk(OTHER, kid="b")], "b", "b"),
    "one that signs": ([jwk(EC, kid="a", use="enc"), jwk(OTHER, kid="b", use="sig")], None, "b"),
    "beside public ones": ([public(EC, kid="a"), jwk(OTHER, kid="b")], None, "b"),
    "beside a symmetric one": ([{"kty": "oct", "k": "AA"}, jwk(OTHER, kid="b")], None, "b"),
}


@pytest.mark.parametrize(("keys", "key_id", "expected"), SETS.values(), ids=SETS)
def test_a_key_of_a_set_is_the_only_one_or_the_named_one(keys, key_id, expected):
    for document in ({"keys": keys}, keys):
        assert read(document, key_id=key_id).header["kid"] == expected


TWO = {"keys": [jwk(EC, kid="a"), jwk(OTHER, kid="b")]}
GOOGLE = {
    "type": "service_account",
    "private_key_id": "1f2e",
    "private_key": pem(RSA).decode(),
    "client_email": "robot@project.iam.gserviceaccount.com",
}
ZITADEL = {"type": "serviceaccount", "keyId": "12", "key": pem(RSA).decode(), "userId": "34"}
BOX = {"boxAppSettings": {"appAuth": {"privateKey": pem(RSA).decode(), "publicKeyID": "x"}}}
REFUSED = {
    "several keys": (TWO, {}, "choose by key-id from 'a', 'b'"),
    "no key of the name": (TWO, {"key_id": "c"}, "no key of the key-id 'c'; it has 'a', 'b'"),
    "two keys of the name": (
        {"keys": [jwk(EC, kid="a"), jwk(OTHER, kid="a")]},
        {"key_id": "a"},
        "two keys of the key-id 'a'",
    ),
    "a set of public keys": ({"keys": [public(EC)]}, {}, "without a private key for signatures"),
    "an empty set": ({"keys": []}, {}, "without a private key for signatures"),
    "for encryption": (jwk(RSA, use="enc"), {}, "use is 'enc'"),
    "for another operation": (jwk(RSA, key_ops=["verify"]), {}, r"key_ops is \['verify'\]"),
    "an algorithm of encryption": (jwk(RSA, alg="RSA-OAEP"), {}, "its alg is 'RSA-OAEP'"),
    "an algorithm of another kind": (jwk(EC, alg="RS256"), {}, "the key is EC P-256, for ES256"),
    "a contradiction": (jwk(RSA, alg="PS256"), {"algorithm": "RS256"}, "contradicts the key"),
    "another kind": ({"kty": "AKP", "d": "AA"}, {}, "JWK of the kind 'AKP'"),
    "a public part of another key": (
        {**jwk(OKP), "x": jwk(ed25519.Ed25519PrivateKey.generate())["x"]},
        {},
        "its public part does not belong",
    ),
    "Google": (GOOGLE, {}, "service account file of Google.*field private_key.*client_email"),
    "Zitadel": (ZITADEL, {}, "key file of Zitadel.*field key .*keyId.*userId the client-id"),
    "another vendor": (BOX, {}, r"field boxAppSettings\.appAuth\.privateKey into a PEM file"),
    "something else": ({"a": 1}, {}, "neither a JWK nor a JWK set"),
    "deep nesting": (
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": {}}}}}}}}}},
        {},
        "neither",
    ),
}


@pytest.mark.parametrize(("document", "options", "words"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_sign_is_refused_in_words_without_a_part_of_the_key(document, options, words):
    with pytest.raises(ValueError, match=words) as caught:
        read(document, **options)
    for secret in (jwk(RSA)["d"], jwk(EC)["d"], pem(RSA).decode()[40:100]):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"[" * 60_000, b"[1]", b"{}", b'{"keys": 1}'])
def test_json_that_is_no_key_is_refused(content):
    with pytest.raises(ValueError, match=r"JSON|JWK"):
        signing_key(content)
