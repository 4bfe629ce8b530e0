"""What the hit path reads: finished clients in plain dicts, filled and cleared by the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from oauthreg._registration import AuthorizedClient

MOST_CALLS = 4096
NOT_KEPT = frozenset({"force", "min_ttl", "subject_token", "actor_token"})
"""Options whose calls always ask the engine."""

HotEntry = tuple["AuthorizedClient", float, float]
"""A client, and until when it is served, on the wall and on the monotonic clock.

A plain tuple, which the interpreter takes apart faster than a named one.
"""


class HotKey(NamedTuple):
    """Where one call's client may be kept, if nothing was cleared since the call began."""

    table: dict[Any, HotEntry]
    key: Hashable
    epoch: int

    def __repr__(self) -> str:
        return "HotKey()"  # its key may hold what its caller passed


class HotPath:
    """The tables of the hit path. Reading them takes no lock; the engine's lock guards writes.

    Attributes:
        by_id: Clients of calls without options, by registration id as the caller spells it.
        by_call: Clients of calls with options; bounded, the oldest entry makes room.
        off: Whether nothing is kept, so that every call can be reported as an event.
    """

    def __init__(self) -> None:
        self.by_id: dict[Any, HotEntry] = {}
        self.by_call: dict[Any, HotEntry] = {}
        self.off = False
        self._epoch = 0

    def key(self, registration_id: str, options: Mapping[str, Any]) -> HotKey | None:
        """Return where this call's client may be kept; None if it must not be."""
        if self.off:
            return None
        if not options:
            return HotKey(self.by_id, registration_id, self._epoch)
        if NOT_KEPT & options.keys():
            return None
        key = (registration_id, tuple(options.items()))
        try:
            hash(key)
        except TypeError:
            return None
        return HotKey(self.by_call, key, self._epoch)

    def publish(self, at: HotKey, entry: HotEntry) -> bool:
        """Keep an entry; False if the tables were cleared since its call began."""
        if at.epoch != self._epoch:
            return False
        table = at.table
        if table is self.by_call and len(table) >= MOST_CALLS and at.key not in table:
            table.pop(next(iter(table)), None)
        table[at.key] = entry
        return True

    def evict(self, at: HotKey) -> None:
        """Drop one entry."""
        at.table.pop(at.key, None)

    def clear(self, *, off: bool | None = None) -> None:
        """Drop everything; callers who have decided already can no longer fill the tables."""
        self._epoch += 1
        self.by_id.clear()
        self.by_call.clear()
        if off is not None:
            self.off = off
