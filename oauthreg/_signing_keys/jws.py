"""Signatures by joserfc (RFC 7515)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping


class AlgorithmRegistry(JWSRegistry):
    """Takes the algorithm that key and settings agreed on, and headers with a certificate chain."""

    max_header_length = 8192

    def get_alg(self, name: str) -> Any:
        if self.allowed and name not in self.allowed:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], key: Any) -> str:
    """Return a compact JWS of the claims; what fails is raised as it is."""
    return jwt.encode(dict(header), dict(claims), key, registry=AlgorithmRegistry())
