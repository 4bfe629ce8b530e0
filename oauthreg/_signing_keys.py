"""Private keys: read from PEM, JWK or PKCS#12, matched with an algorithm, and used to sign."""

from __future__ import annotations

import codecs
import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, cast

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from joserfc import jwt
from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from oauthreg._files import SECRET_SIZE, read_file
from oauthreg._secret_values import SecretReadError, SecretSource

ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC P-256": ("ES256",),
    "EC P-384": ("ES384",),
    "EC P-521": ("ES512",),
    "Ed25519": ("EdDSA", "Ed25519"),
    "Ed448": ("EdDSA", "Ed448"),
}
"""What each kind of key can sign with; the first is the default (RFC 7518, RFC 8037)."""

CURVES = {"secp256r1": "EC P-256", "secp384r1": "EC P-384", "secp521r1": "EC P-521"}
JoseKey = RSAKey | ECKey | OKPKey | OctKey


class Bytes(Protocol):
    """Where the bytes of a key come from."""

    @property
    def reference(self) -> str | None:
        """A stable name, or None for a value in the settings themselves."""

    @property
    def local(self) -> bool:
        """Whether a read is cheap and on this machine."""

    def read_bytes(self) -> bytes:
        """Return the content now.

        Raises:
            SecretReadError: it cannot be read.
        """


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A file, in whatever encoding."""

    path: Path
    local: bool = True

    @property
    def reference(self) -> str:
        """`file:` and the path."""
        return f"file:{self.path}"

    def read_bytes(self) -> bytes:
        """Return the file's content now, without a byte order mark."""
        try:
            return read_file(self.path, SECRET_SIZE).removeprefix(codecs.BOM_UTF8)
        except OSError as error:
            raise SecretReadError(f"{self.path}: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class SecretBytes:
    """The text of a secret source."""

    source: SecretSource

    @property
    def local(self) -> bool:
        """The source's own."""
        return self.source.local

    @property
    def reference(self) -> str | None:
        """The source's own."""
        return self.source.reference

    def read_bytes(self) -> bytes:
        """Return the source's value now."""
        return self.source.read().get_secret_value().encode()


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A key that signs, and how.

    Attributes:
        key: The key itself.
        algorithm: The JWS algorithm.
        header: `kid` and `x5t#S256`, as far as they are known.
        choices: The algorithms to choose from; empty where the settings name one.
    """

    key: JoseKey = field(repr=False)
    algorithm: str
    header: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = field(default=(), repr=False)

    def for_server(self, offered: Sequence[str]) -> SigningKey | None:
        """Return the key with the first algorithm that a server offers; None if it can do none.

        Args:
            offered: What the server lists; nothing leaves the algorithm as it is.
        """
        if not offered or not self.choices:
            return self
        fitting = next((name for name in offered if name in self.choices), None)
        return None if fitting is None else replace(self, algorithm=fitting)

    @property
    def thumbprint(self) -> str:
        """The key's SHA-256 thumbprint (RFC 7638)."""
        return self.key.thumbprint()

    @property
    def public(self) -> Mapping[str, Any]:
        """The public key as a JWK."""
        return cast("Mapping[str, Any]", self.key.as_dict(private=False))

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Return a compact JWS of the claims (RFC 7515)."""
        whole = {"alg": self.algorithm, **self.header, **header}
        return jwt.encode(whole, dict(claims), self.key, registry=AlgorithmRegistry())


class AlgorithmRegistry(JWSRegistry):
    """Takes the algorithm that key and settings agreed on, and headers with a certificate chain."""

    max_header_length = 8192

    def get_alg(self, name: str) -> Any:
        if self.allowed and name not in self.allowed:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


class KeySource:
    """A private key in the settings: read again at every use, parsed again when it changed.

    Args:
        content: Where the key's bytes come from.
        passphrase: What opens them, if they are encrypted.
        algorithm: The algorithm asked for; None for the key's default.
        key_id: The `kid` asked for.
        certificate: Where the certificate is, whose thumbprint the header names.
    """

    def __init__(
        self,
        content: Bytes,
        *,
        passphrase: SecretSource | None = None,
        algorithm: str | None = None,
        key_id: str | None = None,
        certificate: Bytes | None = None,
    ) -> None:
        self._content = content
        self._passphrase = passphrase
        self._algorithm = algorithm
        self._key_id = key_id
        self._certificate = certificate
        self._last: tuple[bytes, SigningKey] | None = None

    @property
    def local(self) -> bool:
        """Whether a read is cheap and on this machine."""
        return self._content.local and (self._passphrase is None or self._passphrase.local)

    @property
    def reference(self) -> str | None:
        """Where the key comes from, and what is asked of it."""
        place = self._content.reference
        if place is None and self._passphrase is not None:
            place = self._passphrase.reference
        return place and f"{place} {self._algorithm} {self._key_id}"

    @property
    def identity(self) -> str:
        """What tells this key from another: where it is, or for a literal one, its digest."""
        if self._content.reference is not None:
            return self.reference or ""
        digest = hashlib.sha256(self._content.read_bytes()).hexdigest()
        return f"literal {digest} {self._algorithm} {self._key_id}"

    def read(self) -> SigningKey:
        """Return the key as it is now.

        Raises:
            SecretReadError: it cannot be read, opened or used with the algorithm asked for.
        """
        content = self._content.read_bytes()
        passphrase = self._passphrase.read().get_secret_value() if self._passphrase else None
        certificate = self._certificate.read_bytes() if self._certificate else b""
        digest = hashlib.sha256(
            b"%d:%b%d:%b" % (len(content), content, len(certificate), certificate)
            + (passphrase or "").encode()
        ).digest()
        last = self._last
        if last is not None and last[0] == digest:
            return last[1]
        try:
            key = signing_key(
                content,
                passphrase=passphrase,
                algorithm=self._algorithm,
                key_id=self._key_id,
                certificate=certificate,
            )
        except ValueError as error:
            raise SecretReadError(f"{self._content.reference or 'the key'}: {error}") from None
        self._last = (digest, key)
        return key


def signing_key(
    content: bytes,
    *,
    passphrase: str | None = None,
    algorithm: str | None = None,
    key_id: str | None = None,
    certificate: bytes = b"",
) -> SigningKey:
    """Return the private key in a PEM, JWK or PKCS#12 content.

    Raises:
        ValueError: there is none, the passphrase is wrong, or the algorithm does not fit; the
            text says which.
    """
    header: dict[str, str] = {}
    if content.lstrip()[:1] == b"{":
        key, kind, kid = _from_jwk(content)
        if kid:
            header["kid"] = kid
    else:
        private, found = _private_key(content, passphrase)
        key, kind = _jose(private)
        certificate = certificate or (found or b"")
    if key_id:
        header["kid"] = key_id
    if certificate:
        header["x5t#S256"] = certificate_thumbprint(certificate)
    fitting = ALGORITHMS[kind]
    if algorithm is not None and algorithm not in fitting:
        raise ValueError(
            f"signing-algorithm {algorithm} does not fit, the key is {kind}: "
            f"use one of {', '.join(fitting)}"
        )
    return SigningKey(key, algorithm or fitting[0], header, () if algorithm else fitting)


def secret_key(secret: str, algorithm: str = "HS256") -> SigningKey:
    """Return a client secret as a key for HMAC (client_secret_jwt)."""
    raw = secret.encode()
    return SigningKey(OctKey(raw, raw), algorithm)


def generated_key() -> SigningKey:
    """Return a new key of the curve P-256."""
    return SigningKey(ECKey.generate_key("P-256"), "ES256")


def certificate_thumbprint(pem: bytes) -> str:
    """Return the SHA-256 thumbprint of a PEM certificate, base64url (RFC 8705 section 3.1).

    Raises:
        ValueError: it is no certificate.
    """
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    return _base64url(hashlib.sha256(der).digest())


def _from_jwk(content: bytes) -> tuple[JoseKey, str, str | None]:
    try:
        fields = json.loads(content)
        kinds: dict[str, type[RSAKey | ECKey | OKPKey]] = {
            "RSA": RSAKey,
            "EC": ECKey,
            "OKP": OKPKey,
        }
        key = kinds[fields["kty"]].import_key(fields)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, its text is not for showing
        raise ValueError("it is no private RSA, EC or OKP key as a JWK") from None
    if "d" not in fields:
        raise ValueError("it is a public key; a private one is needed")
    kind = {"RSA": "RSA", "EC": f"EC {fields.get('crv')}", "OKP": str(fields.get("crv"))}
    name = kind[fields["kty"]]
    if name not in ALGORITHMS:
        raise ValueError(f"keys of the curve {fields.get('crv')} are not supported")
    return key, name, fields.get("kid")


def _private_key(content: bytes, passphrase: str | None) -> tuple[Any, bytes | None]:
    password = passphrase.encode() if passphrase else None
    if b"-----BEGIN" in content:
        if b"PRIVATE KEY" not in content:
            raise ValueError("there is no private key in it")
        start = content.index(b"-----BEGIN CERTIFICATE") if b"BEGIN CERTIFICATE" in content else -1
        certificate = content[start:] if start >= 0 else None
        try:
            return serialization.load_pem_private_key(_key_block(content), password), certificate
        except TypeError:
            raise ValueError(_passphrase_words(passphrase)) from None
        except Exception:  # noqa: BLE001 - cryptography names internals here
            words = "the passphrase is wrong" if passphrase else "it is no valid PEM private key"
            raise ValueError(words) from None
    try:
        key, found, _ = pkcs12.load_key_and_certificates(content, password)
    except ValueError:
        words = "it is neither PEM, JWK nor PKCS#12"
        words = f"{words}, or the passphrase is {'wrong' if passphrase else 'missing'}"
        raise ValueError(words) from None
    if key is None:
        raise ValueError("there is no private key in it")
    return key, found.public_bytes(Encoding.PEM) if found is not None else None


def _key_block(content: bytes) -> bytes:
    """Return the PEM block of the private key alone: certificates may stand before it."""
    end = content.index(b"PRIVATE KEY-----")
    return content[content.rindex(b"-----BEGIN", 0, end) :]


def _passphrase_words(passphrase: str | None) -> str:
    if passphrase:
        return "it is not encrypted, so that a passphrase does not fit"
    return "it is encrypted: set private-key-passphrase"


def _jose(private: Any) -> tuple[JoseKey, str]:
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


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
