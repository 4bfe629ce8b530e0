"""The renewal engine: decides who is served, who waits, and which request is made.

One lock guards the slots and the backoffs. It is held for a decision, never over I/O, and never
on the hit path, which reads a table that the engine fills and clears.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from oauthreg._errors import (
    AuthorizationError,
    ManagerClosedError,
    TimedOutError,
)
from oauthreg._renewal.memory import Memory, token_of
from oauthreg._renewal.slots import Flight, Held
from oauthreg._tokens import LONGEST_WINDOW_SHARE
from oauthreg.events import BackingOff, Failed, Fetched, LifeTooShort, Rejected, Renewed, tell

if TYPE_CHECKING:
    from oauthreg._registration import AuthorizedClient
    from oauthreg._renewal.backoff import Backoff
    from oauthreg._renewal.clocks import Clocks, Instant
    from oauthreg._renewal.slots import Order, Slot, Spot
    from oauthreg.events import Event, Listener

LOOK_EVERY = 1.0


class Ruling(NamedTuple):
    """What the engine decided for one caller.

    Attributes:
        held: What is at hand now; None means to wait for the flight.
        flight: The flight under way, if the caller must start it or wait for it.
        start: Whether the caller must start it.
        client: What the caller hands out, where it differs from the value itself.
        waited: Whether the caller had to wait for it.
    """

    held: Held | None
    flight: Flight | None = None
    start: bool = False
    client: Any = None
    waited: bool = False


class Engine(Memory):
    """Freshness, single flight and backoff for every key of one manager.

    Args:
        clocks: Time and chance.
        listener: Told of every event.
    """

    def __init__(self, clocks: Clocks, listener: Listener | None = None) -> None:
        super().__init__(clocks)
        self.listener = listener
        self._closed = False

    def decide(
        self, order: Order, *, spot: Spot | None = None, min_ttl: float = 0.0, force: bool = False
    ) -> Ruling:
        """Decide for one caller.

        Args:
            order: What the caller needs.
            spot: Where to keep what is served, for the hit path.
            min_ttl: Seconds of life, by the server's expiry, that the caller needs at least.
            force: Whether the caller wants a new token whatever is at hand.

        Raises:
            AuthorizationError: an earlier failure is being waited out and nothing is at hand.
            ManagerClosedError: the manager is closed.
        """
        now = self.clocks.now()
        events: list[Event] = []
        try:
            with self._lock:
                return self._decide(order, now, events, spot=spot, min_ttl=min_ttl, force=force)
        finally:
            for event in events:
                tell(event, self.listener)

    def _decide(
        self,
        order: Order,
        now: Instant,
        events: list[Event],
        *,
        spot: Spot | None,
        min_ttl: float,
        force: bool,
    ) -> Ruling:
        if self._closed:
            raise ManagerClosedError
        slot = self._slot(order)
        held = slot.held
        if held is not None and held.older_than(held.expired_after, now):
            held = slot.held = None
        flight = self._under_way(slot, now, events)
        if held is not None and not force and self._good(order, slot, now, min_ttl, events):
            start = flight is None and held.older_than(held.stale_after, now)
            start = start and self._ready(order, slot, now)
            if start:
                flight = self._take_off(order, slot, now, waited=False)
            client = order.client(held)
            if spot is not None and client is not None:
                self._warm(order, slot, client, spot, now)
            return Ruling(held, flight, start, client)
        if flight is not None:
            flight.waited = True
            return Ruling(None, flight)
        refusal = self._backoffs.refusal(order.scopes, now.monotonic, force=force)
        if refusal is not None and self._look(order, slot, now) is None:
            wait = (refusal.server_until if force else refusal.until) - now.monotonic
            error = refusal.error.copy(
                registration_id=order.name,
                provider=order.provider,
                backing_off=True,
                retry_after=wait,
            )
            events.append(BackingOff(registration_id=order.name, error=error, retry_after=wait))
            raise error
        return Ruling(None, self._take_off(order, slot, now, waited=True), start=True)

    def land(self, flight: Flight, held: Held) -> None:
        """Settle a flight with what it brought."""
        now = self.clocks.now()
        with self._lock:
            slot = self._slots.get(flight.order.key)
            if flight.outcome.done() or slot is None or slot.flight is not flight:
                return
            renewed = slot.held is not None and not flight.waited
            slot.held = held
            slot.refresh_token = held.refresh_token
            slot.flight = None
            slot.cool()
            self._backoffs.succeeded(flight.order.scopes)
            flight.settle(held)
        kind = Renewed if renewed else Fetched
        seconds = now.monotonic - flight.launched.monotonic
        name = flight.order.name
        tell(
            kind(registration_id=name, seconds=seconds, lifetime=held.lifetime),
            self.listener,
        )

    def fail(self, flight: Flight, error: AuthorizationError) -> None:
        """Settle a flight with its failure; a valid value at hand stays."""
        now = self.clocks.now()
        with self._lock:
            event = self._failed(flight, error, now)
        if event is not None:
            tell(event, self.listener)

    def abandon(self, flight: Flight) -> None:
        """Give up a flight that nobody carries any more: those who wait decide anew."""
        now = self.clocks.now()
        with self._lock:
            slot = self._slots.get(flight.order.key)
            if slot is not None and slot.flight is flight:
                slot.flight = None
                self._backoffs.release(flight.order.scopes, now.monotonic)
            flight.settle(None)

    def overdue(self, flight: Flight) -> None:
        """Settle a flight whose deadline passed; its late answer is dropped."""
        self.fail(flight, too_late(flight))

    def reject(self, registration_id: str, token_value: str) -> None:
        """Mark a token as refused by an API, if it is still the one at hand."""
        digest = hashlib.sha256(token_value.encode()).hexdigest()
        now = self.clocks.now()
        events: list[Event] = []
        with self._lock:
            for slot in self._slots.values():
                held = slot.held
                if held is None or registration_id not in slot.names:
                    continue
                if token_of(held.value) != token_value:
                    continue
                strikes = slot.reject(digest, now.monotonic, self.clocks.random)
                if strikes is not None and held.renew_from is not None:
                    events.append(
                        Rejected(
                            registration_id=registration_id,
                            strikes=strikes,
                            retry_after=held.renew_from - now.monotonic,
                            audience=slot.audience,
                            scopes=held.value.scopes,
                        )
                    )
        for event in events:
            tell(event, self.listener)

    def changed(self) -> None:
        """Forget every backoff: the configuration changed."""
        with self._lock:
            self._backoffs.clear()
            for slot in self._slots.values():
                slot.look_from = float("-inf")
                if slot.flight is not None:
                    slot.flight.outdated = True

    def close(self) -> None:
        """Decide no more, and wake whoever waits."""
        with self._lock:
            self._closed = True
            for slot in self._slots.values():
                slot.cool()
                if slot.flight is not None:
                    slot.flight.settle(None)
            self._slots.clear()

    def reset_after_fork(self) -> None:
        """Start anew in a forked child: tokens stay, flights were the parent's."""
        self._lock = threading.RLock()
        now = self.clocks.now()
        for slot in self._slots.values():
            if slot.flight is not None:
                self._backoffs.release(slot.flight.order.scopes, now.monotonic)
                slot.flight = None

    def _good(
        self, order: Order, slot: Slot, now: Instant, min_ttl: float, events: list[Event]
    ) -> bool:
        held = slot.held
        if held is None:
            return False
        if held.renew_from is not None and now.monotonic >= held.renew_from:
            return False
        if not min_ttl:
            return True
        if min_ttl <= held.lifetime:
            return held.left(now) >= min(min_ttl, LONGEST_WINDOW_SHARE * held.lifetime)
        if not slot.warned:
            slot.warned = True
            events.append(
                LifeTooShort(registration_id=order.name, min_ttl=min_ttl, lifetime=held.lifetime)
            )
        return not held.older_than(held.stale_after, now)  # more is not to be had

    def _under_way(self, slot: Slot, now: Instant, events: list[Event]) -> Flight | None:
        flight = slot.flight
        if flight is None or not flight.over(now):
            return flight
        if now.monotonic >= flight.deadline:
            event = self._failed(flight, too_late(flight), now)
            events.extend([event] if event is not None else [])
        else:  # its event loop stopped: those who wait decide anew
            self._backoffs.release(flight.order.scopes, now.monotonic)
            flight.settle(None)
        slot.flight = None
        return None

    def _failed(self, flight: Flight, error: AuthorizationError, now: Instant) -> Event | None:
        order = flight.order
        slot = self._slots.get(order.key)
        if flight.outcome.done() or slot is None or slot.flight is not flight:
            return None
        slot.flight = None
        slot.cool()
        wait = self._noted(flight, error, now)
        if error is flight.remembered:
            failure = error.copy(retry_after=wait)
            flight.settle(failure)
            return BackingOff(registration_id=order.name, error=failure, retry_after=wait)
        held = slot.held
        alive = held is not None and not held.older_than(held.expired_after, now)
        left = held.left(now) / held.lifetime if held is not None and alive else None
        failure = error.copy(
            registration_id=order.name, provider=order.provider, retry_after=wait, backing_off=False
        )
        flight.settle(failure)
        return Failed(registration_id=order.name, error=failure, retry_after=wait, life_left=left)

    def _noted(self, flight: Flight, error: AuthorizationError, now: Instant) -> float:
        """Note a failure where it belongs; return the seconds until the next try."""
        scopes = flight.order.scopes
        if error is flight.remembered:
            refusal = self._backoffs.refusal(scopes, now.monotonic)
            return refusal.until - now.monotonic if refusal is not None else 0.0
        if flight.outdated:
            return error.retry_after or 0.0
        if error.registration_id not in (None, flight.order.name):  # another flight's
            return self._backoffs.follow(scopes, error, now.monotonic)
        return self._backoffs.failed(scopes, error, now.monotonic, flight.refused)

    def _ready(self, order: Order, slot: Slot, now: Instant) -> bool:
        """Whether a request may be made now, or a look whether a refused credential changed."""
        if self._backoffs.refusal(order.scopes, now.monotonic) is None:
            return True
        return self._look(order, slot, now) is not None

    def _look(self, order: Order, slot: Slot, now: Instant) -> Backoff | None:
        """Return the refusal of a credential that may have changed since, once a second."""
        if not order.has_local_credential or now.monotonic < slot.look_from:
            return None
        return self._backoffs.refused_credential(order.scopes, now.monotonic)

    def _take_off(self, order: Order, slot: Slot, now: Instant, *, waited: bool) -> Flight:
        flight = slot.flight = Flight(order, now, waited=waited)
        refusal = self._look(order, slot, now)
        if refusal is None:
            self._backoffs.claim(order.scopes, flight.deadline)
        else:
            slot.look_from = now.monotonic + LOOK_EVERY
            flight.refused = set(refusal.refused)
            flight.remembered = refusal.error.copy(
                registration_id=order.name, provider=order.provider, backing_off=True
            )
        return flight

    def _warm(
        self, order: Order, slot: Slot, client: AuthorizedClient, spot: Spot, now: Instant
    ) -> None:
        """Put a served client on the hit path, until the engine must be asked again."""
        held = slot.held
        if held is None:
            return
        stale = held.older_than(held.stale_after, now)
        age = held.expired_after if stale else held.stale_after
        monotonic = held.started.monotonic + age
        if stale:  # until the renewal is given up, or may be tried again
            refusal = self._backoffs.refusal(order.scopes, now.monotonic)
            again = refusal.until if refusal is not None else now.monotonic
            if order.has_local_credential:
                again = min(again, max(slot.look_from, now.monotonic))
            landing = slot.flight.deadline if slot.flight is not None else now.monotonic
            monotonic = min(monotonic, max(again, landing))
        if held.renew_from is not None:
            monotonic = min(monotonic, held.renew_from)
        slot.warm(spot, (client, held.started.wall + age, monotonic))


def too_late(flight: Flight) -> TimedOutError:
    """Return the failure of a flight whose deadline passed."""
    return TimedOutError(f"no answer within {flight.order.http.total_timeout:g} s")
