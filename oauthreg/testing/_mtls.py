"""What a client registers for mutual TLS (RFC 8705)."""

from __future__ import annotations

import ssl
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

METHODS = frozenset({"tls_client_auth", "self_signed_tls_client_auth"})
"""The client authentication methods that need a certificate (sections 2.1 and 2.2)."""


def registered(
    certificates: Iterable[str | Path], public_keys: Mapping[str, Any] | None
) -> list[str]:
    """The certificates of a client as PEM: those given, and those in the `x5c` of its keys."""
    chains = [key["x5c"] for key in (public_keys or {}).get("keys", []) if key.get("x5c")]
    return [
        *map(_pem, certificates),
        *(ssl.DER_cert_to_PEM_cert(b64decode(chain[0])) for chain in chains),
    ]


def _pem(certificate: str | Path) -> str:
    """A PEM text as it is, or what is in a file."""
    text = str(certificate)
    return text if text.startswith("-----BEGIN") else Path(text).read_text(encoding="ascii")
