"""One process of the soak of stores: threads and tasks call, and one store call in ten fails.

`python fleet_worker.py SETTINGS STATUS SEED`: what it finds goes to the file STATUS, again and
again, until it is killed or its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Self

from load import WHOLE_SECONDS, claims_of

from oauthreg import AuthorizationError, AuthorizedClientManager, LoginRequiredError
from oauthreg.stores import StoreError

THREADS, TASKS = 3, 6
PAUSE = 0.1
SHARE_OF_FAILURES = 0.1
STUCK_AFTER = 20.0


class FailingStore:
    """A store one of whose calls in ten fails: before it does anything, or after."""

    def __init__(self, store: Any, seed: int) -> None:
        self._store, self._chance, self.failures = store, random.Random(seed), 0  # noqa: S311

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name == "close":
            return method

        def call(*args: Any, **options: Any) -> Any:
            dice = self._chance.random() / SHARE_OF_FAILURES
            if dice < 1:
                self.failures += 1
            if dice < 0.5:
                raise StoreError("injected")
            answer = method(*args, **options)
            if dice < 1:
                raise StoreError("injected after its work")
            return answer

        return call


class Worker:
    """Everybody who calls in this process."""

    def __init__(self, settings: dict[str, Any], seed: int) -> None:
        self.plain: list[str] = settings.pop("plain")
        self.users: list[str] = settings.pop("users")
        self.manager = AuthorizedClientManager.from_settings(settings)
        self.store = FailingStore(None, seed)
        if (sharing := self.manager._core.flights.sharing) is not None:
            shared = sharing.access.store
            shared._store = self.store = FailingStore(shared._store, seed)
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.longest = 0.0
        self.logged_out: set[str] = set()
        self.stopped = threading.Event()
        self.progress: dict[str, float] = {}

    def run(self) -> None:
        """Call until this process ends."""
        for number in range(THREADS):
            chance = random.Random(self.seed * 100 + number)  # noqa: S311
            threading.Thread(
                target=self.call, args=(chance, f"thread {number}"), daemon=True
            ).start()
        threading.Thread(target=lambda: asyncio.run(self.tasks()), daemon=True).start()

    def call(self, chance: random.Random, who: str) -> None:
        while not self.stopped.wait(PAUSE):
            name, options = self.choose(chance)
            with Checked(self, who, name, options) as checked:
                checked.client = self.manager.authorize(name, **options)

    async def tasks(self) -> None:
        manager = self.manager.as_async()

        async def call(chance: random.Random, who: str) -> None:
            while not self.stopped.is_set():
                await asyncio.sleep(PAUSE)
                name, options = self.choose(chance)
                with Checked(self, who, name, options) as checked:
                    checked.client = await manager.authorize(name, **options)

        chances = [random.Random(self.seed * 100 + 50 + n) for n in range(TASKS)]  # noqa: S311
        await asyncio.gather(*(call(c, f"task {n}") for n, c in enumerate(chances)))

    def choose(self, chance: random.Random) -> tuple[str, dict[str, Any]]:
        """Return what one call asks for."""
        if self.users and chance.random() < 0.3:
            return "web", {"principal": chance.choice(self.users)}
        return chance.choice(self.plain), {}

    def told(self) -> str:
        """Return what was found."""
        now = time.monotonic()
        stuck = [f"{who} hangs" for who, at in self.progress.items() if now - at > STUCK_AFTER]
        return json.dumps(
            {
                "counts": self.counts,
                "problems": [*self.problems[:20], *stuck],
                "longest": self.longest,
                "logged_out": sorted(self.logged_out),
                "store_failures": self.store.failures,
            }
        )


class Checked:
    """One call, and what is checked of it."""

    def __init__(self, worker: Worker, who: str, name: str, options: dict[str, Any]) -> None:
        self.worker, self.who, self.name, self.options = worker, who, name, options
        self.client: Any = None

    def __enter__(self) -> Self:
        self.begun, self.wall = time.monotonic(), time.time()
        self.worker.progress[self.who] = self.begun
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        worker = self.worker
        worker.longest = max(worker.longest, time.monotonic() - self.begun)
        worker.counts["calls"] += 1
        user = self.options.get("principal")
        if isinstance(error, AuthorizationError):
            worker.counts[type(error).__name__] += 1
            worker.counts[f"{self.name}: {error.message}"[:100]] += 1
            if isinstance(error, LoginRequiredError):
                worker.logged_out.add(user)
            return True
        if error is not None:
            worker.problems.append(repr(error))
            return False
        worker.logged_out.discard(user)
        claims = claims_of(self.client)
        if claims["exp"] + WHOLE_SECONDS < self.wall:
            worker.problems.append(f"{self.name}: expired {self.wall - claims['exp']:.1f} s ago")
        if claims["client_id"] != self.name:
            worker.problems.append(f"{self.name} was given a token of {claims['client_id']}")
        return False


def main() -> None:
    """Call, and tell what was found, until standard input ends."""
    settings, status, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    logging.getLogger("oauthreg").setLevel(logging.CRITICAL)
    worker = Worker(json.loads(settings.read_text()), seed)
    worker.run()
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.wait(0.25):
        new = status.with_suffix(".new")
        new.write_text(worker.told())
        new.rename(status)


if __name__ == "__main__":
    main()
