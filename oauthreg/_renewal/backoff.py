"""When not to ask: failures are waited out per token key, per client or per endpoint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from oauthreg._errors import (
    AuthorizationError,
    DiscoveryError,
    InvalidTokenResponseError,
    TokenEndpointError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TOO_MANY_REQUESTS = 429
PRUNE_FROM = 1024
FORGOTTEN_AFTER = 600.0


class Schedule(NamedTuple):
    """Seconds of the first interval and of the longest; each failure doubles it."""

    first: float
    longest: float

    def interval(self, failures: int, chance: float) -> float:
        """Return the wait after so many failures, drawn from the interval's upper half."""
        interval = min(self.first * 2.0 ** min(failures - 1, 30), self.longest)
        return interval * (0.5 + 0.5 * chance)


SPREAD = 0.1
LONGEST_SPREAD = 30.0
"""What is added to a server's own wait, so that a fleet does not come back at one moment."""

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
        refused: The credentials that were refused, where that was the failure.
    """

    failures: int
    until: float
    server_until: float
    error: AuthorizationError
    refused: frozenset[object] = frozenset()


class Backoffs:
    """Every scope that is being waited out. Not locked: the engine's lock guards it."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._by_scope: dict[str, Backoff] = {}
        self._prune_at = PRUNE_FROM

    def refusal(self, scopes: Scopes, now: float, *, force: bool = False) -> Backoff | None:
        """Return what forbids a request now, if anything does; the longest wait of all."""

        def end(backoff: Backoff) -> float:
            return backoff.server_until if force else backoff.until

        known = [backoff for scope in scopes if (backoff := self._by_scope.get(scope)) is not None]
        return max((one for one in known if end(one) > now), key=end, default=None)

    def refused_credential(self, scopes: Scopes, now: float) -> Backoff | None:
        """Return the refusal of a credential, if nothing else forbids a request with another."""
        backoff = self._by_scope.get(scopes.client)
        if (
            backoff is None
            or not backoff.refused
            or not backoff.server_until <= now < backoff.until
        ):
            return None
        others = scopes._replace(client=scopes.key)
        return backoff if self.refusal(others, now) is None else None

    def claim(self, scopes: Scopes, until: float) -> None:
        """Let one probe out: the others of its scopes wait until its deadline, or its answer."""
        for scope in scopes:
            backoff = self._by_scope.get(scope)
            if backoff is not None:
                backoff.until = until

    def release(self, scopes: Scopes, now: float) -> None:
        """Let the next probe out: the last one ended without a word about these scopes."""
        for scope in scopes:
            backoff = self._by_scope.get(scope)
            if backoff is not None:
                backoff.until = min(backoff.until, max(now, backoff.server_until))

    def failed(
        self,
        scopes: Scopes,
        error: AuthorizationError,
        now: float,
        refused: Iterable[object] = (),
    ) -> float:
        """Note a failure, and the credentials it refused; return the seconds until the next try."""
        scope_of = _scope(scopes, error)
        last = self._by_scope.pop(scope_of, None)
        self.release(scopes, now)
        if scope_of != scopes.endpoint and _is_answer(error):
            self._by_scope.pop(scopes.endpoint, None)
        failures = 1 if last is None else last.failures + 1
        server_wait = error.retry_after or 0.0
        chance = self._random()
        spread = chance * min(SPREAD * server_wait, LONGEST_SPREAD)
        wait = max(_schedule(error).interval(failures, chance), server_wait + spread)
        backoff = Backoff(failures, now + wait, now + server_wait, error)
        if scope_of == scopes.client:
            backoff = replace(backoff, refused=frozenset(refused))
        self._note(scope_of, backoff, now)
        return wait

    def follow(self, scopes: Scopes, error: AuthorizationError, now: float) -> float:
        """Wait as long as the failed flight that this one depended on; no longer each time."""
        self.release(scopes, now)
        wait = error.retry_after or 0.0
        self._note(scopes.key, Backoff(1, now + wait, now, error), now)
        return wait

    def succeeded(self, scopes: Iterable[str]) -> None:
        """Forget what was waited out in these scopes."""
        for scope in scopes:
            self._by_scope.pop(scope, None)

    def clear(self) -> None:
        """Forget everything: the configuration changed."""
        self._by_scope.clear()

    def _note(self, scope: str, backoff: Backoff, now: float) -> None:
        self._by_scope[scope] = backoff
        if len(self._by_scope) >= self._prune_at:
            forgotten = now - FORGOTTEN_AFTER
            kept = {name: one for name, one in self._by_scope.items() if one.until > forgotten}
            self._by_scope = kept
            self._prune_at = max(PRUNE_FROM, 2 * len(kept))


def _scope(scopes: Scopes, error: AuthorizationError) -> str:
    if isinstance(error, TokenEndpointError) and error.credential_refused:
        return scopes.client
    throttled = isinstance(error, TokenEndpointError) and error.status == TOO_MANY_REQUESTS
    if throttled or error.retry_after is not None or isinstance(error, TransportError):
        return scopes.endpoint
    return scopes.key


def _is_answer(error: AuthorizationError) -> bool:
    """Whether the endpoint works, whatever it said."""
    return isinstance(error, TokenEndpointError | InvalidTokenResponseError)


def _schedule(error: AuthorizationError) -> Schedule:
    if isinstance(error, DiscoveryError):
        return DISCOVERY
    return TRANSIENT if error.retryable else PERMANENT
