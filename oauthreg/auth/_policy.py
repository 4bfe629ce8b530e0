"""The policy of every adapter: where a token may be sent, and what a 401 asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from oauthreg._addresses import is_loopback, origin_of
from oauthreg._errors import UrlNotAllowedError
from oauthreg._urls import permits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthreg._registration import AuthorizedClient, ClientRegistration

UNAUTHORIZED = 401
LONGEST_CHALLENGE = 4096  # characters of a WWW-Authenticate header that are looked at

_ERROR = r'\berror\s*=\s*"?'
_NOT_THE_TOKEN = re.compile(
    rf"{_ERROR}(?:insufficient_scope|use_dpop_nonce|invalid_dpop_proof)\b", re.IGNORECASE
)
_NONCE_WANTED = re.compile(rf"{_ERROR}use_dpop_nonce\b", re.IGNORECASE)
_DPOP_SCHEME = re.compile(r"\bDPoP\b", re.IGNORECASE)


def refuses_token(status: int, challenge: str) -> bool:
    """Whether an answer says that the token is no good (RFC 6750 section 3, RFC 9449 section 7.1).

    Args:
        status: The HTTP status.
        challenge: The `WWW-Authenticate` header. `insufficient_scope` is no refusal of the
            token: a new one would have the same scopes. Neither is `use_dpop_nonce` nor
            `invalid_dpop_proof`: those are about what came with it.
    """
    return status == UNAUTHORIZED and not _NOT_THE_TOKEN.search(challenge, 0, LONGEST_CHALLENGE)


def demands_nonce(status: int, challenge: str) -> bool:
    """Whether an answer asks for a proof with its nonce (RFC 9449 section 9)."""
    if status != UNAUTHORIZED:
        return False
    demands = [match.start() for match in _NONCE_WANTED.finditer(challenge, 0, LONGEST_CHALLENGE)]
    return bool(demands) and _DPOP_SCHEME.search(challenge, 0, demands[-1]) is not None


def may_send_token(
    registration: ClientRegistration,
    url: str,
    first_url: str,
    urls: tuple[str, ...] | None = None,
) -> bool:
    """Whether the token of a registration may be sent to an address.

    With `urls`, to every address on the list. Without, to the origin of `first_url` only, by https
    or to loopback: another host, port or scheme, as after a redirect, gets no token.

    Args:
        registration: Whose token it is.
        url: The address.
        first_url: The address that was asked first.
        urls: The list that counts: a client's may follow from its API. Default: its registration's.

    Raises:
        UrlNotAllowedError: it is not listed, or it is plain http.
    """
    urls = registration.urls if urls is None else urls
    try:
        origin = origin_of(url)
        if not urls and url != first_url and origin != origin_of(first_url):
            return False
    except ValueError:
        where, allowed = "what is no http address", ", ".join(urls) or "https addresses"
        raise refusal(registration, f"{where}; allowed: {allowed}", where) from None
    if permits(urls, url) if urls else origin.may_see_tokens:
        return True
    allowed = ", ".join(urls) or "https, and plain http to loopback"
    raise refusal(registration, f"{origin}; allowed: {allowed}", origin)


def absolute(url: str, client: AuthorizedClient) -> str:
    """Return an address below that of the client's API.

    Args:
        url: What the caller asked for: a path, with its query.
        client: Its `api_uri` is the base; without one the path stays as it is.
    """
    base = client.api_uri
    return url if base is None else f"{base.rstrip('/')}/{url.lstrip('/')}"


def is_plain_loopback(url: str) -> bool:
    """Whether a token for this address goes to loopback in the clear.

    On its way there it must meet no proxy, which would read it, and `localhost` must be loopback.
    """
    if url.startswith("https:"):  # nearly always
        return False
    try:
        origin = origin_of(url)
    except ValueError:
        return False
    return origin.scheme == "http" and origin.is_loopback


def check_addresses(registration: ClientRegistration, url: str, found: Iterable[Any]) -> None:
    """Check the IP addresses that plain http to `localhost` connects to.

    Args:
        registration: Whose token is to be sent.
        url: The address that is asked.
        found: The addresses, as `localhost` was resolved or as a socket is connected.

    Raises:
        UrlNotAllowedError: one of them is not loopback.
    """
    elsewhere = [str(ip) for ip in found if not is_loopback(str(ip))]
    if elsewhere:
        origin = origin_of(url)
        reason = f"{origin}: here localhost is {elsewhere[0]}, which is not loopback"
        raise refusal(registration, reason, origin, "Ask 127.0.0.1, or correct the hosts file")


def proxied(registration: ClientRegistration, url: str) -> UrlNotAllowedError:
    """Return the error for plain http to loopback that would go through a proxy."""
    origin = origin_of(url)
    reason = f"{origin} through a proxy, which would see it in the clear"
    hint = f"Add {origin.host} to no_proxy, or use manager.session() or manager.client()"
    return refusal(registration, reason, origin, hint)


def refusal(
    registration: ClientRegistration, reason: str, origin: object, hint: str | None = None
) -> UrlNotAllowedError:
    """Return the error for an address that a token may not go to."""
    name = registration.registration_id
    return UrlNotAllowedError(
        f"its token may not go to {reason}",
        registration_id=name,
        provider=registration.provider.name,
        endpoint=str(origin),
        hint=hint or f"If it should, add the address to registration.{name}.urls",
    )
