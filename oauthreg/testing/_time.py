"""Time that passes for managers in a test, without waiting."""

from __future__ import annotations

from typing import Any

from oauthreg._manager.core import Core, open_cores
from oauthreg._renewal.clocks import Clocks


def pass_for_managers(seconds: float) -> None:
    """Move the clocks of every manager of this process on."""
    for core in open_cores():
        _move(core, seconds)


def _move(core: Core, seconds: float) -> None:
    old = core.clocks
    clocks = Clocks(
        wall=lambda: old.wall() + seconds,
        monotonic=lambda: old.monotonic() + seconds,
        random=old.random,
    )
    core.clocks = core.state.clocks = clocks
    facades: dict[str, Any] = core._facades  # noqa: SLF001 - tests alone move time
    for facade in facades.values():
        facade._wall, facade._monotonic = clocks.wall, clocks.monotonic  # noqa: SLF001 - likewise
    sharing = core.flights.sharing
    if sharing is not None:
        sharing.access._clocks = clocks  # noqa: SLF001 - likewise
