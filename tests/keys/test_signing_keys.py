"""Private keys: their algorithms, what is said of those that do not fit, and how they are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from oauthreg._errors import SecretUnavailableError
from oauthreg._protocol.id_token import verified
from oauthreg._secret_values import FileSecret, LiteralSecret, Secret, SecretReadError
from oauthreg._signing_keys.keys import generated_key, secret_key, signing_key
from oauthreg._signing_keys.sources import FileBytes, KeySource, SecretBytes

PASSPHRASE = "a passphrase"
KEYS = {
    "RSA": (rsa.generate_private_key(65537, 2048), "RS256"),
    "P-256": (ec.generate_private_key(ec.SECP256R1()), "ES256"),
    "P-384": (ec.generate_private_key(ec.SECP384R1()), "ES384"),
    "P-521": (ec.generate_private_key(ec.SECP521R1()), "ES512"),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    "Ed448": (ed448.Ed448PrivateKey.generate(), "EdDSA"),
}
RSA = KEYS["RSA"][0]
SMALL = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it is to be refused


def pem(key, passphrase: str | None = None) -> bytes:
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def certificate(key) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256())


def public(key) -> dict:
    text = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    kind = "RSA" if isinstance(key, rsa.RSAPrivateKey) else "OKP"
    kind = "EC" if isinstance(key, ec.EllipticCurvePrivateKey) else kind
    return {"keys": [JWKRegistry.import_key(text, kind).as_dict(private=False)]}


@pytest.mark.parametrize(("key", "algorithm"), KEYS.values(), ids=KEYS)
def test_the_algorithm_comes_from_the_key_and_the_signature_verifies(key, algorithm):
    assert signing_key(pem(key), key_id="k1").header == {"kid": "k1"}
    found = signing_key(pem(key))
    assert found.algorithm == algorithm
    assert verified(found.sign({"sub": "me"}), public(key)).claims == {"sub": "me"}


@pytest.mark.parametrize("algorithm", ["RS512", "PS256"])
def test_the_settings_may_choose_another_algorithm_that_fits(algorithm):
    found = signing_key(pem(RSA), algorithm=algorithm)
    assert found.algorithm == algorithm
    assert verified(found.sign({"a": 1}), public(RSA)).claims == {"a": 1}


K1 = json.dumps({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "d": "AA"}).encode()
PUBLIC_JWK = json.dumps(public(RSA)["keys"][0]).encode()
P12 = pkcs12.serialize_key_and_certificates(
    b"me", None, certificate(RSA), None, BestAvailableEncryption(PASSPHRASE.encode())
)
WRONG = {
    "a wrong passphrase": (pem(RSA, PASSPHRASE), {"passphrase": "x"}, "passphrase is wrong"),
    "no passphrase": (pem(RSA, PASSPHRASE), {}, "set private-key-passphrase"),
    "a passphrase too many": (pem(RSA), {"passphrase": "x"}, "not encrypted"),
    "another kind of key": (pem(RSA), {"algorithm": "ES256"}, "the key is RSA"),
    "another curve": (pem(KEYS["P-384"][0]), {"algorithm": "ES256"}, "the key is EC P-384"),
    "a certificate only": (
        certificate(RSA).public_bytes(Encoding.PEM),
        {},
        "no private key in it",
    ),
    "a broken pem": (b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----", {}, "no valid"),
    "something else": (b"\x00\x01", {}, "neither PEM, JWK nor PKCS#12"),
    "a pkcs12 without a key": (P12, {"passphrase": PASSPHRASE}, "no private key in it"),
    "a pkcs12 with a wrong passphrase": (P12, {"passphrase": "x"}, "wrong"),
    "a public jwk": (PUBLIC_JWK, {}, "it is a public key"),
    "a small rsa key": (pem(SMALL), {}, "1024 bits, and 2048"),
    "a symmetric jwk": (b'{"kty": "oct", "k": "AA"}', {}, "it is a symmetric key"),
    "a jwk of another curve": (K1, {}, "no valid RSA, EC or OKP key"),
    "broken json": (b"{", {}, "no valid JSON"),
    "a kind of key that signs no tokens": (
        pem(dsa.generate_private_key(2048)),
        {},
        "not supported",
    ),
}


@pytest.mark.parametrize(("content", "options", "message"), WRONG.values(), ids=WRONG)
def test_a_key_that_does_not_fit_is_refused_in_words(content, options, message):
    with pytest.raises(ValueError, match=message):
        signing_key(content, **options)


def test_a_key_that_cannot_sign_does_not_load(monkeypatch):
    def encode(*_, **__):
        raise ValueError("Digest too large for key size")

    monkeypatch.setattr("joserfc.jwt.encode", encode)
    with pytest.raises(ValueError, match="the key cannot sign with RS256: ValueError"):
        signing_key(pem(RSA))


def test_a_key_file_is_read_again_when_it_changed(tmp_path):
    path = tmp_path / "key.pem"
    path.write_bytes(pem(RSA))
    source = KeySource(FileBytes(path))
    first = source.read()
    assert source.read() is first
    path.write_bytes(pem(KEYS["P-256"][0]))
    assert source.read().algorithm == "ES256"
    assert source.reference == f"file:{path} None None"


def test_a_literal_key_has_no_reference_and_opens_with_a_passphrase():
    source = KeySource(
        SecretBytes(LiteralSecret(Secret(pem(RSA, PASSPHRASE).decode()))),
        passphrase=LiteralSecret(Secret(PASSPHRASE)),
    )
    assert source.read().algorithm == "RS256"
    assert source.reference is None


def test_a_file_that_cannot_be_read_says_which(tmp_path):
    path = tmp_path / "missing.pem"
    with pytest.raises(SecretReadError, match=r"missing\.pem: No such file"):
        KeySource(FileBytes(path)).read()
    path.write_text("nothing")
    with pytest.raises(SecretReadError, match=r"missing\.pem: it is neither"):
        KeySource(SecretBytes(FileSecret(path))).read()


def test_generated_keys_sign():
    key = generated_key()
    assert verified(key.sign({"a": 1}), {"keys": [dict(key.public)]}).claims == {"a": 1}
    assert "d" not in key.public


def test_a_secret_signs_however_short_it_is_and_never_verifies_as_a_key():
    token = secret_key("short").sign({"a": 1})
    with pytest.raises((JoseError, ValueError)):
        verified(token, public(RSA))


def test_the_thumbprint_is_that_of_rfc_7638():
    fields = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSo"
        "c"
        "_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FD"
        "W2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQF"
        "h6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
    }
    key = JWKRegistry.import_key(fields, "RSA")
    assert key.thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_secret_signs_by_hmac_only():
    with pytest.raises(SecretUnavailableError, match="cannot sign with RS256: "):
        secret_key("secret", "RS256").sign({"a": 1})


def test_what_a_library_raises_at_signing_does_not_leave_as_it_is():
    key = signing_key(pem(RSA))
    with pytest.raises(SecretUnavailableError, match="cannot sign with RS256: TypeError") as caught:
        key.sign({"aud": object()})
    assert caught.value.__context__ is None
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("options", "offered", "algorithm"),
    [
        ({}, (), "RS256"),
        ({}, ("ES256", "PS384", "RS256"), "PS384"),
        ({}, ("ES256",), None),
        ({"algorithm": "RS512"}, ("PS256",), "RS512"),
    ],
)
def test_the_algorithms_of_the_server_choose_where_the_settings_do_not(options, offered, algorithm):
    key = signing_key(pem(RSA), **options).for_server(offered)
    assert (key and key.algorithm) == algorithm
    if key is not None:
        assert verified(key.sign({"a": 1}), public(RSA)).header["alg"] == algorithm


def test_nothing_of_a_key_is_shown():
    key = signing_key(pem(RSA))
    assert repr(key) == "SigningKey(algorithm='RS256', header={})"
