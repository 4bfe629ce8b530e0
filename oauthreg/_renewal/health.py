"""Whether registrations get their tokens: the failures since the last success, for `health()`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from oauthreg._errors import (
    AuthorizationError,
    DiscoveryError,
    InvalidTokenResponseError,
    SecretUnavailableError,
    TokenEndpointError,
    TransportError,
)
from oauthreg._reports import Health

if TYPE_CHECKING:
    from oauthreg._renewal.cache_entry import CacheEntry
    from oauthreg._renewal.clocks import Instant

STORE = "token_store"
"""The store's key in `health()`; ids are spelled with `-`, so no registration is called so."""
COUNTS_FOR = 60.0
"""Seconds after its wait that a failure of other than a registration's own token counts."""
CLIENT_ERRORS = frozenset({"unauthorized_client", "unsupported_grant_type"})
"""Error codes that blame the client and not the user, besides a refused credential."""


READY = Health(state="ready", reason=None, since=None)


@dataclass(frozen=True, slots=True)
class Failing:
    """What a registration fails by since its last success.

    Attributes:
        error: The last failure.
        since: When the first one happened, in seconds since the epoch.
        own: Whether it is a failure of the registration's own token, and not of a user's, or of
            a call with options.
        until: Monotonic seconds until which it counts, if it is not.
    """

    error: AuthorizationError
    since: float
    own: bool
    until: float

    def health(self, *, valid: bool) -> Health:
        """Return the health of a registration that fails by this."""
        return unwell(self.error, self.since, "degraded" if valid else "down")


class HealthRecords:
    """By what registrations fail since their last success. Not locked: the engine's lock does."""

    def __init__(self) -> None:
        self._failing: dict[str, Failing] = {}

    def failing(self, registration_id: str, now: Instant) -> Failing | None:
        """Return by what a registration fails now."""
        failing = self._failing.get(registration_id)
        if failing is None or (not failing.own and now.monotonic >= failing.until):
            return None
        return failing

    def failed(self, entry: CacheEntry, error: AuthorizationError, now: Instant) -> None:
        """Note a failure for the registrations that use this entry."""
        counts = blames_client_or_endpoint(error)
        for name in entry.names:
            own, before = name in entry.owners, self.failing(name, now)
            if own or (counts and (before is None or not before.own)):
                since = before.since if before is not None else now.wall
                until = now.monotonic + (error.retry_after or 0.0) + COUNTS_FOR
                self._failing[name] = Failing(error.copy(), since, own, until)
            elif isinstance(error, TokenEndpointError) and before is not None and not before.own:
                del self._failing[name]  # client and endpoint work: it is this user's own failure

    def succeeded(self, entry: CacheEntry) -> None:
        """Note a success for the registrations that use this entry."""
        for name in entry.names:
            failing = self._failing.get(name)
            if failing is not None and (name in entry.owners or not failing.own):
                del self._failing[name]

    def forget(self, registration_ids: Iterable[str]) -> None:
        """Forget the failures of registrations that changed."""
        for name in registration_ids:
            self._failing.pop(name, None)


def unwell(
    error: AuthorizationError | str, since: float, state: Literal["degraded", "down"]
) -> Health:
    """Return a health that is not `ready`, by an error and when that began (epoch seconds)."""
    if isinstance(error, AuthorizationError):
        error = str(error.copy(registration_id=None, backing_off=False))
    return Health(state=state, reason=error, since=datetime.fromtimestamp(since, UTC))


def blames_client_or_endpoint(error: AuthorizationError) -> bool:
    """Whether a failure is the client's or the endpoint's, whoever the user is."""
    if isinstance(error, TokenEndpointError):
        status = error.status
        return (
            error.credential_refused
            or error.error in CLIENT_ERRORS
            or status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
            or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        )
    if isinstance(error, TransportError):
        return not error.local
    if isinstance(error, SecretUnavailableError):
        return error.retryable  # else the call lacks something, such as a subject token
    return isinstance(error, DiscoveryError | InvalidTokenResponseError)
