"""A store in the memory of one process: for tests and simulations, and never called shared."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from oauthreg._errors import StoreError
from oauthreg.stores._process import ProcessLock
from oauthreg.stores._protocol import Entry, Lease, Loaded, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PURGE_FROM = 1024


class MemoryStore:
    """Keeps everything in this process; after a fork each process has a copy of its own.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[Entry, float]] = {}
        self._leases: dict[str, tuple[str, float]] = {}
        self._purge_at = PURGE_FROM
        self._closed = False
        self._own_lock = ProcessLock()

    @property
    def _lock(self) -> ProcessLock:
        if self._closed:
            raise StoreError("the store is closed")
        return self._own_lock

    def load(self, names: Sequence[str], *, lease: str | None = None) -> Loaded:
        """Return what stands under these names."""
        with self._lock:
            now = self._clock()
            found = {name: entry for name in names if (entry := self._standing(name, now))}
            left = self._left(lease, now) if lease is not None else 0.0
        return Loaded(Reading(now), found, left)

    def take_lease(self, name: str, owner: str, seconds: float) -> Lease:
        """Take the lease of a name if nobody else has it."""
        with self._lock:
            now = self._clock()
            left = self._left(name, now)
            if left and self._leases[name][0] != owner:
                return Lease(taken=False, left=left, now=Reading(now), entry=None)
            self._leases[name] = (owner, now + seconds)
            self._purge_when_large(now)
            entry = self._standing(name, now)
        return Lease(taken=True, left=seconds, now=Reading(now), entry=entry)

    def give_back(self, name: str, owner: str) -> None:
        """Free the lease of a name, if this owner has it."""
        with self._lock:
            self._free(name, owner)

    def save(
        self,
        name: str,
        value: bytes,
        *,
        generation: int,
        ttl: float,
        after: int | None = None,
        owner: str | None = None,
    ) -> bool:
        """Write a value, if what stands allows it."""
        with self._lock:
            now = self._clock()
            standing = self._standing(name, now)
            number = standing.generation if standing else 0
            if number >= generation or after not in (None, number):
                return False
            self._entries[name] = (Entry(generation, value), now + ttl)
            if owner is not None:
                self._free(name, owner)
            self._purge_when_large(now)
        return True

    def delete(self, name: str, *, generation: int) -> bool:
        """Remove what stands under a name if it has this generation."""
        with self._lock:
            standing = self._standing(name, self._clock())
            if standing is None or standing.generation != generation:
                return False
            del self._entries[name]
        return True

    def purge(self) -> int:
        """Remove what has ended."""
        with self._lock:
            return self._purge(self._clock())

    def close(self) -> None:
        """Forget everything."""
        self._closed = True
        self._entries.clear()
        self._leases.clear()

    def _standing(self, name: str, now: float) -> Entry | None:
        entry, end = self._entries.get(name, (None, 0.0))
        return entry if end > now else None

    def _free(self, name: str, owner: str) -> None:
        if self._leases.get(name, ("", 0.0))[0] == owner:
            del self._leases[name]

    def _left(self, name: str, now: float) -> float:
        _, end = self._leases.get(name, ("", 0.0))
        return max(0.0, end - now)

    def _purge_when_large(self, now: float) -> None:
        if len(self._entries) + len(self._leases) >= self._purge_at:
            self._purge(now)
            self._purge_at = max(PURGE_FROM, 2 * (len(self._entries) + len(self._leases)))

    def _purge(self, now: float) -> int:
        before = len(self._entries)
        self._entries = {name: kept for name, kept in self._entries.items() if kept[1] > now}
        self._leases = {name: kept for name, kept in self._leases.items() if kept[1] > now}
        return before - len(self._entries)
