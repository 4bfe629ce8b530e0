"""What a store costs, and what it saves: rows of `make bench`, for each store that can be had."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from row import Row

from oauthreg import AuthorizedClientManager
from oauthreg._shared.seal import new_key
from oauthreg.testing import AuthorizationServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TESTS = Path(__file__).resolve().parents[1]
PROCESSES = 64
FLIGHTS = 60
LIFETIME = 10.0
GOAL_MS = 2.0
TOTAL = 4.0
HERD = """
import json, os, sys, time
from oauthreg import AuthorizedClientManager
manager = AuthorizedClientManager.from_settings(json.loads(sys.argv[1]))
count, expired = int(sys.argv[2]), float(sys.argv[3])
gate, opened = os.pipe()
for _ in range(count):
    if os.fork() == 0:
        os.close(opened)
        os.read(gate, 1)
        manager.authorize("app", timeout=60)
        time.sleep(expired)
        manager.authorize("app", timeout=60)
        os._exit(0)
os.close(opened)
codes = [os.wait()[1] for _ in range(count)]
sys.exit(any(codes))
"""
HOLDER = """
import json, sys
from oauthreg import AuthorizedClientManager
AuthorizedClientManager.from_settings(json.loads(sys.argv[1])).authorize("app")
"""


def settings(server: AuthorizationServer, store: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a process."""
    client = {"client-id": "id", "client-secret": "a-secret", "provider": "p"}
    return {
        "registration": {"app": client},
        "provider": {"p": {"token-uri": server.token_uri}},
        "store": store,
    }


@contextlib.contextmanager
def serving(**options: Any) -> Iterator[AuthorizationServer]:
    """Run a server that knows the client."""
    with AuthorizationServer(**options) as server:
        server.add_client("id", "a-secret")
        yield server


@contextlib.contextmanager
def stores() -> Iterator[dict[str, Callable[[], dict[str, Any]]]]:
    """Give the settings of an empty store, anew at each call, by the store's name."""
    sys.path[:0] = [str(TESTS / "stores"), str(TESTS / "servers" / "stores")]
    import databases
    import valkey_server
    from programs import UnavailableError

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        numbers = iter(range(1000))

        def sqlite() -> dict[str, Any]:
            return {"type": "sqlite", "path": str(folder / f"tokens-{next(numbers)}.db")}

        def at(kind: str, url: str) -> Callable[[], dict[str, Any]]:
            return lambda: {
                "type": kind,
                "url": url,
                "keys": [new_key()],
                "prefix": f"bench-{next(numbers)}",
            }

        found = {"sqlite": sqlite}
        with contextlib.suppress(UnavailableError):
            found["valkey"] = at("redis", stack.enter_context(valkey_server.running()).url())
        with contextlib.suppress(UnavailableError):
            postgres = stack.enter_context(databases.postgres())
            found["postgresql"] = at("sql", postgres.url())
            pooler = stack.enter_context(databases.pgbouncer(postgres))
            found["pgbouncer"] = at("sql", pooler.url())
        with contextlib.suppress(UnavailableError):
            found["mariadb"] = at("sql", stack.enter_context(databases.mariadb()).url())
        yield found


def herd(name: str, store: dict[str, Any]) -> Row:
    """Let many processes ask at once: without a token, and when it has expired."""
    with serving(token_lifetime=LIFETIME) as server:
        patient = {**store, "timeout": LIFETIME}  # so many processes share the cores here
        expired = str(LIFETIME * 0.92)
        arguments = [json.dumps(settings(server, patient)), str(PROCESSES), expired]
        subprocess.run([sys.executable, "-c", HERD, *arguments], check=True)
        times = [request.at for request in server.requests_to("token")]
    first = sum(at < times[0] + LIFETIME / 2 for at in times)
    return Row(
        f"{name}: {PROCESSES} processes, cold and at expiry: token requests",
        f"{first} and {len(times) - first}",
        f"{PROCESSES} and {PROCESSES}",
        len(times) / (2 * PROCESSES),
        "1 and 1",
        len(times) == 2,
    )


def cold(name: str, empty: Callable[[], dict[str, Any]]) -> Row:
    """Measure one fetch with a store, and without; by turns, in one process."""
    with serving() as server:
        shared = AuthorizedClientManager.from_settings(settings(server, empty()))
        alone = AuthorizedClientManager.from_settings(settings(server, {}))
        took: dict[int, list[float]] = {0: [], 1: []}
        for number in range(FLIGHTS):
            for which, manager in enumerate((shared, alone)):
                begun = time.perf_counter()
                manager.authorize("app", audience=f"a{number}")
                took[which].append((time.perf_counter() - begun) * 1e3)
        shared.close()
        alone.close()
    with_store, without = median(took[0]), median(took[1])
    return Row(
        f"{name}: what a cold fetch costs more",
        f"{with_store - without:.1f} ms",
        f"{without:.1f} ms",
        with_store / without,
        f"<= {GOAL_MS:g} ms",
        with_store - without <= GOAL_MS,
    )


def killed(name: str, store: dict[str, Any]) -> Row:
    """Measure when a token is there after the process that fetches it was killed."""
    times = dict.fromkeys(("connect-timeout", "read-timeout", "total-timeout"), TOTAL)
    with serving() as server:
        table = {**settings(server, store), "http": {"default": times}}
        with AuthorizedClientManager.from_settings(table) as manager, server.hold() as gate:
            command = [sys.executable, "-c", HOLDER, json.dumps(table)]
            with subprocess.Popen(command) as holder:
                gate.wait_for(1, 30)
                holder.kill()
            gate.open()
            begun = time.perf_counter()
            manager.authorize("app")
            took = time.perf_counter() - begun
    at_most = 0.5 if name == "sqlite" else 2 * TOTAL + 0.5
    return Row(
        f"{name}: first token after its holder was killed",
        f"{took:.2f} s",
        f"lease {2 * TOTAL:g} s",
        None,
        f"<= {at_most:g} s",
        took <= at_most,
    )


def hit(empty: Callable[[], dict[str, Any]]) -> Row:
    """Measure a hit with a store, and without."""
    with serving() as server:
        best = []
        for store in (empty(), {}):
            with AuthorizedClientManager.from_settings(settings(server, store)) as manager:
                manager.authorize("app")
                call = {"f": manager.authorize}
                best.append(min(timeit.repeat('f("app")', globals=call, number=100_000, repeat=7)))
    ratio = best[0] / best[1]
    return Row(
        "a hit with a store, over one without",
        f"{best[0] * 1e4:.0f} ns",
        f"{best[1] * 1e4:.0f} ns",
        ratio,
        "<= 1.1x",
        ratio <= 1.1,
    )


def rows() -> Iterator[Row]:
    """Measure everything."""
    with stores() as found:
        yield hit(found["sqlite"])
        for name, empty in found.items():
            yield herd(name, empty())
            yield cold(name, empty)
            yield killed(name, empty())


if __name__ == "__main__":
    import logging

    logging.disable()
    os.environ.pop("OAUTHREG_SETTINGS", None)
    for line in rows():
        print(line, flush=True)
