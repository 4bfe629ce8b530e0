"""The address of an authorization request, and its PKCE challenge (RFC 7636), by Authlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable


def authorization_url(endpoint: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return the endpoint's address with the fields added to its query (RFC 6749 section 3.1)."""
    from authlib.common.urls import add_params_to_uri  # noqa: PLC0415 - only logins need it

    return cast("str", add_params_to_uri(endpoint, list(fields)))


def code_challenge(code_verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 section 4.2)."""
    from authlib.oauth2.rfc7636 import (  # noqa: PLC0415 - only logins need it
        create_s256_code_challenge,
    )

    return cast("str", create_s256_code_challenge(code_verifier))
