"""What the engine keeps, under its one lock, and what a decision causes once that is released."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oauthreg._errors import AuthorizationError
from oauthreg._renewal.backoff import Backoffs
from oauthreg._renewal.fetches import labels
from oauthreg._renewal.hot_path import HotPath
from oauthreg._renewal.limits import Limits
from oauthreg._renewal.token_cache import TokenCache
from oauthreg.events import FlightEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oauthreg._renewal.clocks import Clocks
    from oauthreg._renewal.fetches import Fetch
    from oauthreg._renewal.flight import Flight
    from oauthreg.events import Event


@dataclass(slots=True)
class Effects:
    """What a decision causes outside of the lock.

    Attributes:
        events: Are published.
        settled: Flights are settled with their outcomes.
        leave: Flights give up their places under the limits.
    """

    events: list[Event] = field(default_factory=list)
    settled: list[tuple[Flight, Any]] = field(default_factory=list)
    leave: list[Flight] = field(default_factory=list)


class EngineState:
    """Cache, backoffs and hot path of one manager, guarded by one lock.

    Args:
        clocks: Time and randomness.
        publish: Called with every event, without the lock.

    Attributes:
        publish: As above.
        closed: Whether the manager is closed.
        limits: Has a lock of its own.
        may_look: Whether a fetch's token may be in a store that is in use.
    """

    def __init__(self, clocks: Clocks, publish: Callable[[Event], None]) -> None:
        self.clocks = clocks
        self.hot = HotPath()
        self.limits = Limits()
        self.cache = TokenCache()
        self.backoffs = Backoffs(clocks.random)
        self.closed = False
        self.publish = publish
        self.may_look: Callable[[Fetch], bool] = lambda _fetch: False
        self._lock = threading.RLock()  # a signal handler may call in the middle of a decision

    @contextmanager
    def locked(self) -> Iterator[Effects]:
        """Hold the lock; what the decision caused happens after it is released."""
        effects = Effects()
        try:
            with self._lock:
                try:
                    yield effects
                finally:
                    ended = [settled for settled in effects.settled if settled[0].end()]
        finally:
            for flight, outcome in ended:
                self.publish(_ended(flight, outcome))
            for flight, outcome in effects.settled:
                flight.settle(outcome)
            for flight in effects.leave:
                self.limits.leave(flight)
            for event in effects.events:
                self.publish(event)

    def clear_hot_path(self, *, off: bool | None = None) -> None:
        """Empty the hit path: callers who have decided already cannot fill it again."""
        with self._lock:
            self.hot.clear(off=off)

    def close(self) -> None:
        """Decide no more, and wake whoever waits."""
        with self.locked() as effects:
            self.closed = True
            self.hot.clear(off=True)
            for entry in self.cache.entries.values():
                if entry.flight is not None:
                    effects.settled.append((entry.flight, None))
            self.cache = TokenCache()

    def configuration_changed(self) -> None:
        """Forget every backoff."""
        with self._lock:
            self.backoffs.clear()
            for entry in self.cache.entries.values():
                entry.recheck_at = float("-inf")
                if entry.flight is not None:
                    entry.flight.outdated = True

    def reset_after_fork(self) -> None:
        """Start anew in another process: tokens stay, flights and locks were the parent's."""
        self._lock = threading.RLock()
        self.limits = Limits()
        now = self.clocks.now()
        for entry in self.cache.entries.values():
            if entry.flight is not None:
                self.backoffs.release(entry.flight.fetch.failure_scopes, now.monotonic)
                entry.flight = None


def _ended(flight: Flight, outcome: Any) -> FlightEnded:
    facts = labels(flight.fetch, flight)
    if isinstance(outcome, AuthorizationError):
        return FlightEnded(outcome="failed", error=outcome.copy(), **facts)
    if outcome is None:
        return FlightEnded(outcome="abandoned", **facts)
    return FlightEnded(outcome="loaded" if flight.loaded else "fetched", **facts)
