"""Comparing times that several processes read on one store's clock.

A process does not know when, between sending a call and having its answer, the store read its
clock. Every estimate takes the side that makes a token older, so that none is used too long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from oauthreg.stores import Reading

TOLERANCE = 1.0
"""Seconds by which a start may lie ahead of now: clocks of several processors differ a little."""


class Observed(NamedTuple):
    """A reading of the store's clock, and when it was asked for by this process's own clock.

    Attributes:
        reading: What the store's clock said.
        sent: Monotonic seconds when the call was begun.
        received: Monotonic seconds when its answer was there.
    """

    reading: Reading
    sent: float
    received: float

    def at_latest(self, monotonic: float) -> Reading:
        """Return the most that the store's clock can say at a moment: for what is still good."""
        return _later(self.reading, monotonic - self.sent)

    def at_earliest(self, monotonic: float) -> Reading:
        """Return the least that it can say: for when the life of something began."""
        return _later(self.reading, monotonic - self.received)


def elapsed(start: Reading, now: Reading) -> float | None:
    """Return the seconds from one reading to another; None if the clock was set back between them.

    Where both were read in one run of the machine, the clock that nobody sets counts too, and
    the longer of both times is taken.
    """
    by_clock = now.time - start.time
    if start.boot and start.boot == now.boot:
        return max(by_clock, now.steady - start.steady, 0.0)
    return max(by_clock, 0.0) if by_clock >= -TOLERANCE else None


def _later(reading: Reading, seconds: float) -> Reading:
    steady = reading.steady + seconds if reading.boot else reading.steady
    return reading._replace(time=reading.time + seconds, steady=steady)
