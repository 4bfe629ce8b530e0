"""Certificates: read from PEM in any order, and the one that belongs to a key."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import PublicKeyAlgorithmOID

from oauthreg._files import SECRET_SIZE, read_file
from oauthreg._secret_values import SecretReadError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_BLOCK = re.compile(
    rb"-----BEGIN ((?:X509 )?CERTIFICATE)-----.*?-----END \1-----",
    re.DOTALL,
)


def certificates_in(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM text, in its order.

    Raises:
        ValueError: one of them cannot be read.
    """
    blocks = [match[0] for match in _BLOCK.finditer(pem)]
    try:
        return tuple(x509.load_pem_x509_certificate(block) for block in blocks)
    except ValueError:
        raise ValueError("a certificate in it cannot be read") from None


def leaf(certificates: Iterable[x509.Certificate], public_key: Any) -> x509.Certificate | None:
    """Return the certificate that was issued for a public key, or None."""
    wanted = public_bytes(public_key)
    for one in certificates:
        with suppress(ValueError, UnsupportedAlgorithm):  # another's key may be of any kind
            if public_bytes(one.public_key()) == wanted:
                return one
    return None


def leaf_first(pem: bytes, public_key: Any) -> bytes:
    """Return a chain as TLS wants it: the certificate of the key before the others.

    Raises:
        ValueError: none of them was issued for the key.
    """
    chain = certificates_in(pem)
    first = leaf(chain, public_key)
    if first is None:
        raise ValueError("no certificate in it was issued for the private key")
    others = [one for one in chain if one is not first]
    return b"".join(one.public_bytes(Encoding.PEM) for one in (first, *others))


class CurrentThumbprint:
    """The thumbprint of a client certificate whose files may be replaced.

    Args:
        certificate_file: A PEM file with the certificate, and perhaps its chain.
        key_file: A PEM file with its private key.

    Attributes:
        value: As it was last read; None before.
    """

    def __init__(self, certificate_file: Path, key_file: Path) -> None:
        self._files = certificate_file, key_file
        self.value: str | None = None

    @property
    def reference(self) -> str:
        """`file:` and the path."""
        return f"file:{self._files[0]}"

    def read(self) -> str:
        """Return the thumbprint now.

        Raises:
            SecretReadError: the files hold no certificate and its key.
        """
        try:
            self.value = thumbprint(own_certificate(*self._files))
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or error
            raise SecretReadError(f"{self._files[0]}: {words}") from None
        return self.value


def own_certificate(certificate_file: Path, key_file: Path) -> x509.Certificate:
    """Return the certificate of a chain that belongs to a key.

    Raises:
        OSError: a file cannot be read.
        ValueError: there is no such certificate, or no key.
    """
    content, key_content = (read_file(file, SECRET_SIZE) for file in (certificate_file, key_file))
    try:
        chain = certificates_in(content)
    except ValueError as error:
        raise ValueError(f"{certificate_file}: {error}") from None
    if not chain:
        raise ValueError(f"{certificate_file}: is no PEM certificate")
    try:
        key = load_pem_private_key(key_content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"{key_file}: is no unencrypted PEM private key") from None
    found = leaf(chain, key.public_key())
    if found is None:
        raise ValueError("the private key is not the certificate's")
    return found


def thumbprint(certificate: x509.Certificate, algorithm: str = "sha256") -> str:
    """Return a certificate's thumbprint, base64url (RFC 8705 section 3.1, RFC 7515 4.1.7)."""
    digest = hashlib.new(algorithm, certificate.public_bytes(Encoding.DER)).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def is_pss(certificate: x509.Certificate) -> bool:
    """Whether a certificate is of an RSA key for PSS signatures only (RFC 4055)."""
    return certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS


def public_bytes(public_key: Any) -> bytes:
    """Return the bytes by which public keys are compared."""
    spki: bytes = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return spki
