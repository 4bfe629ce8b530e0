"""Where the client of one call may be kept, so that the next call of its kind is a look-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from oauthreg._renewal.slots import Spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._renewal.orders import TokenOrder
    from oauthreg._renewal.slots import HotTable

NOT_KEPT = frozenset({"force", "min_ttl", "subject_token", "actor_token"})
CALLS_KEPT = 4096


class Call(NamedTuple):
    """One call of `authorize`, read: what is needed, and how long the caller waits."""

    order: TokenOrder
    spot: Spot | None
    min_ttl: float
    force: bool
    timeout: float


def spot_for(table: HotTable, registration_id: str, options: Mapping[str, Any]) -> Spot | None:
    """Return where the client of this call may be kept; None where the next call may differ."""
    if NOT_KEPT & options.keys():
        return None
    key = (registration_id, tuple(options.items()))
    try:
        hash(key)
    except TypeError:
        return None
    return Spot(table, key, CALLS_KEPT)
