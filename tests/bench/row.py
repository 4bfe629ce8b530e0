"""One line of the table that `make bench` prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    floor: str
    ratio: float | None
    goal: str
    good: bool
    gate: bool = False

    def __str__(self) -> str:
        mark = ("gate: " if self.gate else "") + ("ok" if self.good else "MISSED")
        ratio = f"{self.ratio:.2f}x" if self.ratio is not None else ""
        return f"| {self.what} | {self.measured} | {self.floor} | {ratio} | {self.goal} | {mark} |"
