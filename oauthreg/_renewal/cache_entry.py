"""A cache entry: what one process keeps for one key."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oauthreg._renewal.backoff import LOST_RENEWAL, REJECTION, Schedule
from oauthreg._secret_values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from oauthreg._renewal.clocks import Instant
    from oauthreg._renewal.flight import Flight
    from oauthreg._renewal.hot_path import HotEntry, HotKey, HotPath
    from oauthreg._reports import RegistrationStatus, TokenState

MOST_REJECTED = 8
MOST_HOT_KEYS = 4096
REJECTION_RESET = 300.0
LOOK = Schedule(0.5, 4.0, 4.0)
"""Between looks into the store while no request may be made."""
"""Seconds without a rejection after which a rejection counts as the first again."""


@dataclass(slots=True)
class CachedValue:
    """A token or an issuer's metadata, and its life on both clocks.

    Attributes:
        value: An access token, or metadata.
        started: When its request was started.
        lifetime: Seconds from then to the server's expiry.
        stale_after: Seconds from then until a renewal is due.
        expired_after: Seconds from then until it is no longer served.
        refresh_token: The refresh token that came with it.
        digest: Of the access token, by which a rejection finds it; None for metadata.
        renew_from: Monotonic seconds from which it must be renewed because an API rejected it.
    """

    value: Any = field(repr=False)
    started: Instant
    lifetime: float
    stale_after: float
    expired_after: float
    refresh_token: Any = field(default=None, repr=False)
    digest: str | None = field(default=None, repr=False)
    renew_from: float | None = None

    def older_than(self, seconds: float, now: Instant) -> bool:
        """Whether either clock says that this age is reached."""
        return (
            now.wall - self.started.wall >= seconds
            or now.monotonic - self.started.monotonic >= seconds
        )

    def left(self, now: Instant) -> float:
        """Return the seconds until the server's expiry, by the less favourable clock."""
        return self.lifetime - self.age(now)

    def valid_for(self, now: Instant) -> float:
        """Return the seconds for which it may still be served, by the less favourable clock."""
        return self.expired_after - self.age(now)

    def age(self, now: Instant) -> float:
        """Return the seconds since its request was started, by the less favourable clock."""
        return max(now.wall - self.started.wall, now.monotonic - self.started.monotonic)


class CacheEntry:
    """Everything known under one key. The engine's lock guards it.

    Attributes:
        key: The key.
        fetch: What the key is of, as it was last asked for.
        cached: The current value.
        flight: The fetch in progress.
        hot_keys: Where the hit path keeps clients of this value.
        names: The registrations that use this key.
        owners: Those of them whose own token it is: without a user, and without a call's options.
        audience: The audience that was asked for.
        warned: Whether a caller's min_ttl was already found to exceed the lifetime.
        recheck_at: Monotonic seconds from which a refused credential may be read again.
        unsaved_marks: Tokens that must not be used, which the store does not know of yet, and
            whether an API rejected them: else they were dropped.
        dropped_at: Monotonic seconds of the last `invalidate`: what was fetched before is not
            taken from the store.
        look_at: Monotonic seconds from which the store may be looked into, though no request may
            be made.
        renew_after: Monotonic seconds before which no renewal is started in the background,
            because earlier ones ended with their event loop.
    """

    __slots__ = (
        "_hot_keys_at",
        "_last_rejection",
        "_looks",
        "_lost_renewals",
        "_rejected",
        "_rejections",
        "audience",
        "cached",
        "dropped_at",
        "fetch",
        "flight",
        "hot_keys",
        "key",
        "look_at",
        "names",
        "owners",
        "recheck_at",
        "renew_after",
        "unsaved_marks",
        "warned",
    )

    def __init__(self, key: str) -> None:
        self.key = key
        self.fetch: Any = None
        self.cached: CachedValue | None = None
        self.flight: Flight | None = None
        self.hot_keys: dict[tuple[int, Hashable], HotKey] = {}
        self.names: set[str] = set()
        self.owners: set[str] = set()
        self.audience: str | None = None
        self.warned = False
        self.recheck_at = self.renew_after = self.dropped_at = self.look_at = float("-inf")
        self.unsaved_marks: deque[tuple[Secret, bool]] = deque(maxlen=MOST_REJECTED)
        self._rejected: deque[str] = deque(maxlen=MOST_REJECTED)
        self._hot_keys_at = MOST_HOT_KEYS
        self._rejections = self._lost_renewals = self._looks = 0
        self._last_rejection = float("-inf")

    def valid(self, now: Instant) -> CachedValue | None:
        """Return the cached value, if it has not expired."""
        cached = self.cached
        if cached is None or cached.older_than(cached.expired_after, now):
            return None
        return cached

    def served(self, now: Instant) -> bool:
        """Whether callers are given the cached value: it is neither expired nor rejected."""
        cached = self.valid(now)
        return cached is not None and (
            cached.renew_from is None or now.monotonic < cached.renew_from
        )

    def publish(self, hot: HotPath, at: HotKey, entry: HotEntry) -> None:
        """Put a client of this value on the hit path."""
        if not hot.publish(at, entry):
            return
        if len(self.hot_keys) >= self._hot_keys_at:
            kept = [one for one in self.hot_keys.values() if one.key in one.table]
            self.hot_keys = {(id(one.table), one.key): one for one in kept}
            self._hot_keys_at = max(MOST_HOT_KEYS, 2 * len(kept))
        self.hot_keys[id(at.table), at.key] = at

    def evict(self, hot: HotPath) -> None:
        """Take this value's clients off the hit path."""
        for at in self.hot_keys.values():
            hot.evict(at)
        self.hot_keys.clear()

    def looked(self, now: float, chance: float) -> None:
        """Note a look into the store; the next one is due later each time, until a token comes."""
        self._looks += 1
        self.look_at = now + LOOK.interval(self._looks, chance)

    def drop_value(self, now: float) -> None:
        """Note that the cached token, and any that was fetched before now, is not used again."""
        self.dropped_at = now
        token = getattr(self.cached.value, "token_value", None) if self.cached is not None else None
        if token is not None:
            self.unsaved_marks.append((Secret(token), False))

    def was_rejected(self, digest: str) -> bool:
        """Whether an API rejected the token with this digest."""
        return digest in self._rejected

    def reject(self, now: float, chance: Callable[[], float]) -> int | None:
        """Mark the cached token as rejected by an API; None if that value was rejected before.

        The first rejection renews at once. Each further fresh token that is rejected within five
        minutes waits longer: one second, doubling to a minute.

        Returns:
            How many fresh tokens in a row were rejected before this one.
        """
        cached = self.cached
        if cached is None or cached.digest is None or cached.digest in self._rejected:
            return None
        self._rejected.append(cached.digest)
        first = now - self._last_rejection > REJECTION_RESET
        self._rejections = 0 if first else self._rejections + 1
        self._last_rejection = now
        wait = REJECTION.interval(self._rejections, chance()) if self._rejections else 0.0
        cached.renew_from = now + wait
        return self._rejections

    def renewal_lost(self, now: float, chance: Callable[[], float]) -> None:
        """Space background renewals out: one ended with the event loop that carried it."""
        self._lost_renewals += 1
        self.renew_after = now + LOST_RENEWAL.interval(self._lost_renewals, chance())

    def renewed(self, cached: CachedValue) -> None:
        """Replace the cached value by a fetched one."""
        self.cached = cached
        self._lost_renewals = self._looks = 0
        self.renew_after = self.look_at = float("-inf")

    def state(self, now: Instant) -> RegistrationStatus:
        """Describe the entry for `status()`."""
        state: TokenState
        cached = self.valid(now)
        if cached is None:
            state = "none"
        elif cached.renew_from is not None:
            state = "rejected"
        else:
            state = "stale" if cached.older_than(cached.stale_after, now) else "fresh"
        return {
            "state": state,
            "seconds_left": cached.left(now) if cached is not None else None,
            "renewing": self.flight is not None and not self.flight.over(now),
            "error": None,
            "retry_after": None,
            "store": None,
        }
