"""When not to ask: failures are waited out per token key, per client or per endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from oauthreg._errors import (
    AuthorizationError,
    CallbackError,
    DiscoveryError,
    InvalidTokenResponseError,
    LoginRequiredError,
    TokenEndpointError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TOO_MANY_REQUESTS = 429
PRUNE_FROM = 1024
FORGOTTEN_AFTER = 600.0
NEVER = float("-inf")


class Schedule(NamedTuple):
    """Seconds of the first interval and of the longest; each failure doubles it.

    `longest_needed` is the longest while callers have no valid token.
    """

    first: float
    longest: float
    longest_needed: float

    def interval(self, failures: int, chance: float, longest: float | None = None) -> float:
        """Return the wait after so many failures, drawn from the interval's upper half."""
        longest = self.longest if longest is None else longest
        interval = min(self.first * 2.0 ** min(failures - 1, 30), longest)
        return interval * (0.5 + 0.5 * chance)


SPREAD = 0.1
LONGEST_SPREAD = 30.0
"""What is added to a server's own wait, so that a fleet does not come back at one moment."""
RECOVERY_SPREAD = 5.0
"""Seconds over which an endpoint's other keys ask again after one was served."""

TRANSIENT = Schedule(1.0, 60.0, 15.0)
PERMANENT = Schedule(30.0, 300.0, 300.0)
DISCOVERY = Schedule(5.0, 300.0, 300.0)
REJECTION = Schedule(1.0, 60.0, 60.0)
LOST_RENEWAL = Schedule(2.0, 60.0, 60.0)


class FailureScopes(NamedTuple):
    """What a failure may concern, from the narrowest to the widest."""

    key: str
    client: str
    endpoint: str


@dataclass(slots=True)
class Backoff:
    """One scope in which no request is made for a while.

    Attributes:
        failures: How many in a row.
        failed_at: Monotonic seconds of the last failure.
        until: Monotonic seconds of the next try while callers are served.
        until_needed: The same while callers have no valid token.
        error: The last failure.
        server_until: Monotonic seconds of the server's own Retry-After, which `force` respects.
        promised_at: When the server said so.
        endpoint: The endpoint's scope, where a success there ends this wait.
        refused: The credentials that were refused, where that was the failure.
    """

    failures: int
    failed_at: float
    until: float
    until_needed: float
    error: AuthorizationError
    server_until: float = NEVER
    promised_at: float = NEVER
    endpoint: str | None = None
    refused: frozenset[object] = frozenset()

    def ends(self, *, needed: bool = False, force: bool = False) -> float:
        """Return when the next request may be made."""
        own = NEVER if force else self.until_needed if needed else self.until
        return max(own, self.server_until)


class Refusal(NamedTuple):
    """Why no request is made now, and until when (monotonic seconds)."""

    backoff: Backoff
    until: float


class Backoffs:
    """Every scope that is waited for. Not locked: the engine's lock guards it."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._by_scope: dict[str, Backoff] = {}
        self._transient: dict[str, set[str]] = {}
        self._prune_at = PRUNE_FROM

    def refusal(
        self, scopes: FailureScopes, now: float, *, needed: bool = False, force: bool = False
    ) -> Refusal | None:
        """Return what forbids a request now, if anything does; the longest wait of all."""
        found = [one for scope in scopes if (one := self._by_scope.get(scope)) is not None]
        refusals = [Refusal(one, one.ends(needed=needed, force=force)) for one in found]
        return max(
            (one for one in refusals if one.until > now), key=lambda one: one.until, default=None
        )

    def refused_credential(self, scopes: FailureScopes, now: float) -> Backoff | None:
        """Return the refusal of a credential, if nothing else forbids a request with another."""
        backoff = self._by_scope.get(scopes.client)
        if backoff is None or not backoff.refused or not backoff.server_until <= now:
            return None
        if now >= backoff.until:
            return None
        others = scopes._replace(client=scopes.key)
        return backoff if self.refusal(others, now) is None else None

    def known(self, scopes: FailureScopes) -> bool:
        """Whether anything failed in these scopes since their last success."""
        return bool(self._known(scopes))

    def told_to_wait(self, scopes: FailureScopes, now: float) -> bool:
        """Whether the server asked for no request yet."""
        return self.refusal(scopes, now, force=True) is not None

    def claim(self, scopes: FailureScopes, until: float) -> None:
        """Let one request test the scopes: others wait until its deadline, or its answer."""
        for backoff in self._known(scopes):
            backoff.until = backoff.until_needed = until

    def release(self, scopes: FailureScopes, now: float) -> None:
        """Let the next request test the scopes: the last one ended without any result."""
        for backoff in self._known(scopes):
            backoff.until = min(backoff.until, now)
            backoff.until_needed = min(backoff.until_needed, now)

    def failed(
        self,
        scopes: FailureScopes,
        error: AuthorizationError,
        now: float,
        *,
        launched: float,
        needed: bool = True,
        refused: Iterable[object] = (),
    ) -> float:
        """Note a failure; return the seconds until the next try.

        Args:
            scopes: What it may concern.
            error: The failure.
            now: Monotonic seconds.
            launched: When its request was sent, in monotonic seconds: an answer to a question
                asked before a Retry-After does not end it, and requests that fail together
                count as one failure.
            needed: Whether callers have no valid token.
            refused: The credentials that it refused.
        """
        if not concerns_server(error):
            self.release(scopes, now)
            return error.retry_after or 0.0
        scope = _scope(scopes, error)
        last = self._by_scope.get(scope)
        self.release(scopes, now)
        if is_answer(error):
            self._answered(scopes.endpoint, launched)
        told = error.backing_off and error.retry_after is not None  # by another process
        failures = 0 if told else 1
        if last is not None:
            failures = last.failures + (launched > last.failed_at and not told)
        backoff = self._backoff(scopes, scope, error, failures, now)
        if last is not None and (launched <= last.promised_at or not is_answer(error)):
            backoff.server_until = max(backoff.server_until, last.server_until)
            backoff.promised_at = max(backoff.promised_at, last.promised_at)
        if scope == scopes.client:
            backoff.refused = frozenset(refused)
        self._note(scope, backoff, now)
        return backoff.ends(needed=needed) - now

    def follow(self, scopes: FailureScopes, error: AuthorizationError, now: float) -> float:
        """Wait as long as the failed flight that this one depended on; no longer each time."""
        self.release(scopes, now)
        wait = error.retry_after or 0.0
        self._note(scopes.key, Backoff(1, now, now + wait, now + wait, error.copy()), now)
        return wait

    def succeeded(self, scopes: FailureScopes, now: float, *, launched: float) -> None:
        """End what a served token proves wrong; the endpoint's other keys may ask soon."""
        for scope in (scopes.key, scopes.client):
            if scope != scopes.endpoint:
                self._forget(scope)
        self._answered(scopes.endpoint, launched)
        for scope in self._transient.pop(scopes.endpoint, ()):
            backoff = self._by_scope.get(scope)
            if backoff is not None:
                soon = now + RECOVERY_SPREAD * self._random()
                backoff.until = min(backoff.until, soon)
                backoff.until_needed = min(backoff.until_needed, soon)

    def served_elsewhere(self, scopes: FailureScopes, *, launched: float) -> None:
        """End the waits after answers that a later request of another process proves wrong.

        A connection that failed stays failed: the other process may be on another network.
        """
        for scope in (scopes.key, scopes.endpoint):
            backoff = self._by_scope.get(scope)
            if backoff is not None and launched > backoff.failed_at and is_answer(backoff.error):
                self._forget(scope)

    def clear(self) -> None:
        """Forget everything: the configuration changed."""
        self._by_scope.clear()
        self._transient.clear()

    def _known(self, scopes: FailureScopes) -> list[Backoff]:
        return [one for scope in scopes if (one := self._by_scope.get(scope)) is not None]

    def _answered(self, endpoint: str, launched: float) -> None:
        """End the endpoint's wait, unless it was asked for after this request was sent."""
        backoff = self._by_scope.get(endpoint)
        if backoff is not None and launched > backoff.promised_at:
            self._forget(endpoint)

    def _backoff(
        self,
        scopes: FailureScopes,
        scope: str,
        error: AuthorizationError,
        failures: int,
        now: float,
    ) -> Backoff:
        schedule, chance = _schedule(error), self._random()
        server_wait = error.retry_after
        own = schedule.interval(failures, chance)
        needed = schedule.interval(failures, chance, schedule.longest_needed)
        if server_wait is not None:
            spread = chance * min(SPREAD * server_wait, LONGEST_SPREAD)
            own, needed = max(own, server_wait + spread), max(needed, server_wait + spread)
        transient = schedule is TRANSIENT and scope == scopes.key != scopes.endpoint
        return Backoff(
            failures,
            now,
            now + own,
            now + needed,
            error.copy(),
            server_until=NEVER if server_wait is None else now + server_wait,
            promised_at=NEVER if server_wait is None else now,
            endpoint=scopes.endpoint if transient else None,
        )

    def _note(self, scope: str, backoff: Backoff, now: float) -> None:
        self._forget(scope)
        self._by_scope[scope] = backoff
        if backoff.endpoint is not None:
            self._transient.setdefault(backoff.endpoint, set()).add(scope)
        if len(self._by_scope) >= self._prune_at:
            for old, one in list(self._by_scope.items()):
                if one.ends() <= now - FORGOTTEN_AFTER:
                    self._forget(old)
            self._prune_at = max(PRUNE_FROM, 2 * len(self._by_scope))

    def _forget(self, scope: str) -> None:
        backoff = self._by_scope.pop(scope, None)
        if backoff is None or backoff.endpoint is None:
            return
        siblings = self._transient.get(backoff.endpoint)
        if siblings is not None:
            siblings.discard(scope)
            if not siblings:
                del self._transient[backoff.endpoint]


def concerns_server(error: AuthorizationError) -> bool:
    """Whether a failure says anything about the server: a missing login or thread does not."""
    return not isinstance(error, LoginRequiredError | CallbackError) and not getattr(
        error, "local", False
    )


def is_answer(error: AuthorizationError) -> bool:
    """Whether the endpoint works, whatever it answered."""
    return isinstance(error, TokenEndpointError | InvalidTokenResponseError)


def _scope(scopes: FailureScopes, error: AuthorizationError) -> str:
    if isinstance(error, TokenEndpointError) and error.credential_refused:
        return scopes.client
    throttled = isinstance(error, TokenEndpointError) and error.status == TOO_MANY_REQUESTS
    if throttled or error.retry_after is not None or isinstance(error, TransportError):
        return scopes.endpoint
    return scopes.key


def _schedule(error: AuthorizationError) -> Schedule:
    if isinstance(error, DiscoveryError) and error.status is None:  # nothing is wrong for a moment
        return DISCOVERY
    return TRANSIENT if error.retryable else PERMANENT
