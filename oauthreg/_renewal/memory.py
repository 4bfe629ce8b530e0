"""What one manager remembers: a slot per key and the backoffs, under one lock."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from oauthreg._renewal.backoff import Backoffs
from oauthreg._renewal.slots import Slot
from oauthreg._secret_values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthreg._renewal.clocks import Clocks
    from oauthreg._renewal.slots import Held, Order
    from oauthreg._tokens import RefreshToken

PRUNE_FROM = 1024


class Memory:
    """The slots and backoffs of one manager.

    Args:
        clocks: Time and chance.
    """

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self._lock = threading.RLock()  # a signal handler may call in the middle of a decision
        self._slots: dict[str, Slot] = {}
        self._backoffs = Backoffs(clocks.random)
        self._prune_at = PRUNE_FROM

    def held(self, order: Order) -> Held | None:
        """Return what is at hand under a key, if it still lives."""
        now = self.clocks.now()
        with self._lock:
            slot = self._slots.get(order.key)
            return slot.living(now) if slot is not None else None

    def knows(self, order: Order) -> bool:
        """Whether somebody logged in under this key: there is a token, or one to renew it with."""
        refresh_token, _ = self.refresh_tokens(order)
        return self.held(order) is not None or refresh_token() is not None

    def refresh_tokens(self, order: Order) -> tuple[Callable[[], Secret | None], set[Secret]]:
        """Return what gives a key's refresh token, and the set of those that were refused."""
        with self._lock:
            slot = self._slot(order)

        def refresh_token() -> Secret | None:
            token = slot.refresh_token
            return Secret(token.token_value) if token is not None and slot.can_renew else None

        return refresh_token, slot.spent

    def keep(self, order: Order, held: Held) -> None:
        """Keep what a login brought; what was waited out before it is forgotten."""
        with self._lock:
            slot = self._slot(order)
            if slot.flight is not None:  # of the login before: it may not land over this one
                slot.flight.settle(held)
                slot.flight = None
            slot.held = held
            slot.refresh_token = held.refresh_token
            slot.cool()
            self._backoffs.succeeded(order.scopes)

    def keep_refresh_token(self, order: Order, token: RefreshToken) -> None:
        """Keep a rotated refresh token, whatever comes of the access token beside it."""
        with self._lock:
            self._slot(order).refresh_token = token

    def forget(self, registration_id: str | None = None) -> None:
        """Drop what is held for a registration, or for all; flights finish for those who wait."""
        with self._lock:
            for key, slot in list(self._slots.items()):
                if registration_id is None or registration_id in slot.names:
                    self._drop(key, slot)

    def disown(self, registration_id: str) -> None:
        """Drop what only this registration asked for: others that share a key keep it."""
        with self._lock:
            for key, slot in list(self._slots.items()):
                if registration_id in slot.names:
                    slot.names.discard(registration_id)
                    slot.cool()
                    if not slot.names:
                        self._drop(key, slot)

    def forget_token(self, token_value: str) -> None:
        """Drop a token wherever it is at hand, and the login that it is the refresh token of."""
        with self._lock:
            for slot in self._slots.values():
                if slot.held is not None and token_of(slot.held.value) == token_value:
                    slot.cool()
                    slot.held = None
                if slot.refresh_token is not None and token_of(slot.refresh_token) == token_value:
                    slot.refresh_token = None

    def state(self, order: Order) -> Mapping[str, Any]:
        """Describe one key for `status()`."""
        now = self.clocks.now()
        with self._lock:
            slot = self._slots.get(order.key) or Slot()
            refusal = self._backoffs.refusal(order.scopes, now.monotonic)
            return {
                **slot.state(now),
                "error": str(refusal.error) if refusal is not None else None,
                "retry_after": refusal.until - now.monotonic if refusal is not None else None,
            }

    def _slot(self, order: Order) -> Slot:
        slot = self._slots.get(order.key)
        if slot is None:
            if len(self._slots) >= self._prune_at:
                self._prune()
            slot = self._slots[order.key] = Slot()
        slot.names.add(order.name)
        slot.audience = order.audience
        return slot

    def _drop(self, key: str, slot: Slot) -> None:
        slot.cool()
        slot.held = slot.refresh_token = None
        if slot.flight is None:
            del self._slots[key]

    def _prune(self) -> None:
        now = self.clocks.now()
        for key, slot in list(self._slots.items()):
            if slot.living(now) is None and slot.flight is None and not slot.can_renew:
                del self._slots[key]
        self._prune_at = max(PRUNE_FROM, 2 * len(self._slots))


def token_of(value: object) -> str | None:
    """Return the token in a value that is one, such as an access token; metadata is none."""
    return getattr(value, "token_value", None)
