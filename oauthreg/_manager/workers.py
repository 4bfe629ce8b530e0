"""Daemon threads that carry flights and blocking reads; started when needed, reused, forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")
Task = Callable[[], None]
IDLE_SECONDS = 10.0


class Workers:
    """Runs each task at once: on an idle thread if there is one, else on a new one.

    The threads are daemons, so that a hanging request never holds up the end of the program;
    one that has had nothing to do for ten seconds ends.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._idle = 0
        self._closed = False

    def submit(self, task: Task) -> None:
        """Run a task, which must not raise, on a thread of its own."""
        with self._lock:
            reuse = self._idle > 0
            if reuse:
                self._idle -= 1
        if reuse:
            self._tasks.put(task)
        else:
            threading.Thread(
                target=self._work, args=(task,), name="oauthreg-flight", daemon=True
            ).start()

    def call(self, work: Callable[[], T]) -> Future[T]:
        """Run some work on a thread of its own; the future brings what it returns or raises."""
        done: Future[T] = Future()
        self.submit(partial(_carry, work, done))
        return done

    def close(self) -> None:
        """Let every idle thread end, and every busy one after its task."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, 0
        for _ in range(idle):
            self._tasks.put(None)

    def _work(self, task: Task | None) -> None:
        while task is not None:
            task()
            del task
            with self._lock:
                if self._closed:
                    return
                self._idle += 1
            task = self._next()

    def _next(self) -> Task | None:
        try:
            return self._tasks.get(timeout=IDLE_SECONDS)
        except Empty:
            with self._lock:
                if self._idle:
                    self._idle -= 1
                    return None
            return self._tasks.get()  # claimed at this very moment: its task is on the way


def _carry(work: Callable[[], T], done: Future[T]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - it is the caller's
        done.set_exception(error)
    else:
        done.set_result(result)
