"""Daemon threads that perform requests and blocking reads; started when needed, then reused."""

from __future__ import annotations

import heapq
import itertools
import os
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from oauthreg._manager.process import process_lock

T = TypeVar("T")
Task = Callable[[], object]
IDLE_SECONDS = 10.0


class Workers:
    """Runs each task at once: on an idle thread if there is one, else on a new one.

    The threads are daemons, so that a hanging request never holds up the end of the program. One
    that has had nothing to do for ten seconds ends. Threads and locks are made when a task first
    needs them in this process, so that a fork, or a late patch by gevent, leaves nothing stale.

    Args:
        most: How many threads there may be; further tasks wait for one. None for any number.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._pid = -1
        self._closed = False
        self._idle = self._threads = 0
        self._make()

    def submit(self, task: Task) -> None:
        """Run a task, which must not raise, on a thread of its own.

        Raises:
            RuntimeError: no thread could be started.
        """
        self._check_process()
        with self._lock:
            reuse = self._idle > 0 or self._threads == self._most
            if reuse:
                self._idle -= 1  # below 0: so many tasks wait for a thread
            else:
                self._threads += 1
        if reuse:
            self._tasks.put(task)
            return
        try:
            threading.Thread(
                target=self._work, args=(task,), name="oauthreg-worker", daemon=True
            ).start()
        except BaseException:
            with self._lock:
                self._threads -= 1
            raise

    def call(self, work: Callable[[], T]) -> Future[T]:
        """Run some work on a thread of its own; the future gets what it returns or raises."""
        done: Future[T] = Future()
        self.submit(partial(_carry, work, done))
        return done

    def close(self) -> None:
        """Let every idle thread end, and every busy one after its task."""
        with self._lock:
            self._closed = True
            idle, self._idle = max(self._idle, 0), 0
        for _ in range(idle):
            self._tasks.put(None)

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            with process_lock():
                if self._pid != os.getpid():
                    self._make()
                    self._pid = os.getpid()

    def _make(self) -> None:
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._idle = self._threads = 0

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
        except queue.Empty:
            with self._lock:
                if self._idle > 0:
                    self._idle -= 1
                    self._threads -= 1
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


class Timer:
    """Calls functions at a later time, on one daemon thread that exists while one is due.

    What it calls must not block.
    """

    def __init__(self) -> None:
        self._pid = -1
        self._running = False
        self._make()

    def after(self, seconds: float, call: Task) -> None:
        """Call a function after so many seconds.

        Raises:
            RuntimeError: no thread could be started.
        """
        if self._pid != os.getpid():
            with process_lock():
                if self._pid != os.getpid():
                    self._make()
                    self._pid = os.getpid()
        with self._changed:
            due = (time.monotonic() + seconds, next(self._numbers), call)
            heapq.heappush(self._due, due)
            if not self._running:
                threading.Thread(target=self._run, name="oauthreg-timer", daemon=True).start()
                self._running = True
            elif self._due[0] is due:
                self._changed.notify()

    def _make(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, Task]] = []
        self._running = False

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._due and self._due[0][0] > time.monotonic():
                    self._changed.wait(self._due[0][0] - time.monotonic())
                if not self._due:
                    self._running = False
                    return
                _, _, call = heapq.heappop(self._due)
            call()
            del call
