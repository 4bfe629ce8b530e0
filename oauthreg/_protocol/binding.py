"""Whether a token is bound to the client's key or certificate, where that was asked for."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from oauthreg._errors import InvalidTokenResponseError, SecretUnavailableError
from oauthreg._flow import ReadSecret
from oauthreg._protocol.refusals import TOKEN_ENDPOINT

if TYPE_CHECKING:
    from oauthreg._flow import Flow, Granted
    from oauthreg._registration import ClientRegistration

JWT_PARTS = 3
CERTIFICATE = "x5t#S256"


def check_token_binding(registration: ClientRegistration, granted: Granted) -> None:
    """Refuse a token that is not protected as the registration wants it.

    With `dpop`, a bearer token is refused, unless the setting is "optional" (RFC 9449 section 5),
    and a JWT that names another key; without it a DPoP token, which only the owner of its key can
    use. With
    `certificate-bound-tokens`, a JWT must name the client certificate in its `cnf` claim (RFC 8705
    section 3.1); whether another token is bound only the server knows.

    Raises:
        InvalidTokenResponseError: it is not.
    """
    path = f"registration.{registration.registration_id}"
    if granted.token_type == "DPoP" and registration.prover is None:
        raise InvalidTokenResponseError(
            f"{TOKEN_ENDPOINT} answered with a DPoP token, which only the owner of its key can use",
            retryable=False,
            hint=f"Set {path}.dpop = true.",
        )
    bearer = granted.token_type == "Bearer"
    if bearer and registration.prover is not None and not registration.dpop_optional:
        raise InvalidTokenResponseError(
            f"{TOKEN_ENDPOINT} answered with a bearer token, and {path}.dpop asks for one that is "
            "bound to a key",
            retryable=False,
            hint="Switch DPoP-bound tokens on for the client at the server; "
            f'{path}.dpop = "optional" takes bearer tokens too.',
        )
    claims = jwt_claims(granted.access_token)
    if claims is None:
        return
    key = _confirmation(claims, "jkt")
    if registration.prover is not None and key not in (None, registration.prover.thumbprint):
        raise InvalidTokenResponseError(
            f"{TOKEN_ENDPOINT} answered with a token that is bound to another key than {path}.dpop",
            retryable=False,
            hint="The server bound it to the key of another client or process.",
        )
    if not registration.certificate_bound_tokens:
        return
    bound_to = _confirmation(claims, CERTIFICATE)
    if bound_to is None or bound_to not in _thumbprints(registration):
        fault = "another certificate" if bound_to else "no certificate"
        raise InvalidTokenResponseError(
            f"{TOKEN_ENDPOINT} answered with a token that is bound to {fault}, and "
            f"{path}.certificate-bound-tokens asks for one bound to certificate-file",
            retryable=False,
            hint="Switch certificate-bound tokens on for the client at the server (RFC 8705), and "
            "check that no proxy on the way ends TLS.",
        )


def read_certificate(registration: ClientRegistration, granted: Granted) -> Flow[None]:
    """Read the certificate anew if a token is bound to another: it may have been replaced.

    The check comes later, so that a rotated refresh token is kept whatever becomes of it.
    """
    certificate = registration.certificate
    claims = jwt_claims(granted.access_token) if registration.certificate_bound_tokens else None
    if claims is None or certificate is None or certificate.current is None:
        return
    if _confirmation(claims, CERTIFICATE) not in {*_thumbprints(registration)}:
        with suppress(SecretUnavailableError):
            yield ReadSecret(certificate.current, "certificate-file")


def _confirmation(claims: Mapping[str, Any], member: str) -> str | None:
    """Return the thumbprint of what a token is bound to (RFC 7800)."""
    confirmation = claims.get("cnf")
    bound_to = confirmation.get(member) if isinstance(confirmation, dict) else None
    return bound_to if isinstance(bound_to, str) else None


def _thumbprints(registration: ClientRegistration) -> Iterator[str]:
    """Give the thumbprints that the client certificate is known to have, or to have had."""
    certificate = registration.certificate
    if certificate is not None:
        current = certificate.current.value if certificate.current is not None else None
        yield from filter(None, (certificate.thumbprint, current))


def jwt_claims(token: str) -> Mapping[str, Any] | None:
    """Return the claims of a signed JWT, unverified; None if the token is none."""
    parts = token.split(".")
    if len(parts) != JWT_PARTS:
        return None
    header, claims = _decoded(parts[0]), _decoded(parts[1])
    return claims if header is not None else None


def _decoded(part: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
