"""Access tokens in the store: which of them a flight may use, and what is saved of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from oauthreg._renewal.backoff import REJECTION
from oauthreg._renewal.cache_entry import REJECTION_RESET, CachedValue
from oauthreg._renewal.clocks import Instant
from oauthreg._renewal.fetches import labels, token_digest
from oauthreg._shared.entries import AccessEntry, LoginEntry, Rejection, StoredToken
from oauthreg._shared.shared_store import MICROSECONDS, Stored, Unusable
from oauthreg._tokens import LONGEST_WINDOW_SHARE
from oauthreg.events import StoreMissed

if TYPE_CHECKING:
    from oauthreg._renewal.engine_state import EngineState
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.flight import Flight, Procedure
    from oauthreg._renewal.store_access import StoreAccess
    from oauthreg._renewal.store_looks import Place
    from oauthreg._secret_values import Secret
    from oauthreg._shared.names import Names
    from oauthreg._shared.shared_store import View

MARKED_FOR = 86_400.0
"""Seconds for which a rejection is kept whose token is not in the store any more."""


class SharedTokens:
    """The access tokens of one store.

    Args:
        access: The store.
        state: The cache, whose entries know what this process has rejected or dropped.
    """

    def __init__(self, access: StoreAccess, state: EngineState) -> None:
        self._access = access
        self._state = state

    def usable(self, flight: Flight, place: Place, view: View) -> CachedValue | None:
        """Return the stored token, if it is fresh and satisfies the flight's caller."""
        entry = self._of_login(flight.fetch, place, view)
        if entry is None or entry.token is None:
            return None
        cached = self._cached(flight.fetch, entry.token, view)
        if cached is None or not self._fits(flight, place.token, entry.token, cached, view):
            return None
        now = self._state.clocks.now()
        if self._is_dropped(flight.fetch, cached):
            return None
        if entry.is_rejected(place.names.fingerprint(entry.token.token_value)):
            left = entry.renew_at - view.clock.at_earliest(now.monotonic).time
            if left <= 0:
                return None
            cached.renew_from = now.monotonic + left  # every process serves it until then
            return cached
        return None if cached.older_than(cached.stale_after, now) else cached

    def valid(self, flight: Flight, place: Place, view: View) -> CachedValue | None:
        """Return the stored token if it is merely valid: another process renews it now."""
        entry = self._of_login(flight.fetch, place, view)
        if entry is None or entry.token is None:
            return None
        cached = self._cached(flight.fetch, entry.token, view)
        if cached is None or not self._fits(flight, place.token, entry.token, cached, view):
            return None
        rejected = entry.is_rejected(place.names.fingerprint(entry.token.token_value))
        return None if rejected or self._is_dropped(flight.fetch, cached) else cached

    def mark(self, fetch: TokenFetch, place: Place, view: View, until: float) -> Procedure[View]:
        """Save which tokens this process must not use; return the view with these marks."""
        marks, name, names = self.unsaved(fetch), place.token, place.names
        after = view.after(name)
        if not marks or after is None:
            return view
        entry = self._marked(self._entry(fetch, name, view) or AccessEntry(), marks, names, view)
        store = self._access.store
        saved = yield from self._access.call(
            fetch, "save", lambda: store.save(name, entry, after=after), until
        )
        if not saved:  # overtaken, or failed: the marks go with the next flight
            return view
        local = self._state.cache.entries.get(fetch.key)
        if local is not None:
            for mark in marks:
                if mark in local.unsaved_marks:
                    local.unsaved_marks.remove(mark)
        return replace(view, entries={**view.entries, name: Stored(entry, saved)})

    def take_over(self, fetch: TokenFetch, place: Place, view: View) -> None:
        """Put the token that stands in the store into this process's cache, if it has none."""
        entry = self._of_login(fetch, place, view)
        if entry is None or entry.token is None:
            return
        if entry.is_rejected(place.names.fingerprint(entry.token.token_value)):
            return
        cached, now = self._cached(fetch, entry.token, view), self._state.clocks.now()
        with self._state.locked():
            local = self._state.cache.entry(fetch, now)
            if cached is not None and local.valid(now) is None:
                self._state.cache.put(local, cached)

    def save(
        self,
        fetch: TokenFetch,
        place: Place,
        view: View,
        cached: CachedValue,
        *,
        login: str,
        owner: str | None = None,
    ) -> Procedure[bool]:
        """Save a token that this process fetched, and return whether that was done.

        Args:
            fetch: What was fetched.
            place: Where it stands in the store.
            view: What stands there.
            cached: The token.
            login: The id of the login that it is of, if of any.
            owner: Who gives the lease of its name back with it.
        """
        after = view.after(place.token)
        if after is None:  # written by a newer version, which is not overwritten
            return False
        start = view.clock.at_earliest(cached.started.monotonic)
        token = StoredToken.of(cached.value, start, login)
        entry = replace(self._entry(fetch, place.token, view) or AccessEntry(), token=token)
        store = self._access.store
        saved = yield from self._access.call(
            fetch,
            "save",
            lambda: store.save(place.token, entry, after=after, owner=owner),
            self._access.budget(),
        )
        return bool(saved)

    def _of_login(self, fetch: TokenFetch, place: Place, view: View) -> AccessEntry | None:
        """Return what stands of a token, unless its user has logged out or in anew since."""
        entry = self._entry(fetch, place.token, view)
        if entry is None or entry.token is None or place.login is None:
            return entry
        found = view.entries.get(place.login)
        login = found.content if isinstance(found, Stored) else None
        current = login.id if isinstance(login, LoginEntry) else ""
        return entry if entry.token.login == current else None

    def _entry(self, fetch: TokenFetch, name: str, view: View) -> AccessEntry | None:
        found = view.entries.get(name)
        if isinstance(found, Unusable):
            self._state.publish(StoreMissed(reason=found.reason, **labels(fetch)))
            return None
        content = found.content if found is not None else None
        return content if isinstance(content, AccessEntry) else None

    def _cached(self, fetch: TokenFetch, token: StoredToken, view: View) -> CachedValue | None:
        """Return a stored token with its life on this process's clocks, unless it has expired."""
        now = self._state.clocks.now()
        age = token.age(view.clock.at_latest(now.monotonic))
        registration = fetch.registration
        lifetime = min(token.lifetime, registration.max_lifetime or token.lifetime)
        if age is None or (token.token_type == "DPoP" and registration.prover is None):
            return None
        value = token.access_token(age, datetime.fromtimestamp(now.wall, UTC))
        spread = self._state.clocks.random()
        stale, expired = fetch.life_of(value, lifetime, spread=spread)
        cached = CachedValue(
            value,
            Instant(now.wall - age, now.monotonic - age),
            lifetime,
            stale,
            expired,
            digest=token_digest(token.token_value),
        )
        return None if age >= expired else cached

    def _fits(
        self, flight: Flight, name: str, token: StoredToken, cached: CachedValue, view: View
    ) -> bool:
        """Whether a token is new enough, and lives long enough, for the flight's caller."""
        local = self._state.cache.entries.get(flight.fetch.key)
        saved_at = (view.after(name) or 0) / MICROSECONDS
        if flight.force and saved_at < view.clock.at_latest(flight.launched.monotonic).time:
            return False
        if local is not None and local.dropped_at > float("-inf"):
            dropped = view.clock.at_latest(local.dropped_at).time
            if token.start.time < dropped:
                return False
        left = cached.left(self._state.clocks.now())
        needed = min(flight.min_ttl, LONGEST_WINDOW_SHARE * cached.lifetime)
        return flight.min_ttl > cached.lifetime or left >= needed

    def _is_dropped(self, fetch: TokenFetch, cached: CachedValue) -> bool:
        """Whether this process must not use a token, and the store does not know of it yet."""
        local = self._state.cache.entries.get(fetch.key)
        if local is None or not local.unsaved_marks:
            return False
        value = cached.value.token_value
        return any(token.get_secret_value() == value for token, _ in local.unsaved_marks)

    def unsaved(self, fetch: TokenFetch) -> list[tuple[Secret, bool]]:
        """Return the tokens that must not be used and of which the store does not know yet."""
        local = self._state.cache.entries.get(fetch.key)
        return list(local.unsaved_marks) if local is not None else []

    def _marked(
        self, entry: AccessEntry, marks: list[tuple[Secret, bool]], names: Names, view: View
    ) -> AccessEntry:
        """Return an entry with more tokens that must not be used, and the brake on rejections."""
        now = view.clock.at_latest(self._state.clocks.monotonic()).time
        end = entry.token.end if entry.token is not None else now + MARKED_FOR
        for token, by_api in marks:
            fingerprint = names.fingerprint(token.get_secret_value())
            if entry.is_rejected(fingerprint):
                continue
            entry = entry.with_rejections((Rejection(fingerprint, end),), now)
            if not by_api:
                entry = replace(entry, renew_at=0.0)
                continue
            first = now - entry.last_rejection > REJECTION_RESET
            count = 0 if first else entry.refused_in_a_row + 1
            renew_at = 0.0  # at once, however far the store's clock is off
            if count:
                renew_at = now + REJECTION.interval(count, self._state.clocks.random())
            entry = replace(entry, refused_in_a_row=count, last_rejection=now, renew_at=renew_at)
        return entry
