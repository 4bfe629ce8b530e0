"""What belongs to one process, and is left behind by a fork."""

from __future__ import annotations

import os
import threading


class ProcessLock:
    """A lock of this process: a fork copies a plain one as it is, even while it is taken."""

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}

    def acquire(self, timeout: float = -1) -> bool:
        """Take it, waiting at most this many seconds; return whether it was had."""
        return self._own().acquire(timeout=timeout)

    def release(self) -> None:
        """Let the next one take it."""
        self._own().release()

    def _own(self) -> threading.Lock:
        return self._locks.setdefault(os.getpid(), threading.Lock())

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
