"""The time and chance that the engine lives by: arguments, so that simulations drive it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Instant(NamedTuple):
    """One moment on both clocks, in seconds."""

    wall: float
    monotonic: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Where time and chance come from.

    Attributes:
        wall: Seconds since the epoch; jumps when the clock is set.
        monotonic: Seconds that only grow; may stand still while a machine sleeps.
        random: A number in [0, 1).
    """

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random

    def now(self) -> Instant:
        """Return this moment on both clocks."""
        return Instant(self.wall(), self.monotonic())
