"""The policy of every adapter: which addresses a token may go to, and which 401 refuses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from oauthreg.errors import UrlNotAllowedError
from oauthreg.urls import Origin, origin_of, parse_pattern

if TYPE_CHECKING:
    from oauthreg.registration import ClientRegistration

UNAUTHORIZED = 401

_INSUFFICIENT_SCOPE = re.compile(r'\berror\s*=\s*"?insufficient_scope\b', re.IGNORECASE)


def refuses_token(status: int, challenge: str) -> bool:
    """Whether an answer says that the token is no good (RFC 6750 section 3).

    Args:
        status: The HTTP status.
        challenge: The `WWW-Authenticate` header. `insufficient_scope` is no refusal of the
            token: a new one would have the same scopes.
    """
    return status == UNAUTHORIZED and not _INSUFFICIENT_SCOPE.search(challenge)


def may_carry(registration: ClientRegistration, url: str, home: str) -> bool:
    """Whether the token of a registration goes along on a way from `home` to this address.

    With `urls`, wherever it is listed. Without, no further than the origin it set out for, which
    has to be https or loopback: another host, port or scheme, as after a redirect, gets no token.

    Raises:
        UrlNotAllowedError: it is not listed, or it is plain http.
    """
    origin = _origin(registration, url)
    if registration.urls:
        if any(parse_pattern(pattern).matches(url) for pattern in registration.urls):
            return True
        raise _refusal(registration, str(origin), ", ".join(registration.urls))
    if origin != _origin(registration, home):
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
