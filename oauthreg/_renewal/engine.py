"""The renewal engine: decides who is served, who waits, and which request is made.

One lock guards cache and backoffs. It is held for a decision, never over I/O or a listener, and
never on the hit path, which reads tables that the engine fills and clears.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from oauthreg._errors import AuthorizationError, ManagerClosedError, TimedOutError
from oauthreg._renewal.backoff import FORGOTTEN_AFTER, concerns_server
from oauthreg._renewal.fetches import labels
from oauthreg._renewal.flight import FROZEN, LONGEST_QUEUE, Flight
from oauthreg._renewal.flight_starts import FlightStarts
from oauthreg._tokens import LONGEST_WINDOW_SHARE
from oauthreg.events import (
    BackingOff,
    Failed,
    Fetched,
    LifeTooShort,
    LoadedFromStore,
    Renewed,
)

if TYPE_CHECKING:
    from oauthreg._renewal.cache_entry import CachedValue, CacheEntry
    from oauthreg._renewal.clocks import Instant
    from oauthreg._renewal.engine_state import Effects, EngineState
    from oauthreg._renewal.fetches import Fetch
    from oauthreg._renewal.hot_path import HotKey
    from oauthreg.events import Event


SOONEST_RENEWAL = 0.5
POSTPONED_SHARE = 0.25
"""How long a renewal waits that another process makes: seconds at least, share of the life left at
most."""


class Decision(NamedTuple):
    """What the engine decided for one caller.

    Attributes:
        cached: What is served now; None means to wait for the flight.
        flight: The flight to start or to wait for.
        start: Whether the caller must start it.
        client: The authorized client to hand out; None for metadata.
        waited: Whether the caller had to wait.
    """

    cached: CachedValue | None
    flight: Flight | None = None
    start: bool = False
    client: Any = None
    waited: bool = False


class Engine:
    """Freshness, single flight and backoff for every key of one manager.

    Args:
        state: Cache and backoffs.
    """

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._starts = FlightStarts(state)

    def decide(
        self,
        fetch: Fetch,
        *,
        hot_key: HotKey | None = None,
        min_ttl: float = 0.0,
        force: bool = False,
    ) -> Decision:
        """Decide for one caller.

        Args:
            fetch: What the caller needs.
            hot_key: Where to keep what is served, for the hit path.
            min_ttl: Seconds of life, by the server's expiry, that the caller needs at least.
            force: Whether the caller wants a new token whatever is cached.

        Raises:
            AuthorizationError: there is no valid token, and an earlier failure forbids a request.
            ManagerClosedError: the manager is closed.
        """
        with self._state.locked() as effects:
            now = self._state.clocks.now()
            if self._state.closed:
                raise ManagerClosedError
            entry = self._state.cache.entry(fetch, now)
            if entry.cached is not None and entry.valid(now) is None:
                self._state.cache.clear(entry)
            cached, flight = entry.cached, self._in_progress(entry, now, effects)
            if cached is not None and not force and self._good(fetch, entry, now, min_ttl, effects):
                start = flight is None and self._starts.renewal_due(fetch, entry, now)
                if start:
                    flight = self._starts.start(fetch, entry, now, effects, waited=False)
                client = fetch.client(cached)
                if hot_key is not None and client is not None:
                    self._publish_hot(fetch, entry, client, hot_key, now)
                return Decision(cached, flight, start, client)
            if flight is not None:
                if not flight.waited:
                    flight.waited = True
                    self._state.limits.hurry(flight)
                return Decision(None, flight)
            self._starts.refuse(fetch, entry, now, effects, force=force)
            flight = self._starts.start(fetch, entry, now, effects, waited=True, force=force)
            flight.force, flight.min_ttl = force, min_ttl
            return Decision(None, flight, start=True)

    def begin(self, flight: Flight) -> None:
        """Note that a flight has its request slot: its deadline counts from now.

        Raises:
            AuthorizationError: another request failed meanwhile, and forbids this one.
        """
        now = self._state.clocks.now()
        flight.begun = True
        flight.deadline = now.monotonic + flight.allowed
        if flight.launched.monotonic == now.monotonic or flight.flow is not None:
            return
        with self._state.locked():
            refusal = self._state.backoffs.refusal(
                flight.fetch.failure_scopes, now.monotonic, needed=True
            )
            if refusal is None or refusal.backoff.failed_at < flight.launched.monotonic:
                return
            wait = refusal.until - now.monotonic
            flight.prior_failure = refusal.backoff.error.copy(
                registration_id=flight.fetch.name,
                provider=flight.fetch.provider,
                backing_off=True,
                retry_after=wait,
            )
        raise flight.prior_failure

    def queue_again(self, flight: Flight) -> None:
        """Note that a flight gave up its request slot: it waits for another process's fetch."""
        flight.begun = False
        flight.deadline = flight.launched.monotonic + LONGEST_QUEUE

    def postpone(self, flight: Flight, seconds: float) -> None:
        """End a renewal quietly: another process makes it.

        It is due again after these seconds, or a share of the token's remaining life if that is
        less: the other one may fail, and this one must not sleep until the token has expired.
        """
        with self._state.locked() as effects:
            now = self._state.clocks.now()
            effects.leave.append(flight)
            effects.settled.append((flight, None))
            entry = self._state.cache.entries.get(flight.fetch.key)
            if entry is not None and entry.flight is flight:
                entry.flight = None
                entry.evict(self._state.hot)
                left = entry.cached.valid_for(now) if entry.cached is not None else 0.0
                again = max(min(seconds, POSTPONED_SHARE * left), SOONEST_RENEWAL)
                entry.renew_after = now.monotonic + again
                self._state.backoffs.release(flight.fetch.failure_scopes, now.monotonic)

    def land(self, flight: Flight, cached: CachedValue, *, loaded: bool = False) -> None:
        """Settle a flight with what it fetched, or what it `loaded` from the store."""
        with self._state.locked() as effects:
            now = self._state.clocks.now()
            effects.leave.append(flight)
            entry = self._state.cache.entries.get(flight.fetch.key)
            if entry is None or entry.flight is not flight:
                effects.settled.append((flight, None))
                return
            flight.loaded = loaded
            renewed = entry.cached is not None and not flight.waited
            entry.flight = None
            entry.evict(self._state.hot)
            self._state.cache.put(entry, cached)
            if not entry.names:  # nobody asks for this key any more
                self._state.cache.drop(entry)
            backoffs, scopes = self._state.backoffs, flight.fetch.failure_scopes
            if loaded:
                backoffs.served_elsewhere(scopes, launched=cached.started.monotonic)
            else:
                backoffs.succeeded(scopes, now.monotonic, launched=flight.started.monotonic)
            effects.settled.append((flight, cached))
            seconds = now.monotonic - flight.launched.monotonic
            facts = labels(flight.fetch, flight)
            if loaded:
                event: Event = LoadedFromStore(seconds=seconds, life_left=cached.left(now), **facts)
            else:
                kind = Renewed if renewed else Fetched
                event = kind(seconds=seconds, lifetime=cached.lifetime, **facts)
            effects.events.append(event)

    def fail(self, flight: Flight, error: AuthorizationError) -> None:
        """Settle a flight with its failure; a valid cached value stays."""
        with self._state.locked() as effects:
            self._failed(flight, error, self._state.clocks.now(), effects)

    def abandon(self, flight: Flight) -> None:
        """Give up a flight that nothing carries any more: those who wait decide anew."""
        with self._state.locked() as effects:
            self._abandoned(flight, self._state.clocks.now(), effects)

    def overdue(self, flight: Flight) -> None:
        """Settle a flight whose deadline passed; its late answer is dropped."""
        with self._state.locked() as effects:
            self._overdue(flight, self._state.clocks.now(), effects)

    def may_retry(self, flight: Flight) -> bool:
        """Whether a flight may repeat a request that failed."""
        return flight.waited and flight.retries and not self.told_to_wait(flight)

    def told_to_wait(self, flight: Flight) -> bool:
        """Whether the server asked for no request of a flight's kind yet."""
        now, scopes = self._state.clocks.monotonic(), flight.fetch.failure_scopes
        with self._state.locked():
            return self._state.backoffs.told_to_wait(scopes, now)

    def _good(
        self, fetch: Fetch, entry: CacheEntry, now: Instant, min_ttl: float, effects: Effects
    ) -> bool:
        """Whether the cached value satisfies this caller."""
        cached = entry.cached
        if cached is None:
            return False
        if cached.renew_from is not None and now.monotonic >= cached.renew_from:
            return False
        if not min_ttl:
            return True
        if min_ttl <= cached.lifetime:
            return cached.left(now) >= min(min_ttl, LONGEST_WINDOW_SHARE * cached.lifetime)
        if not entry.warned:
            entry.warned = True
            effects.events.append(
                LifeTooShort(min_ttl=min_ttl, lifetime=cached.lifetime, **labels(fetch))
            )
        return not cached.older_than(cached.stale_after, now)  # there are no longer ones

    def _in_progress(self, entry: CacheEntry, now: Instant, effects: Effects) -> Flight | None:
        """Return the entry's flight, unless it is over."""
        flight = entry.flight
        if flight is None or not flight.over(now):
            return flight
        if now.monotonic >= flight.deadline:
            self._overdue(flight, now, effects)
        else:
            self._abandoned(flight, now, effects)
        entry.flight = None
        return None

    def _overdue(self, flight: Flight, now: Instant, effects: Effects) -> None:
        if flight.begun:
            self._failed(flight, too_late(flight), now, effects)
        else:  # it never had a request slot, which is no failure of the server
            self._abandoned(flight, now, effects)

    def _failed(
        self, flight: Flight, error: AuthorizationError, now: Instant, effects: Effects
    ) -> None:
        fetch, entry = flight.fetch, self._state.cache.entries.get(flight.fetch.key)
        effects.leave.append(flight)
        if entry is None or entry.flight is not flight:
            effects.settled.append((flight, None))
            return
        if now.monotonic > flight.deadline + FROZEN:  # this process stood still, not the server
            self._abandoned(flight, now, effects)
            return
        entry.flight = None
        entry.evict(self._state.hot)
        cached = entry.valid(now)
        if cached is None:
            self._state.cache.sweep_at(entry, now.monotonic + FORGOTTEN_AFTER)
        wait = self._note_failure(flight, error, now, needed=cached is None)
        if error is flight.prior_failure:
            failure = error.copy(retry_after=wait)
            event: Event = BackingOff(error=failure, retry_after=wait, **labels(fetch))
        else:
            names = {"registration_id": fetch.name, "provider": fetch.provider}
            failure = error.copy(**names, retry_after=wait or None, backing_off=False)
            left = cached.left(now) / cached.lifetime if cached is not None else None
            event = Failed(
                error=failure,
                retry_after=wait,
                life_left=left,
                raised=flight.waited,
                **labels(fetch, flight),
            )
        effects.settled.append((flight, failure))
        if not flight.outdated:
            self._state.cache.health.failed(entry, failure, now)
        if concerns_server(error):
            effects.events.append(event)

    def _note_failure(
        self, flight: Flight, error: AuthorizationError, now: Instant, *, needed: bool
    ) -> float:
        """Note a failure in the scope it concerns; return the seconds until the next try."""
        scopes = flight.fetch.failure_scopes
        if error is flight.prior_failure:
            refusal = self._state.backoffs.refusal(scopes, now.monotonic, needed=needed)
            return refusal.until - now.monotonic if refusal is not None else 0.0
        if flight.outdated or _ends_login(flight, error):
            return error.retry_after or 0.0
        if error.registration_id not in (None, flight.fetch.name):  # of a flight it depended on
            return self._state.backoffs.follow(scopes, error, now.monotonic)
        return self._state.backoffs.failed(
            scopes,
            error,
            now.monotonic,
            launched=flight.started.monotonic,
            needed=needed,
            refused=flight.refused,
        )

    def _abandoned(self, flight: Flight, now: Instant, effects: Effects) -> None:
        entry = self._state.cache.entries.get(flight.fetch.key)
        effects.leave.append(flight)
        if entry is not None and entry.flight is flight:
            entry.flight = None
            entry.evict(self._state.hot)
            if not flight.only_looks:
                self._state.backoffs.release(flight.fetch.failure_scopes, now.monotonic)
            if not flight.waited and entry.valid(now) is not None:
                entry.renewal_lost(now.monotonic, self._state.clocks.random)
        effects.settled.append((flight, None))

    def _publish_hot(
        self, fetch: Fetch, entry: CacheEntry, client: Any, hot_key: HotKey, now: Instant
    ) -> None:
        """Put a served client on the hit path, until the engine must be asked again."""
        cached = entry.cached
        if cached is None:
            return
        stale = cached.older_than(cached.stale_after, now)
        age = cached.expired_after if stale else cached.stale_after
        monotonic = cached.started.monotonic + age
        if stale:  # until the renewal is given up, or may be tried again
            refusal = self._state.backoffs.refusal(fetch.failure_scopes, now.monotonic)
            again = max(refusal.until if refusal is not None else now.monotonic, entry.renew_after)
            if fetch.has_local_credential:
                again = min(again, max(entry.recheck_at, now.monotonic))
            if self._state.may_look(fetch):
                again = min(again, max(entry.look_at, now.monotonic))
            landing = entry.flight.deadline if entry.flight is not None else now.monotonic
            monotonic = min(monotonic, max(again, landing))
        if cached.renew_from is not None:
            monotonic = min(monotonic, cached.renew_from)
        entry.publish(self._state.hot, hot_key, (client, cached.started.wall + age, monotonic))


def _ends_login(flight: Flight, error: AuthorizationError) -> bool:
    """Whether the refresh token was refused, so that the next flight asks for a login instead."""
    return flight.fetch.only_refreshes and getattr(error, "error", None) == "invalid_grant"


def too_late(flight: Flight) -> TimedOutError:
    """Return the failure of a flight whose deadline passed."""
    return TimedOutError(f"no answer within {flight.fetch.http.total_timeout:g} s")
