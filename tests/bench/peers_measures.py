"""One measurement of one library, in a process of its own; prints its figures as JSON.

`python tests/bench/peers_measures.py "Authlib, requests" cold-20`
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import statistics
import sys
import threading
import time
import timeit
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from peers_drivers import DRIVERS
from peers_server import RemoteServer, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from peers_drivers import Driver

HOUR = 3600
ROUNDS = 15
ROUND_SECONDS = 0.05
REPEATS = 3
TOO_SLOW_TO_REPEAT = 10.0
ALL_ARE_THERE = 4.0
HANG = 5.0
ARRIVAL = 0.02
PATIENCE = 240.0

Call = tuple[float, float, bool]
"""When a call ended, how long it took, and whether it brought a token."""


def timed(get: Callable[[], object], calls: list[Call]) -> None:
    started = time.perf_counter()
    good = False
    try:
        good = bool(get())
    except Exception as error:  # noqa: BLE001 - each library has errors of its own
        print(type(error).__name__, error, file=sys.stderr)
    ended = time.perf_counter()
    calls.append((ended, ended - started, good))


async def timed_task(get: Callable[[], Any], calls: list[Call]) -> None:
    started = time.perf_counter()
    good = False
    try:
        good = bool(await get())
    except Exception as error:  # noqa: BLE001 - each library has errors of its own
        print(type(error).__name__, error, file=sys.stderr)
    ended = time.perf_counter()
    calls.append((ended, ended - started, good))


def join(threads: list[threading.Thread]) -> None:
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


# The hit


def hit(kind: type[Driver], server: RemoteServer) -> dict[str, Any]:
    server.live(HOUR)
    driver = kind(server)
    if kind.asynchronous:
        return {"nanoseconds": asyncio.run(awaited(driver))}
    driver.get()
    spent = nanoseconds(driver.overhead) if driver.overhead else 0.0
    return {"nanoseconds": nanoseconds(driver.touch) - spent}


def nanoseconds(statement: Callable[[], object]) -> float:
    """Return the best of several rounds, per call."""
    timer = timeit.Timer(statement)
    calls, took = timer.autorange()
    calls = max(1, int(calls * ROUND_SECONDS / took))
    gc.collect()
    return min(timer.repeat(ROUNDS, calls)) / calls * 1e9


async def awaited(driver: Driver) -> float:
    await driver.get()
    calls, best = 10_000, float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(calls):
            await driver.get()
        best = min(best, time.perf_counter() - started)
    return best / calls * 1e9


# Many callers at once


def crowd(driver: Driver, callers: int, trouble: Callable[[], None]) -> tuple[list[Call], float]:
    """Let so many callers ask at once, in trouble; return their calls and when they began."""
    if driver.asynchronous:
        return asyncio.run(task_crowd(driver, callers, trouble))
    calls: list[Call] = []
    barrier = threading.Barrier(callers + 1)

    def call() -> None:
        barrier.wait()
        timed(driver.get, calls)

    threads = [threading.Thread(target=call, daemon=True) for _ in range(callers)]
    for thread in threads:
        thread.start()
    trouble()
    started = time.perf_counter()
    barrier.wait()
    join(threads)
    return list(calls), started


async def task_crowd(
    driver: Driver, callers: int, trouble: Callable[[], None]
) -> tuple[list[Call], float]:
    calls: list[Call] = []
    trouble()
    started = time.perf_counter()
    tasks = [asyncio.ensure_future(timed_task(driver.get, calls)) for _ in range(callers)]
    await asyncio.wait(tasks, timeout=PATIENCE)
    return list(calls), started


def herd(
    callers: int, trouble: Callable[[RemoteServer], None], kind: type[Driver], server: RemoteServer
) -> dict[str, Any]:
    """Let a crowd find no token, several times if that does not take too long."""
    rounds = []
    while len(rounds) < REPEATS:
        rounds.append(one_herd(callers, trouble, kind, server))
        if rounds[-1]["seconds"] > TOO_SLOW_TO_REPEAT:
            break
    return {name: statistics.median_high(one[name] for one in rounds) for name in rounds[0]}


def one_herd(
    callers: int, trouble: Callable[[RemoteServer], None], kind: type[Driver], server: RemoteServer
) -> dict[str, Any]:
    server.heal()
    server.live(HOUR)
    driver = kind(server)
    server.reset()
    calls, started = crowd(driver, callers, partial(trouble, server))
    return {
        "requests": server.token_requests,
        "seconds": max((ended for ended, _, _ in calls), default=started) - started,
        "served": sum(good for _, _, good in calls),
        "unanswered": callers - len(calls),
    }


# A renewal that hangs


def hang(kind: type[Driver], server: RemoteServer) -> dict[str, Any]:
    """Let a caller arrive every few milliseconds while the token endpoint hangs."""
    server.live(kind.lifetime)
    driver = kind(server)
    arrive = task_arrivals if kind.asynchronous else arrivals
    calls = arrive(driver, server)
    times = [took for _, took, _ in calls]
    return {
        "requests": server.token_requests,
        "callers": int(HANG / ARRIVAL),
        "served": sum(good for _, _, good in calls),
        "p50": statistics.median(times),
        "p99": statistics.quantiles(times, n=100)[98],
        "max": max(times),
    }


def begin(server: RemoteServer) -> float:
    server.reset()
    server.hang(HANG)
    return time.perf_counter()


def arrivals(driver: Driver, server: RemoteServer) -> list[Call]:
    calls: list[Call] = []
    driver.get()
    time.sleep(driver.renews_at + 0.1)
    started, threads = begin(server), []
    for number in range(int(HANG / ARRIVAL)):
        time.sleep(max(0.0, started + number * ARRIVAL - time.perf_counter()))
        threads.append(threading.Thread(target=timed, args=(driver.get, calls), daemon=True))
        threads[-1].start()
    join(threads)
    return list(calls)


def task_arrivals(driver: Driver, server: RemoteServer) -> list[Call]:
    async def run() -> list[Call]:
        calls: list[Call] = []
        await driver.get()
        await asyncio.sleep(driver.renews_at + 0.1)
        started, tasks = begin(server), []
        for number in range(int(HANG / ARRIVAL)):
            await asyncio.sleep(max(0.0, started + number * ARRIVAL - time.perf_counter()))
            tasks.append(asyncio.ensure_future(timed_task(driver.get, calls)))
        await asyncio.wait(tasks, timeout=PATIENCE)
        return list(calls)

    return asyncio.run(run())


MEASURES: dict[str, Callable[..., dict[str, Any]]] = {
    "hit": hit,
    "cold-20": partial(herd, 20, RemoteServer.slow),
    "cold-1000": partial(herd, 1000, partial(RemoteServer.hang, seconds=ALL_ARE_THERE)),
    "failing-200": partial(herd, 200, RemoteServer.fail),
    "hang": hang,
}


def main() -> None:
    name, measure = sys.argv[1:]
    logging.disable()  # full connection pools, and flights that fail on purpose
    warnings.simplefilter("ignore")
    kind = next(one for one in DRIVERS if one.name == name)
    with serve() as server:
        print(json.dumps(MEASURES[measure](kind=kind, server=server)), flush=True)
    os._exit(0)  # whatever the library still waits for


if __name__ == "__main__":
    main()
