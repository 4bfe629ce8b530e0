"""Whether a flight may be started now, and what it may do.

While an earlier failure forbids a request, a flight may still look into the store: another process
may have a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg._renewal.fetches import labels
from oauthreg._renewal.flight import Flight
from oauthreg.events import BackingOff, FlightStarted

if TYPE_CHECKING:
    from oauthreg._renewal.backoff import Backoff
    from oauthreg._renewal.cache_entry import CacheEntry
    from oauthreg._renewal.clocks import Instant
    from oauthreg._renewal.engine_state import Effects, EngineState
    from oauthreg._renewal.fetches import Fetch

CREDENTIAL_RECHECK = 1.0
"""Seconds between two looks whether a refused credential has changed."""


class FlightStarts:
    """How flights begin. Called with the engine's lock.

    Args:
        state: Cache and backoffs.
    """

    def __init__(self, state: EngineState) -> None:
        self._state = state

    def renewal_due(self, fetch: Fetch, entry: CacheEntry, now: Instant) -> bool:
        """Whether a renewal is started behind the cached value now."""
        cached = entry.cached
        if cached is None or not cached.older_than(cached.stale_after, now):
            return False
        if now.monotonic < entry.renew_after:
            return False
        if self._state.backoffs.refusal(fetch.failure_scopes, now.monotonic) is None:
            return True
        return self._recheck(fetch, entry, now) is not None or self._may_look(fetch, entry, now)

    def refuse(
        self, fetch: Fetch, entry: CacheEntry, now: Instant, effects: Effects, *, force: bool
    ) -> None:
        """Raise the earlier failure that forbids a request now, if there is one."""
        refusal = self._state.backoffs.refusal(
            fetch.failure_scopes, now.monotonic, needed=True, force=force
        )
        if refusal is None or self._recheck(fetch, entry, now) is not None:
            return
        if self._may_look(fetch, entry, now):
            return
        wait = refusal.until - now.monotonic
        error = refusal.backoff.error.copy(
            registration_id=fetch.name,
            provider=fetch.provider,
            backing_off=True,
            retry_after=wait,
        )
        self._state.cache.health.failed(entry, error, now)
        effects.events.append(BackingOff(error=error, retry_after=wait, **labels(fetch)))
        raise error.copy()  # listeners have the other one, and keep no frame alive by it

    def start(
        self,
        fetch: Fetch,
        entry: CacheEntry,
        now: Instant,
        effects: Effects,
        *,
        waited: bool,
        force: bool = False,
    ) -> Flight:
        """Return a new flight, the entry's own from now on."""
        scopes = fetch.failure_scopes
        flight = entry.flight = Flight(fetch, now, waited=waited)
        flight.retries = not self._state.backoffs.known(scopes)
        backoff = self._recheck(fetch, entry, now)
        if backoff is not None:
            entry.recheck_at = now.monotonic + CREDENTIAL_RECHECK
            flight.refused = set(backoff.refused)
        elif refusal := self._state.backoffs.refusal(
            scopes, now.monotonic, needed=waited, force=force
        ):
            flight.only_looks, backoff = True, refusal.backoff
            entry.looked(now.monotonic, self._state.clocks.random())
        else:
            self._state.backoffs.claim(scopes, now.monotonic + flight.allowed)
        if backoff is not None:
            flight.prior_failure = backoff.error.copy(
                registration_id=fetch.name, provider=fetch.provider, backing_off=True
            )
        effects.events.append(FlightStarted(waited=waited, **labels(fetch, flight)))
        return flight

    def _recheck(self, fetch: Fetch, entry: CacheEntry, now: Instant) -> Backoff | None:
        """Return the refusal of a local credential that may have changed, once a second."""
        if not fetch.has_local_credential or now.monotonic < entry.recheck_at:
            return None
        return self._state.backoffs.refused_credential(fetch.failure_scopes, now.monotonic)

    def _may_look(self, fetch: Fetch, entry: CacheEntry, now: Instant) -> bool:
        """Whether to look for another process's token, though no request may be made."""
        return now.monotonic >= entry.look_at and self._state.may_look(fetch)
