"""Connections kept open between requests, the same way for every library."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from ssl import SSLContext

    from oauthreg._transports.proxy import Proxy

IDLE_SECONDS = 30.0
"""How long an idle connection is kept."""


class ConnectionKey(NamedTuple):
    """What two requests must have in common to share a connection.

    The TLS context stands for the trusted roots and the client certificate.
    """

    scheme: str
    host: str
    port: int
    proxy: Proxy | None
    context: SSLContext | None


class Closable(Protocol):
    """A connection."""

    def is_usable(self) -> bool:
        """Whether it is open, and has nothing to read that nobody asked for."""

    def close(self) -> None:
        """Close it, without waiting for the server."""


C = TypeVar("C", bound=Closable)


class _Entry(NamedTuple, Generic[C]):
    key: ConnectionKey
    connection: C
    since: tuple[float, float]


class IdleConnections(Generic[C]):
    """The idle connections of one process, or of one event loop.

    Args:
        limit: How many connections may be open, idle ones and those in use together.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: list[_Entry[C]] = []  # the longest idle first
        self._in_use = 0
        self._closed = False

    @contextmanager
    def one_in_use(self) -> Iterator[None]:
        """Count a request in progress, which has one connection."""
        with self._lock:
            self._in_use += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_use -= 1

    def take(self, key: ConnectionKey, within: float = IDLE_SECONDS) -> tuple[C, float] | None:
        """Return the usable connection that was idle for the shortest time, and that time.

        With None the caller opens a new one, for which room is made.

        Args:
            key: What it has to fit.
            within: How many seconds it may have been idle, less than these.
        """
        while True:
            now = read_clocks()
            with self._lock:
                found = self._pop_newest(key, now, within)
                surplus = self._pop_old(now, make_room=found is None)
            _close(surplus)
            if found is None:
                return None
            if found.connection.is_usable():
                return found.connection, _elapsed(found.since, now)
            found.connection.close()

    def give_back(self, key: ConnectionKey, connection: C) -> None:
        """Keep a connection for the next request."""
        now = read_clocks()
        with self._lock:
            closed = self._closed
            if not closed:
                self._entries.append(_Entry(key, connection, now))
            surplus = self._pop_old(now)
        _close(surplus)
        if closed:
            connection.close()

    def close_where(self, outdated: Callable[[ConnectionKey], bool]) -> None:
        """Close every idle connection with such a key."""
        with self._lock:
            surplus = [entry for entry in self._entries if outdated(entry.key)]
            self._entries = [entry for entry in self._entries if entry not in surplus]
        _close(surplus)

    def close(self) -> None:
        """Close every idle connection, and from now on each that is given back."""
        with self._lock:
            self._closed = True
            surplus, self._entries = self._entries, []
        _close(surplus)

    def _pop_newest(
        self, key: ConnectionKey, now: tuple[float, float], within: float
    ) -> _Entry[C] | None:
        for place in reversed(range(len(self._entries))):
            entry = self._entries[place]
            if entry.key == key and _elapsed(entry.since, now) < within:
                return self._entries.pop(place)
        return None

    def _pop_old(self, now: tuple[float, float], *, make_room: bool = False) -> list[_Entry[C]]:
        old = sum(_elapsed(entry.since, now) >= IDLE_SECONDS for entry in self._entries)
        if make_room:
            old = max(old, len(self._entries) + self._in_use - self._limit)
        surplus, self._entries = self._entries[:old], self._entries[old:]
        return surplus


def read_clocks() -> tuple[float, float]:
    """Return the monotonic and the wall clock: the first stands still while a machine sleeps."""
    return time.monotonic(), time.time()


def _elapsed(since: tuple[float, float], now: tuple[float, float]) -> float:
    return max(now[0] - since[0], now[1] - since[1])


def _close(entries: list[_Entry[C]]) -> None:
    for entry in entries:
        entry.connection.close()
