"""Proof key for code exchange (RFC 7636), by Authlib."""

from __future__ import annotations

from typing import cast

from authlib.oauth2.rfc7636 import create_s256_code_challenge


def code_challenge(code_verifier: str) -> str:
    """Return the S256 challenge of a verifier (section 4.2)."""
    return cast("str", create_s256_code_challenge(code_verifier))
