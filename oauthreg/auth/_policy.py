"""The policy of every adapter: which addresses a token may go to, and what a 401 asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from oauthreg._addresses import Origin, origin_of
from oauthreg._errors import UrlNotAllowedError
from oauthreg._urls import parse_pattern

if TYPE_CHECKING:
    from oauthreg._registration import ClientRegistration

UNAUTHORIZED = 401

_ERROR = r'\berror\s*=\s*"?'
_NOT_THE_TOKEN = re.compile(
    rf"{_ERROR}(?:insufficient_scope|use_dpop_nonce|invalid_dpop_proof)\b", re.IGNORECASE
)
_NONCE_WANTED = re.compile(rf"\bDPoP\b.*{_ERROR}use_dpop_nonce\b", re.IGNORECASE | re.DOTALL)


def refuses_token(status: int, challenge: str) -> bool:
    """Whether an answer says that the token is no good (RFC 6750 section 3, RFC 9449 section 7.1).

    Args:
        status: The HTTP status.
        challenge: The `WWW-Authenticate` header. `insufficient_scope` is no refusal of the
            token: a new one would have the same scopes. Neither is `use_dpop_nonce` nor
            `invalid_dpop_proof`: those are about what came with it.
    """
    return status == UNAUTHORIZED and not _NOT_THE_TOKEN.search(challenge)


def demands_nonce(status: int, challenge: str) -> bool:
    """Whether an answer asks for a proof with its nonce (RFC 9449 section 9)."""
    return status == UNAUTHORIZED and bool(_NONCE_WANTED.search(challenge))


def may_send_token(registration: ClientRegistration, url: str, first_url: str) -> bool:
    """Whether the token of a registration may be sent to an address.

    With `urls`, to every address on the list. Without, to the origin of `first_url` only, by https
    or to loopback: another host, port or scheme, as after a redirect, gets no token.

    Raises:
        UrlNotAllowedError: it is not listed, or it is plain http.
    """
    origin = _origin(registration, url)
    if registration.urls:
        if any(parse_pattern(pattern).matches(url) for pattern in registration.urls):
            return True
        raise _refusal(registration, str(origin), ", ".join(registration.urls))
    if url != first_url and origin != _origin(registration, first_url):
        return False
    if origin.may_see_tokens:
        return True
    raise _refusal(registration, str(origin), "https, and plain http to loopback")


def _origin(registration: ClientRegistration, url: str) -> Origin:
    try:
        return origin_of(url)
    except ValueError:
        allowed = ", ".join(registration.urls) or "https addresses"
        raise _refusal(registration, "what is no http address", allowed) from None


def _refusal(registration: ClientRegistration, where: str, allowed: str) -> UrlNotAllowedError:
    name = registration.registration_id
    return UrlNotAllowedError(
        f"its token may not go to {where}; allowed: {allowed}",
        registration_id=name,
        provider=registration.provider.name,
        endpoint=where,
        hint=f"If it should, add the address to registration.{name}.urls",
    )
