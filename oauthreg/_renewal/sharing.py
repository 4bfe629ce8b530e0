"""Flights whose token is shared: look into the store, else fetch under a lease, and save.

Whatever the store does wrong is a miss, and the flight goes on as without a store; except that a
refresh token that was ever in the store is sent under the lease only.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Protocol

from oauthreg._errors import AuthorizationError, SecretUnavailableError, TokenEndpointError
from oauthreg._flow import Pause
from oauthreg._renewal.fetches import labels
from oauthreg._renewal.refusals import NotShared
from oauthreg._renewal.shared_failures import SharedFailures
from oauthreg._renewal.shared_login import SharedLogin, new_id
from oauthreg._renewal.shared_tokens import SharedTokens
from oauthreg._renewal.store_looks import StoreLooks
from oauthreg._renewal.store_rules import LeaseWait, lease_seconds
from oauthreg.events import StoreMissed

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._flow import Granted
    from oauthreg._renewal.cache_entry import CachedValue
    from oauthreg._renewal.engine import Engine
    from oauthreg._renewal.engine_state import EngineState
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.flight import Enter, Flight, Procedure
    from oauthreg._renewal.refusals import SharedRefusals
    from oauthreg._renewal.store_access import StoreAccess
    from oauthreg._renewal.store_looks import Look, Place
    from oauthreg._renewal.token_records import TokenRecords
    from oauthreg._shared.shared_store import Taken, View
    from oauthreg.events import Event

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
MOST_WAITS = 1024
MOST_OVERTAKEN = 3
"""How often marks are saved anew, if another process saves at the same moment."""


class Landing(Protocol):
    """How a flight's grant becomes its cached value."""

    def cached(self, flight: Flight, granted: Granted) -> tuple[CachedValue, tuple[Event, ...]]:
        """Return the cached value, and the events that it causes."""

    def land(self, flight: Flight, landed: tuple[CachedValue, tuple[Event, ...]]) -> None:
        """Settle the flight with it."""


class Sharing:
    """How the flights of one manager use its store.

    Args:
        access: The store.
        state: Cache, clocks and limits.
        engine: Settles flights.
        records: Keeps refresh tokens.
        key_of: Gives the token key of a fetch, made with this fingerprint key.
    """

    def __init__(
        self,
        access: StoreAccess,
        state: EngineState,
        engine: Engine,
        records: TokenRecords,
        key_of: Callable[[TokenFetch, bytes], str],
    ) -> None:
        self.access = access
        self._state = state
        self._engine = engine
        self._tokens = SharedTokens(access, state)
        self.logins = SharedLogin(access, state, records)
        self._failures = SharedFailures(access, state)
        self._waits: dict[str, LeaseWait] = {}
        self._looks = StoreLooks(access, state, self.logins, self._failures, key_of)

    def fly(
        self,
        flight: Flight,
        slot: Enter,
        request: Callable[[], Procedure[Granted]],
        landing: Landing,
    ) -> Procedure[None]:
        """Settle a flight from the store, or by a request under the lease.

        Args:
            flight: The flight.
            slot: Its request slot.
            request: Makes its token request.
            landing: Turns what was granted into a cached value, and lands it.

        Raises:
            AuthorizationError: the request failed, or may not be made.
        """
        fetch: TokenFetch = flight.fetch
        until = self.access.budget()
        needed = flight.waited and self.logins.needs_store(fetch)
        available = self.access.available(needed=needed)
        look = (yield from self._looks.look(fetch, until)) if available else None
        pause = FIRST_PAUSE
        while look is not None:
            place, view = look
            if (yield from self._settled(flight, place, view, until)):
                return
            if flight.only_looks:
                break
            lease_left = view.lease_left
            if lease_left <= 0:
                yield slot
                self._engine.begin(flight)
                lease = yield from self._take_lease(fetch, place)
                if lease is None:
                    break
                if lease.taken:
                    self._waits.pop(lease.name, None)
                    yield from self._under_lease(flight, look, lease, request, landing)
                    return
                lease_left = lease.left
                self._state.limits.leave(flight, [slot.name])
                self._engine.queue_again(flight)
            if self._waits_in_vain(fetch, place, lease_left):
                break
            if not flight.waited:
                self._engine.postpone(flight, lease_left)
                return
            self._check_queue(flight)
            yield Pause(self._drawn(min(pause, max(lease_left, FIRST_PAUSE))))
            pause, until = min(2 * pause, LONGEST_PAUSE), self.access.budget()
            look = yield from self._looks.load(fetch, place, until)
        yield from self._alone(flight, slot, request, landing)

    def keep_login(self, fetch: TokenFetch, cached: CachedValue) -> Procedure[None]:
        """Save a new login, and its access token."""
        look = yield from self._looks.look(fetch, self.access.budget())
        if look is None:
            return
        place, view = look
        if place.login is None:
            return
        login = new_id()
        yield from self.logins.log_in(fetch, place.login, cached.refresh_token, login)
        yield from self._tokens.save(fetch, place, view, cached, login=login)

    def load_tokens(self, fetch: TokenFetch) -> Procedure[None]:
        """Take over the access token and the login that stand in the store.

        Raises:
            SecretUnavailableError: the store failed.
        """
        look = yield from self._looks.look(fetch, self.access.budget())
        if look is None:
            raise self.access.unavailable()
        place, view = look
        if place.login is not None:
            self.logins.take_over(fetch, place.login, view)
        self._tokens.take_over(fetch, place, view)

    def end_tokens(self, fetch: TokenFetch) -> Procedure[None]:
        """Have no process use the login any more, nor the access token that was dropped here.

        Raises:
            SecretUnavailableError: the store failed.
        """
        look = yield from self._looks.look(fetch, self.access.budget())
        if look is None:
            raise self.access.unavailable()
        login = look.place.login
        ended = login is None or (yield from self.logins.log_in(fetch, login, None, ""))
        if not ended or not (yield from self.save_marks(fetch, self.access.budget())):
            raise self.access.unavailable()

    def failures_of(self, fetch: TokenFetch) -> Procedure[SharedRefusals]:
        """Return the credentials that other processes were refused with.

        Raises:
            TokenEndpointError: the endpoint asked everybody to wait.
        """
        look = yield from self._looks.look(fetch, self.access.budget())
        if look is None:
            return NotShared()
        self._failures.check_wait(look.place.wait, look.view)
        return self._refusals(fetch, look.place, look.view)

    def save_marks(self, fetch: TokenFetch, until: float) -> Procedure[bool]:
        """Save which tokens of a key must not be used; False if that failed."""
        for _ in range(MOST_OVERTAKEN):
            look = yield from self._looks.look(fetch, until)
            if look is None:
                return False
            place, view = look
            yield from self._tokens.mark(fetch, place, view, until)
            if not self._tokens.unsaved(fetch):
                return True
        return False

    def _alone(
        self,
        flight: Flight,
        slot: Enter,
        request: Callable[[], Procedure[Granted]],
        landing: Landing,
    ) -> Procedure[None]:
        """Fetch as without a store: it failed, cannot be used now, or was only looked into."""
        if flight.only_looks and flight.prior_failure is not None:
            raise flight.prior_failure
        self.logins.refuse_without_store(flight.fetch)
        yield slot
        if not flight.begun:
            self._engine.begin(flight)
        granted = yield from request()
        landing.land(flight, landing.cached(flight, granted))

    def _under_lease(
        self,
        flight: Flight,
        look: Look,
        lease: Taken,
        request: Callable[[], Procedure[Granted]],
        landing: Landing,
    ) -> Procedure[None]:
        """Fetch while this process has the lease, save what was fetched, and give it back.

        A flight that is abandoned in between keeps its lease to the lease's end.
        """
        fetch, place = flight.fetch, look.place
        flight.deadline = self._state.clocks.monotonic() + flight.allowed
        try:
            view = yield from self._looks.under_lease(fetch, look, lease)
            flight.refusals = self._refusals(fetch, place, view)
            if view is not None and (
                yield from self._settled(flight, place, view, self.access.budget())
            ):
                yield from self._give_back(fetch, lease)
                return
            if place.login is not None:
                granted = yield from self.logins.renew(flight, place.login, view, request)
            else:
                granted = yield from request()
            cached, events = landing.cached(flight, granted)
        except AuthorizationError as error:
            if isinstance(error, TokenEndpointError):
                yield from self._failures.note_wait(fetch, place.wait, error)
            yield from self._give_back(fetch, lease)
            raise
        flight.deadline += 2 * self.access.timeout  # the token is here: saving it takes a moment
        owner = lease.owner if lease.name == place.token else None
        saved = view is not None and (
            yield from self._tokens.save(
                fetch, place, view, cached, login=self.logins.id_of(fetch), owner=owner
            )
        )
        if not (saved and owner) and not self.logins.is_unsaved(fetch):
            yield from self._give_back(fetch, lease)
        landing.land(flight, (cached, events))

    def _take_lease(self, fetch: TokenFetch, place: Place) -> Procedure[Taken | None]:
        store, seconds = self.access.store, lease_seconds(fetch.http.total_timeout)
        owner = uuid.uuid4().hex
        return (
            yield from self.access.call(
                fetch,
                "lease",
                lambda: store.take_lease(place.lease, owner, seconds),
                self.access.budget(),
            )
        )

    def _give_back(self, fetch: TokenFetch, lease: Taken) -> Procedure[None]:
        store = self.access.store
        yield from self.access.call(
            fetch, "lease", lambda: store.give_back(lease.name, lease.owner), self.access.budget()
        )

    def _refusals(self, fetch: TokenFetch, place: Place, view: View | None) -> SharedRefusals:
        known = {place.refused: view} if view is not None and place.refused is not None else {}
        return self._failures.refusals(fetch, place.names, known)

    def _settled(self, flight: Flight, place: Place, view: View, until: float) -> Procedure[bool]:
        """Whether the store has what the flight is for, or forbids its request."""
        view = yield from self._tokens.mark(flight.fetch, place, view, until)
        cached = self._tokens.usable(flight, place, view)
        if cached is None and flight.waited:  # then it is renewed behind that
            cached = self._tokens.valid(flight, place, view)
        if cached is not None:
            self._engine.land(flight, cached, loaded=True)
            return True
        if not flight.only_looks:
            self._failures.check_wait(place.wait, view)
        return False

    def _check_queue(self, flight: Flight) -> None:
        if self._state.clocks.monotonic() >= flight.deadline:
            raise _taken_for_too_long()

    def _waits_in_vain(self, fetch: TokenFetch, place: Place, lease_left: float) -> bool:
        """Whether a lease is of no use; a refresh token is not sent without it.

        Raises:
            SecretUnavailableError: a refresh token would be sent.
        """
        if len(self._waits) >= MOST_WAITS:
            self._waits.clear()
        longest = lease_seconds(fetch.http.total_timeout)
        wait = self._waits.setdefault(place.lease, LeaseWait())
        if not wait.is_vain(self._state.clocks.monotonic(), lease_left, longest):
            return False
        reason = "its lease is taken for longer than a request lasts"
        self._state.publish(StoreMissed(reason=reason, **labels(fetch)))
        if place.login is not None:
            raise _taken_for_too_long()
        return True

    def _drawn(self, seconds: float) -> float:
        return seconds * (0.5 + 0.5 * self._state.clocks.random())


def _taken_for_too_long() -> SecretUnavailableError:
    return SecretUnavailableError(
        "another process holds the lease of this token, and does not save one",
        hint="Is it frozen? Its lease ends by itself.",
    )
