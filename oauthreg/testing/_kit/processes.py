"""Calls of a store from several threads and processes."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from typing import TYPE_CHECKING, TypeVar

from oauthreg.stores import StoreBusyError
from oauthreg.testing._kit.answers import expect

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
DEADLINE = 30.0
THREADS = 8


def patiently(call: Callable[[], T]) -> T:
    """Return what a call returns, trying again while the store is busy."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return call()
        except StoreBusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def together(work: Callable[[int], T], count: int = THREADS) -> list[T]:
    """Return what some threads return that all start at one moment."""
    barrier = threading.Barrier(count)
    results: list[T] = []

    def run(number: int) -> None:
        barrier.wait(DEADLINE)
        results.append(work(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect(len(results) == count, "a thread failed")
    return results


def in_child(work: Callable[[], bool]) -> bool:
    """Return what some work returns in a forked child; False if it fails or hangs there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks while threads run
        child = os.fork()
    if not child:
        try:
            os._exit(0 if work() else 1)
        except BaseException:  # noqa: BLE001 - the child has to end here, whatever happens
            os._exit(2)
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False
