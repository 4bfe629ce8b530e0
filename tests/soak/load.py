"""The callers of the soak: threads, tasks and short loops, each checking what it is given."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import threading
import time
import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any

from oauthreg import AuthorizationError

if TYPE_CHECKING:
    from oauthreg import AuthorizedClient, AuthorizedClientManager

THREADS, TASKS = 8, 40
PLAIN, ROTATED, CHANGING = 6, 3, 3
USERS = 40
"""How many users there are at a time; every ten seconds others."""
WHOLE_SECONDS = 1.0  # what an `exp` is cut to


class Load:
    """Everybody who calls.

    Args:
        manager: The manager for threads; that for asyncio is over the same core.

    Attributes:
        counts: How the calls ended.
        problems: What must not be.
    """

    def __init__(self, manager: AuthorizedClientManager) -> None:
        self.manager, self.async_manager = manager, manager.as_async()
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self._runner = asyncio.Runner()
        self.loop = self._runner.get_loop()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._call, args=(random.Random(n),))  # noqa: S311
            for n in range(THREADS)
        ]
        self._threads += [threading.Thread(target=one) for one in (self._tasks, self._short_loops)]

    def start(self) -> None:
        """Begin to call."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return when nobody calls any more."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)
            if thread.is_alive():
                self.problems.append(f"{thread.name} hangs")

    def check(self, name: str, options: dict[str, Any], begun: float, client: object) -> None:
        """Check what a call was given."""
        self.counts["served"] += 1
        claims = claims_of(client)
        if claims["exp"] + WHOLE_SECONDS < begun:
            self.problems.append(f"{name}: expired {begun - claims['exp']:.1f} s before the call")
        if claims["client_id"] != name:
            self.problems.append(f"{name} was given a token of {claims['client_id']}")
        if "audience" in options and claims.get("aud") not in (
            options["audience"],
            [options["audience"]],
        ):
            self.problems.append(f"{options} was given a token for {claims.get('aud')}")

    def failed(self, error: BaseException) -> None:
        """Note how a call failed."""
        if isinstance(error, AuthorizationError):
            self.counts[type(error).__name__] += 1
        else:
            self.problems.append("".join(traceback.format_exception(error)))

    def _call(self, chance: random.Random) -> None:
        while not self._stopped.wait(0.002):
            name, options = a_call(chance)
            begun = time.time()
            try:
                client = self.manager.authorize(name, **options)
            except Exception as error:  # noqa: BLE001 - told to whoever reads the report
                self.failed(error)
            else:
                self.check(name, options, begun, client)
                if name.startswith("changing") and chance.random() < 0.002:
                    self.manager.reject(name, client.access_token.token_value)

    def _tasks(self) -> None:
        async def call(chance: random.Random) -> None:
            while not self._stopped.is_set():
                await asyncio.sleep(0.02)
                name, options = a_call(chance)
                begun = time.time()
                try:
                    async with asyncio.timeout(0.05 if chance.random() < 0.01 else None):
                        client = await self.async_manager.authorize(name, **options)
                except TimeoutError:
                    self.counts["cancelled"] += 1
                except Exception as error:  # noqa: BLE001 - as above
                    self.failed(error)
                else:
                    self.check(name, options, begun, client)

        async def all_of_them() -> None:
            await asyncio.gather(*(call(random.Random(100 + n)) for n in range(TASKS)))  # noqa: S311

        with self._runner:
            self._runner.run(all_of_them())

    def _short_loops(self) -> None:
        while not self._stopped.wait(0.05):
            begun = time.time()
            try:
                client = asyncio.run(self.async_manager.authorize("loops"))
            except Exception as error:  # noqa: BLE001 - as above
                self.failed(error)
            else:
                self.check("loops", {}, begun, client)


def a_call(chance: random.Random) -> tuple[str, dict[str, Any]]:
    """Return what one call asks for."""
    dice = chance.random()
    if dice < 0.5:
        options = chance.choice([{}, {}, {"min_ttl": 1.0}, {"principal": "alice"}])
        return f"plain-{chance.randrange(PLAIN)}", options
    if dice < 0.7:
        return f"rotated-{chance.randrange(ROTATED)}", {}
    if dice < 0.85:
        rarely = {"force": True} if chance.random() < 0.005 else {}
        return f"changing-{chance.randrange(CHANGING)}", rarely
    user = f"user-{int(time.time()) // 10}-{chance.randrange(USERS)}"
    return "users", {"audience": user, **({"timeout": 0.3} if dice > 0.98 else {})}


def claims_of(client: AuthorizedClient) -> dict[str, Any]:
    """Return what the server wrote into a token."""
    body = client.access_token.token_value.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims
