"""Private keys as they are found in files and settings: matched with an algorithm, tried once."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from oauthreg._errors import SecretUnavailableError
from oauthreg._signing_keys.certificates import certificates_in, is_pss, leaf, thumbprint
from oauthreg._signing_keys.forms import find_key
from oauthreg._signing_keys.signing_key import HEADER, SigningKey

ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "RSA-PSS": ("PS256", "PS384", "PS512"),
    "EC P-256": ("ES256",),
    "EC P-384": ("ES384",),
    "EC P-521": ("ES512",),
    "Ed25519": ("EdDSA", "Ed25519"),
    "Ed448": ("EdDSA", "Ed448"),
}
"""What each kind of key can sign with; the first is the default (RFC 7518, RFC 8037)."""

SMALLEST_RSA = 2048
"""The bits that an RSA key needs (RFC 7518 section 3.3)."""

CURVES = {"secp256r1": "EC P-256", "secp384r1": "EC P-384", "secp521r1": "EC P-521"}


def signing_key(
    content: bytes,
    *,
    passphrase: str | None = None,
    algorithm: str | None = None,
    key_id: str | None = None,
    certificate: bytes = b"",
    header: Sequence[str] = HEADER,
) -> SigningKey:
    """Return the private key of a file, variable or setting, after it has signed once.

    Args:
        content: PEM, a JWK or JWK set, DER, PKCS#12 or an OpenSSH key, or base64 of one.
        passphrase: What opens it.
        algorithm: The algorithm asked for; None for the key's default.
        key_id: The `kid` asked for, which also chooses from a JWK set.
        certificate: PEM certificates, one of which may be the key's.
        header: What the header names the key by, as far as known: `kid`, `x5t` (the certificate's
            SHA-1 thumbprint), `x5t#S256`, `x5c` (the certificate itself).

    Raises:
        ValueError: there is no private key, the passphrase is wrong, or the algorithm does not
            fit; the text says which.
    """
    found = find_key(content, passphrase, key_id)
    key, kind = _jose(found.private)
    chain = (*certificates_in(certificate), *found.certificates)
    own = leaf(chain, found.private.public_key())
    if found.pss or (own is not None and is_pss(own)):
        kind = "RSA-PSS"
    choices = _choices(kind, found.algorithm, algorithm)
    names: dict[str, Any] = {}
    if key_id or found.key_id:
        names["kid"] = key_id or found.key_id
    if own is not None:
        names |= {
            "x5t": thumbprint(own, "sha1"),
            "x5t#S256": thumbprint(own),
            "x5c": [b64encode(own.public_bytes(Encoding.DER)).decode()],
        }
    named = {name: names[name] for name in header if name in names}
    signing = SigningKey(key, choices[0], named, () if algorithm else choices)
    _sign_once(signing)
    return signing


def _choices(kind: str, intended: str | None, asked: str | None) -> tuple[str, ...]:
    """Return what a key may sign with: what was asked for, what its JWK says, else all it can."""
    fitting = ALGORITHMS[kind]
    if intended is not None and intended not in fitting:
        raise ValueError(
            f"its alg is {intended!r}, which does not fit: the key is {kind}, for "
            f"{', '.join(fitting)}"
        )
    if asked is not None and asked not in fitting:
        raise ValueError(
            f"signing-algorithm {asked} does not fit, the key is {kind}: "
            f"use one of {', '.join(fitting)}"
        )
    if asked is not None and intended is not None and _plain(asked) != _plain(intended):
        raise ValueError(
            f"signing-algorithm {asked} contradicts the key, whose alg is {intended}: "
            "leave one of them out"
        )
    if asked or intended:
        return (asked or intended or "",)
    return fitting


def _plain(algorithm: str) -> str:
    """Return one name for the two that EdDSA has (RFC 9864)."""
    return "EdDSA" if algorithm in {"Ed25519", "Ed448"} else algorithm


def _sign_once(key: SigningKey) -> None:
    """Refuse a key that cannot sign: a small one for a long digest, or whatever else."""
    try:
        key.sign({"iss": "a key that was just read"})
    except SecretUnavailableError as error:
        raise ValueError(error.message) from None


def secret_key(secret: str, algorithm: str = "HS256") -> SigningKey:
    """Return a client secret as a key for HMAC (client_secret_jwt)."""
    raw = secret.encode()
    return SigningKey(OctKey(raw, raw), algorithm)


def generated_key() -> SigningKey:
    """Return a new key of the curve P-256."""
    return SigningKey(ECKey.generate_key("P-256"), "ES256")


def _jose(private: Any) -> tuple[RSAKey | ECKey | OKPKey, str]:
    """Return a key as joserfc has it, and its kind in `ALGORITHMS`."""
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < SMALLEST_RSA:
        raise ValueError(
            f"the RSA key has {private.key_size} bits, and {SMALLEST_RSA} are needed "
            "(RFC 7518 section 3.3)"
        )
    pem = private.private_bytes(
        Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    if isinstance(private, rsa.RSAPrivateKey):
        return RSAKey.import_key(pem), "RSA"
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in CURVES:
        return ECKey.import_key(pem), CURVES[private.curve.name]
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return OKPKey.import_key(pem), "Ed25519"
    if isinstance(private, ed448.Ed448PrivateKey):
        return OKPKey.import_key(pem), "Ed448"
    raise ValueError(
        "keys of this kind are not supported: use RSA, EC (P-256, P-384, P-521) or Ed25519"
    )
