"""A private key as it was found, before it is known how it signs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509


@dataclass(frozen=True, slots=True)
class Found:
    """A private key, and what its file says about it.

    Attributes:
        private: The key, as a private key of cryptography.
        certificates: The certificates beside it, in any order.
        algorithm: The only algorithm that it is for (the `alg` of a JWK).
        key_id: Its name (the `kid` of a JWK).
        pss: Whether it is an RSA key for PSS signatures only (`id-RSASSA-PSS`, RFC 4055).
    """

    private: Any = field(repr=False)
    certificates: tuple[x509.Certificate, ...] = ()
    algorithm: str | None = None
    key_id: str | None = None
    pss: bool = False
