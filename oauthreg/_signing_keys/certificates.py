"""Certificates: read from PEM in any order, and the one that belongs to a key."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def thumbprint(certificate: x509.Certificate) -> str:
    """Return a certificate's SHA-256 thumbprint, base64url (RFC 8705 section 3.1)."""
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def public_bytes(public_key: Any) -> bytes:
    """Return the bytes by which public keys are compared."""
    spki: bytes = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return spki
