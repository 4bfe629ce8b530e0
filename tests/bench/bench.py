"""Measures oauthreg against floors and peers of the same run, and prints ratios as a table.

Three rows gate: they make the run fail. The others are reported. Run it by `make bench`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
import threading
import time
import timeit
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import monotonic
from time import time as wall
from typing import TYPE_CHECKING, Any

import requests
import scale
import shared
from authlib.integrations.requests_client import OAuth2Session
from row import Row

from oauthreg import AsyncAuthorizedClientManager, AuthorizationError, AuthorizedClientManager
from oauthreg.testing import AuthorizationServer, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

BYTECODE = Path(__file__).resolve().parents[2] / ".build" / "bytecode"
CALLS = 200_000
ROUNDS = 9
TURNS, FETCHES = 10, 50


class Floor:
    """The least that a look-up of a token that ends can cost: one dict and two clocks."""

    def __init__(self) -> None:
        self.hot = {"my-client": (object(), time.time() + 1e6, time.monotonic() + 1e6)}

    def authorize(self, registration_id: str) -> Any:
        client, until_wall, until_monotonic = self.hot[registration_id]
        if wall() < until_wall and monotonic() < until_monotonic:
            return client
        return None

    async def aauthorize(self, registration_id: str) -> Any:
        return self.authorize(registration_id)


def nanoseconds(statement: str, **names: Any) -> float:
    """Return the best of several rounds, per call."""
    gc.collect()
    return min(timeit.repeat(statement, globals=names, number=CALLS, repeat=ROUNDS)) / CALLS * 1e9


async def awaited(authorize: Callable[[str], Any]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(CALLS):
            await authorize("my-client")
        best = min(best, time.perf_counter() - started)
    return best / CALLS * 1e9


def settings(server: AuthorizationServer, count: int = 1) -> dict[str, Any]:
    registration = {"client-id": "id", "client-secret": "a-secret", "provider": "p"}
    others = {f"client-{i}": registration for i in range(count - 1)}
    return {
        "registration": {"my-client": registration, **others},
        "provider": {"p": {"token-uri": server.token_uri}},
    }


@contextmanager
def serving(**options: Any):
    with AuthorizationServer(**options) as server:
        server.add_client("id", "a-secret")
        yield server


def hits() -> list[Row]:
    floor = Floor()
    with serving() as server, AuthorizedClientManager.from_settings(settings(server)) as manager:
        manager.authorize("my-client")
        manager.authorize("my-client", principal="user")
        base = nanoseconds('f("my-client")', f=floor.authorize)
        hit = nanoseconds('f("my-client")', f=manager.authorize)
        principal = nanoseconds('f("my-client", principal="user")', f=manager.authorize)
        many = AuthorizedClientManager.from_settings(settings(server, 10_000))
        for one in many.registrations:
            many.authorize(one)
        crowded = nanoseconds('f("my-client")', f=many.authorize)
        many.close()

        async def run() -> tuple[float, float]:
            async with AsyncAuthorizedClientManager.from_settings(settings(server)) as aio:
                await aio.authorize("my-client")
                return await awaited(aio.authorize), await awaited(floor.aauthorize)

        aio_hit, aio_base = asyncio.run(run())
    return [
        row("hit of `authorize(id)`", hit, base, 1.4, gate=True),
        row("hit with `principal=`", principal, base, 3.0),
        row("hit, awaited", aio_hit, base, 3.0),
        row("hit, awaited, against an awaited floor", aio_hit, aio_base, 1.4),
        row("hit among 10,000 registrations", crowded, hit, 1.1),
    ]


def row(what: str, value: float, base: float, goal: float, *, gate: bool = False) -> Row:
    ratio = value / base
    return Row(what, f"{value:.0f} ns", f"{base:.0f} ns", ratio, f"<= {goal}x", ratio <= goal, gate)


def herd(threads: int) -> tuple[int, float]:
    """Return how many token requests a cold herd makes, and how long it takes."""
    with serving() as server, AuthorizedClientManager.from_settings(settings(server)) as manager:
        barrier = threading.Barrier(threads + 1)

        def call() -> None:
            barrier.wait()
            manager.authorize("my-client")

        crowd = [threading.Thread(target=call) for _ in range(threads)]
        for one in crowd:
            one.start()
        with server.hold() as gate:
            barrier.wait()
            gate.wait_for(1)
            started = time.perf_counter()
            gate.open()
            for one in crowd:
                one.join()
        return server.token_requests, time.perf_counter() - started


def task_herd(tasks: int) -> tuple[int, float]:
    async def run(server: AuthorizationServer) -> float:
        async with AsyncAuthorizedClientManager.from_settings(settings(server)) as manager:
            started = time.perf_counter()
            await asyncio.gather(*(manager.authorize("my-client") for _ in range(tasks)))
            return time.perf_counter() - started

    with serving() as server:
        seconds = asyncio.run(run(server))
        return server.token_requests, seconds


def adapter() -> Row:
    """The auth object for requests, against the one of Authlib; both on one prepared request."""
    request = requests.Request("GET", "https://api.example.com/v1/things").prepare()

    def bare() -> requests.PreparedRequest:
        request.__class__ = requests.PreparedRequest
        request.headers, request.hooks = {}, {"response": []}
        return request

    token = {"access_token": "t" * 40, "token_type": "Bearer", "expires_at": time.time() + 1e6}
    with serving() as server, AuthorizedClientManager.from_settings(settings(server)) as manager:
        auth, theirs = manager.auth("my-client"), OAuth2Session("id", token=token).token_auth
        empty = nanoseconds("bare()", bare=bare)
        ours = nanoseconds("auth(bare())", auth=auth, bare=bare) - empty
        peer = nanoseconds("auth(bare())", auth=theirs, bare=bare) - empty
    return row("`manager.auth()` put on a prepared request, against Authlib's", ours, peer, 2.0)


def herds() -> list[Row]:
    rows = []
    for count, kind, measure in ((1_000, "threads", herd), (10_000, "tasks", task_herd)):
        requests, seconds = measure(count)
        rows.append(
            Row(
                f"cold herd of {count:,} {kind}: token requests",
                f"{requests} ({seconds:.2f} s)",
                "1",
                float(requests),
                "1",
                requests == 1,
                gate=True,
            )
        )
    return rows


def failed_flight() -> Row:
    """How long 200 waiters of a failed flight wait, against one caller of such a flight."""
    fault = Fault(status=401, body={"error": "invalid_request"}, delay=0.2)

    def once(waiters: int) -> float:
        with serving() as server, AuthorizedClientManager.from_settings(settings(server)) as one:
            server.inject(fault)
            barrier = threading.Barrier(waiters + 1)
            ends: list[float] = []

            def call() -> None:
                barrier.wait()
                try:
                    one.authorize("my-client")
                except AuthorizationError:
                    ends.append(time.perf_counter())

            crowd = [threading.Thread(target=call) for _ in range(waiters)]
            for thread in crowd:
                thread.start()
            barrier.wait()
            started = time.perf_counter()
            for thread in crowd:
                thread.join()
            assert len(ends) == waiters
            assert server.token_requests == 1
            return max(ends) - started

    alone, crowd = median(once(1) for _ in range(5)), median(once(200) for _ in range(5))
    ratio = crowd / alone
    return Row(
        "failed flight, 200 waiters answered",
        f"{crowd * 1e3:.0f} ms",
        f"{alone * 1e3:.0f} ms",
        ratio,
        "<= 1.1x",
        ratio <= 1.1,
    )


@contextmanager
def server_process():
    """Run the embedded server in a process of its own; give its token endpoint."""
    command = [sys.executable, "-m", "oauthreg.testing", "--client", "id:a-secret"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = process.stdout.readline()
            yield json.loads(ready.removeprefix("READY "))["token"]
        finally:
            process.terminate()


def cold() -> list[Row]:
    """A forced fetch through both managers against a bare keep-alive post, turn by turn."""
    times: dict[str, list[float]] = {"session": [], "requests": [], "httpx2": []}
    form = {"grant_type": "client_credentials"}
    with server_process() as token_uri, requests.Session() as session, asyncio.Runner() as runner:
        table = {
            "registration": {"my-client": {"client-id": "id", "client-secret": "a-secret"}},
            "provider": {"p": {"token-uri": token_uri}},
        }
        manager = AuthorizedClientManager.from_settings(table)
        aio = AsyncAuthorizedClientManager.from_settings(table)

        def bare() -> None:
            session.post(token_uri, data=form, auth=("id", "a-secret"), timeout=10).json()

        def sync() -> None:
            manager.authorize("my-client", force=True)

        async def fetches() -> None:
            for _ in range(FETCHES):
                started = time.perf_counter()
                await aio.authorize("my-client", force=True)
                times["httpx2"].append(time.perf_counter() - started)

        for _ in range(TURNS):
            for name, fetch in (("session", bare), ("requests", sync)):
                for _ in range(FETCHES):
                    started = time.perf_counter()
                    fetch()
                    times[name].append(time.perf_counter() - started)
            runner.run(fetches())
        runner.run(aio.close())
        manager.close()
    base = median(times["session"])
    return [
        Row(
            f"cold fetch over {name}, against `Session.post`",
            f"{median(times[name]) * 1e6:.0f} us",
            f"{base * 1e6:.0f} us",
            median(times[name]) / base,
            "<= 1.0x",
            median(times[name]) <= base,
        )
        for name in ("requests", "httpx2")
    ]


def interpreter(code: str) -> float:
    """Return the milliseconds that a fresh interpreter needs for some code, best of several.

    Its modules are compiled already, as they are where a program has run before.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(BYTECODE)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        best = min(best, time.perf_counter() - started)
    return best * 1e3


def imports() -> list[Row]:
    empty = interpreter("pass")
    door = interpreter("import oauthreg") - empty
    rows = [
        Row(
            "`import oauthreg` over the interpreter",
            f"{door:.1f} ms",
            f"{empty:.1f} ms",
            None,
            "<= 30 ms",
            door <= 30,
            gate=True,
        )
    ]
    with serving() as server:
        first_hit = f"from oauthreg import MANAGER\nm = MANAGER.from_settings({settings(server)})\n"
        for manager, others, call in (
            ("AuthorizedClientManager", "requests", 'm.authorize("my-client")'),
            (
                "AsyncAuthorizedClientManager",
                "httpx2",
                'import asyncio; asyncio.run(m.authorize("my-client"))',
            ),
        ):
            floor = interpreter(f"import pydantic_settings, {others}")
            whole = interpreter(first_hit.replace("MANAGER", manager) + call)
            ratio = whole / floor
            rows.append(
                Row(
                    f"{manager}: import, settings, first token",
                    f"{whole:.0f} ms",
                    f"{floor:.0f} ms",
                    ratio,
                    "<= 1.2x",
                    ratio <= 1.2,
                )
            )
    return rows


def main() -> int:
    """Print the table as it grows; return 1 if a gate was missed."""
    logging.disable()  # flights that fail on purpose
    print("| what | oauthreg | floor | ratio | goal | |")
    print("| --- | --- | --- | --- | --- | --- |")
    missed = False
    for measure in (hits, adapter, herds, failed_flight, cold, imports, scale.rows, shared.rows):
        rows = measure()
        for one in [rows] if isinstance(rows, Row) else rows:
            print(one, flush=True)
            missed = missed or (one.gate and not one.good)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
