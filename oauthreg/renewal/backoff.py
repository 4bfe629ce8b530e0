"""When not to ask: failures are waited out per token key, per client or per endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from oauthreg.errors import (
    AuthorizationError,
    DiscoveryError,
    TokenEndpointError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TOO_MANY_REQUESTS = 429


class Schedule(NamedTuple):
    """Seconds of the first interval and of the longest; each failure doubles it."""

    first: float
    longest: float

    def interval(self, failures: int, chance: float) -> float:
        """Return the wait after so many failures, drawn from the interval's upper half."""
        interval = min(self.first * 2.0 ** min(failures - 1, 30), self.longest)
        return interval * (0.5 + 0.5 * chance)


TRANSIENT = Schedule(1.0, 60.0)
PERMANENT = Schedule(30.0, 300.0)
DISCOVERY = Schedule(5.0, 300.0)
REJECTION = Schedule(1.0, 60.0)


class Scopes(NamedTuple):
    """Whom a failure concerns, from the narrowest to the widest."""

    key: str
    client: str
    endpoint: str


@dataclass(slots=True)
class Backoff:
    """One scope that is being waited out.

    Attributes:
        failures: How many in a row.
        until: Monotonic seconds of the next try.
        server_until: The same, as far as the server asked for it: `force` does not skip it.
        error: The last failure.
    """

    failures: int
    until: float
    server_until: float
    error: AuthorizationError


class Backoffs:
    """Every scope that is being waited out. Not locked: the engine's lock guards it."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._by_scope: dict[str, Backoff] = {}

    def refusal(self, scopes: Scopes, now: float, *, force: bool = False) -> Backoff | None:
        """Return what forbids a request now, if anything does; the longest wait of all."""
        waiting = [
            backoff
            for scope in scopes
            if (backoff := self._by_scope.get(scope)) is not None
            and (backoff.server_until if force else backoff.until) > now
        ]
        return max(waiting, key=lambda backoff: backoff.until, default=None)

    def claim(self, scopes: Scopes, until: float) -> None:
        """Let one probe out: the others of its scopes wait until its deadline, or its answer."""
        for scope in scopes:
            backoff = self._by_scope.get(scope)
            if backoff is not None:
                backoff.until = until

    def failed(self, scopes: Scopes, error: AuthorizationError, now: float) -> float:
        """Note a failure; return the seconds until the next try."""
        scope_of = _scope(scopes, error)
        if scope_of != scopes.endpoint:  # it answered, whatever it said
            self._by_scope.pop(scopes.endpoint, None)
        for scope in {scopes.key, scopes.client} - {scope_of}:
            if scope in self._by_scope:
                self._by_scope[scope].until = now
        last = self._by_scope.get(scope_of)
        failures = 1 if last is None else last.failures + 1
        server_wait = error.retry_after or 0.0
        wait = max(_schedule(error).interval(failures, self._random()), server_wait)
        self._by_scope[scope_of] = Backoff(failures, now + wait, now + server_wait, error)
        return wait

    def follow(self, scopes: Scopes, error: AuthorizationError, now: float) -> float:
        """Wait as long as the failed flight that this one depended on; no longer each time."""
        wait = error.retry_after or 0.0
        self._by_scope[scopes.key] = Backoff(1, now + wait, now, error)
        return wait

    def succeeded(self, scopes: Iterable[str]) -> None:
        """Forget what was waited out in these scopes."""
        for scope in scopes:
            self._by_scope.pop(scope, None)

    def clear(self) -> None:
        """Forget everything: the configuration changed."""
        self._by_scope.clear()


def _scope(scopes: Scopes, error: AuthorizationError) -> str:
    if isinstance(error, TokenEndpointError) and error.error == "invalid_client":
        return scopes.client
    throttled = isinstance(error, TokenEndpointError) and error.status == TOO_MANY_REQUESTS
    if throttled or error.retry_after is not None or isinstance(error, TransportError):
        return scopes.endpoint
    return scopes.key


def _schedule(error: AuthorizationError) -> Schedule:
    if isinstance(error, DiscoveryError):
        return DISCOVERY
    return TRANSIENT if error.retryable else PERMANENT
