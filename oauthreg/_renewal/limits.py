"""How many flights may do something at once: requests per endpoint, uses of one refresh token."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from oauthreg._renewal.flight import Flight

    Granted = Callable[[], object]


class _Limit:
    """The flights inside one limit, and those that wait for a place."""

    __slots__ = ("background", "inside", "waited")

    def __init__(self) -> None:
        self.inside: set[Flight] = set()
        self.waited: dict[Flight, Granted] = {}
        self.background: dict[Flight, Granted] = {}

    def next(self) -> Granted | None:
        """Move the next flight inside: first those for which a caller waits."""
        queue = self.waited or self.background
        if not queue:
            return None
        flight = next(iter(queue))
        self.inside.add(flight)
        return queue.pop(flight)

    def remove(self, flight: Flight) -> bool:
        """Remove a flight; True if that frees a place."""
        if flight in self.inside:
            self.inside.discard(flight)
            return True
        self.waited.pop(flight, None)
        self.background.pop(flight, None)
        return False


class Limits:
    """Every limit that is in use, by name. A limit without flights takes no memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: defaultdict[str, _Limit] = defaultdict(_Limit)

    def enter(self, name: str, most: int, flight: Flight, granted: Granted) -> bool:
        """Take a place, or queue for one.

        Args:
            name: The limit.
            most: How many flights may be inside at once.
            flight: Who enters.
            granted: Called later, in any thread, if there is no place now; it must not block.

        Returns:
            Whether the flight is inside now.
        """
        with self._lock:
            limit = self._limits[name]
            flight.limits.add(name)
            if flight in limit.inside:
                return True
            if len(limit.inside) < most:
                limit.inside.add(flight)
                return True
            (limit.waited if flight.waited else limit.background)[flight] = granted
            return False

    def hurry(self, flight: Flight) -> None:
        """Put a queued flight before those that nobody waits for: now a caller waits for it."""
        with self._lock:
            for name in flight.limits:
                limit = self._limits[name]
                granted = limit.background.pop(flight, None)
                if granted is not None:
                    limit.waited[flight] = granted

    def leave(self, flight: Flight, names: Iterable[str] | None = None) -> None:
        """Give up a flight's places, in all limits or in some, to those who wait for them."""
        due: list[Granted] = []
        with self._lock:
            for name in tuple(flight.limits if names is None else names):
                flight.limits.discard(name)
                limit = self._limits[name]
                if limit.remove(flight):
                    granted = limit.next()
                    if granted is not None:
                        due.append(granted)
                if not limit.inside and not limit.waited and not limit.background:
                    del self._limits[name]
        for granted in due:
            granted()
