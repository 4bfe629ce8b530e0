"""Proof key for code exchange (RFC 7636), by Authlib."""

from __future__ import annotations

from typing import cast


def code_challenge(code_verifier: str) -> str:
    """Return the S256 challenge of a verifier (section 4.2)."""
    from authlib.oauth2.rfc7636 import (  # noqa: PLC0415 - only logins need it
        create_s256_code_challenge,
    )

    return cast("str", create_s256_code_challenge(code_verifier))
