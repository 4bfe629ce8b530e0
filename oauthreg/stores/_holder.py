"""Who holds a lease on this machine, so that one who died is replaced at once."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
START_TIME = 19  # of the fields of /proc/<pid>/stat, counted from the state
DEAD = frozenset("ZXx")


class Holder(NamedTuple):
    """A process of this machine.

    Attributes:
        boot: The run of the machine.
        namespace: The process namespace, in which the number counts.
        pid: Its number.
        started: When it was started, so that a number used again is not taken for it.
    """

    boot: str
    namespace: str
    pid: str
    started: str


def steady() -> float:
    """Return seconds of a clock that nobody sets, suspended time included; 0 if there is none."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) if clock is not None else 0.0


@cache
def boot() -> str:
    """Return what tells this run of the machine from others; empty if it cannot be known."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return ""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def holder() -> str:
    """Return what tells this process from all others; empty if it cannot be known."""
    return _holder(os.getpid())


def is_dead(holder: str) -> bool:
    """Whether a holder cannot be alive any more. One that cannot be judged counts as alive."""
    parts = holder.split(" ")
    if not boot() or len(parts) != len(Holder._fields):
        return False
    them = Holder(*parts)
    if them.boot != boot():
        return True
    if them.namespace != _namespace():
        return False
    state, started = _state_and_start(them.pid)
    return state in DEAD or started != them.started


@cache
def _holder(pid: int) -> str:
    _, started = _state_and_start(str(pid))
    us = Holder(boot(), _namespace(), str(pid), started)
    return " ".join(us) if all(us) else ""


def _namespace() -> str:
    try:
        return str((PROC / "self/ns/pid").stat().st_ino)
    except OSError:
        return ""


def _state_and_start(pid: str) -> tuple[str, str]:
    try:
        text = (PROC / pid / "stat").read_text("utf-8", errors="replace")
    except OSError:
        return "X", ""
    fields = text.rpartition(")")[2].split()
    return fields[0], fields[START_TIME]
