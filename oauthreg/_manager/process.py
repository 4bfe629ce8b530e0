"""One lock for each process: a parent's may be held by a thread that does not exist in a child."""

from __future__ import annotations

import os
import threading

_LOCKS: dict[int, threading.Lock] = {}


def process_lock() -> threading.Lock:
    """Return this process's lock, under which it makes anew what belongs to a process."""
    return _LOCKS.setdefault(os.getpid(), threading.Lock())
