"""The tokens of one process: entries by key, refresh chains, and the indexes that find them."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from oauthreg._renewal.cache_entry import CacheEntry
from oauthreg._renewal.health import HealthRecords
from oauthreg._renewal.refresh_chain import RefreshChain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oauthreg._renewal.cache_entry import CachedValue
    from oauthreg._renewal.clocks import Instant
    from oauthreg._renewal.fetches import Fetch

MOST_SWEPT = 64
UNUSED_LOGIN = 90 * 86400.0
"""Seconds after its last use at which a login is dropped."""


class TokenCache:
    """Cache entries and refresh chains. Not locked: the engine's lock guards it.

    Attributes:
        entries: By key.
        chains: By name.
        health: By what registrations fail.
    """

    def __init__(self) -> None:
        self.entries: dict[str, CacheEntry] = {}
        self.chains: dict[str, RefreshChain] = {}
        self.health = HealthRecords()
        self._by_name: dict[str, set[str]] = {}
        self._by_digest: dict[str, set[str]] = {}
        self._ends: list[tuple[float, str]] = []
        self._chain_ends: list[tuple[float, str]] = []

    def entry(self, fetch: Fetch, now: Instant) -> CacheEntry:
        """Return a fetch's entry, made if there is none; some expired ones are dropped first."""
        if self._ends or self._chain_ends:
            self._sweep(now)
        entry = self.entries.get(fetch.key)
        if entry is None:
            entry = self.entries[fetch.key] = CacheEntry(fetch.key)
        if fetch.name not in entry.names:
            entry.names.add(fetch.name)
            self._by_name.setdefault(fetch.name, set()).add(fetch.key)
        if fetch.own:
            entry.owners.add(fetch.name)
        entry.audience, entry.fetch = fetch.audience, fetch
        return entry

    def chain(self, name: str, now: Instant) -> RefreshChain:
        """Return a refresh chain by its name; a new one is kept only by `keep_chain`."""
        chain = self.chains.get(name)
        if chain is None:
            return RefreshChain(now.wall)
        chain.last_used = now.wall
        return chain

    def keep_chain(self, name: str, chain: RefreshChain, now: Instant) -> None:
        """Keep a refresh chain until it was unused for 90 days."""
        chain.last_used = now.wall
        if name not in self.chains:
            heapq.heappush(self._chain_ends, (now.wall + UNUSED_LOGIN, name))
        self.chains[name] = chain

    def put(self, entry: CacheEntry, cached: CachedValue) -> None:
        """Replace an entry's value."""
        self._forget_digest(entry)
        entry.renewed(cached)
        self.health.succeeded(entry)
        if cached.digest is not None:
            self._by_digest.setdefault(cached.digest, set()).add(entry.key)
        self.sweep_at(entry, cached.started.monotonic + cached.expired_after)

    def sweep_at(self, entry: CacheEntry, monotonic: float) -> None:
        """Drop an entry some time after this moment, if it is then without a valid value."""
        heapq.heappush(self._ends, (monotonic, entry.key))

    def clear(self, entry: CacheEntry) -> None:
        """Drop an entry's value; its flight goes on for those who wait."""
        self._forget_digest(entry)
        entry.cached = None

    def drop(self, entry: CacheEntry) -> None:
        """Drop an entry's value, and the entry unless a flight needs it."""
        self.clear(entry)
        if entry.flight is None and self.entries.get(entry.key) is entry:
            del self.entries[entry.key]
            for name in entry.names:
                keys = self._by_name.get(name)
                if keys is not None:
                    keys.discard(entry.key)
                    if not keys:
                        del self._by_name[name]

    def of_registration(self, name: str) -> list[CacheEntry]:
        """Return the entries that a registration uses."""
        return [self.entries[key] for key in self._by_name.get(name, ())]

    def with_token(self, digest: str) -> list[CacheEntry]:
        """Return the entries whose cached token has this digest."""
        return [self.entries[key] for key in self._by_digest.get(digest, ())]

    def disown(self, names: Iterable[str]) -> Iterator[CacheEntry]:
        """Drop what only these registrations use; give every entry that one of them used."""
        names = tuple(names)
        self.health.forget(names)
        for name in names:
            for key in self._by_name.pop(name, ()):
                entry = self.entries[key]
                entry.names.discard(name)
                entry.owners.discard(name)
                yield entry
                if not entry.names:
                    self.drop(entry)

    def _forget_digest(self, entry: CacheEntry) -> None:
        cached = entry.cached
        if cached is None or cached.digest is None:
            return
        keys = self._by_digest.get(cached.digest)
        if keys is not None:
            keys.discard(entry.key)
            if not keys:
                del self._by_digest[cached.digest]

    def _sweep(self, now: Instant) -> None:
        """Drop expired entries and unused logins, a few at each call."""
        for _ in range(MOST_SWEPT):
            if not self._ends or self._ends[0][0] > now.monotonic:
                break
            _, key = heapq.heappop(self._ends)
            entry = self.entries.get(key)
            if entry is not None and entry.flight is None and entry.valid(now) is None:
                self.drop(entry)
        while self._chain_ends and self._chain_ends[0][0] <= now.wall:
            _, name = heapq.heappop(self._chain_ends)
            last_used = self.chains[name].last_used if name in self.chains else None
            if last_used is None:
                continue
            if last_used + UNUSED_LOGIN <= now.wall:
                del self.chains[name]
            else:
                heapq.heappush(self._chain_ends, (last_used + UNUSED_LOGIN, name))
