"""Pods that share their tokens through a store, simulated on injected clocks.

As in `simulation`, the shipped engine and flows run; here with a store in memory, whose calls take
a millisecond each. Run it with `python tests/bench/fleet_simulation.py`.
"""

from __future__ import annotations

import json
import logging
import math
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from simulation import EPOCH, Process, Server, Shipped, World

from oauthreg._errors import TimedOutError
from oauthreg._flow import StoreAnswer, StoreCall, TokenResponse
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._renewal.clocks import Clocks
from oauthreg._settings.load import load
from oauthreg._settings.store import ConfiguredStore
from oauthreg.stores import StoreError
from oauthreg.stores._config import StoreConfig
from oauthreg.stores._memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._flow import TokenRequest
    from oauthreg._renewal.flight import ManagerStep

STORE_LATENCY = 0.001
NEVER = (math.inf, math.inf)
LOGIN = {"authorization-grant-type": "refresh_token", "refresh-token": "first"}


class Fleet:
    """Pods, one server and one store.

    Args:
        lifetime: Of the tokens, in seconds.
        shared: Whether there is a store.
        registrations: How many registrations each pod has.
        logins: Whether they have refresh tokens, which rotate.
    """

    def __init__(
        self, lifetime: float, *, shared: bool = True, registrations: int = 1, logins: bool = False
    ) -> None:
        self.world = World()
        self.server = RotatingServer(self.world, lifetime)
        self.store = MemoryStore(lambda: EPOCH + self.world.now)
        self.store_away = NEVER
        self.names = [f"app-{number}" for number in range(registrations)]
        self.callers: list[Caller] = []
        client = {"client-secret": "a-secret", "provider": "p", **(LOGIN if logins else {})}
        client["client-authentication-method"] = "client_secret_post"
        configuration = load(
            {
                "registration": {name: {**client, "client-id": name} for name in self.names},
                "provider": {"p": {"token-uri": "https://auth.example.com/token"}},
            }
        )
        config = StoreConfig(type="memory", timeout=1.0)
        store = ConfiguredStore(config, None, encrypted=False, factory=lambda _: self.store)
        self.configuration = replace(configuration, store=store if shared else None)

    def start(self, number: int, *, over: float = 0.0, skew: float = 0.0) -> None:
        """Let so many pods start within some seconds, their clocks apart by up to `skew`."""
        chance = Random(len(self.callers))  # noqa: S311 - a simulation
        for seed in range(number):
            begins, ahead = self.world.now + chance.uniform(0, over), chance.uniform(-skew, skew)
            clocks = Clocks(
                wall=lambda ahead=ahead: EPOCH + ahead + self.world.now,
                monotonic=lambda: self.world.now,
                random=Random(seed).random,  # noqa: S311 - a simulation
            )
            core = Core(RegistrationRegistry(self.configuration), clocks=clocks)
            sharing = core.flights.sharing
            if sharing is not None:
                sharing.access.store._monotonic = clocks.monotonic
            self.callers += [Caller(self, begins, core, name, ahead) for name in self.names]

    def snapshot(self) -> Callable[[], None]:
        """Return what puts the store back to how it is now, as a failover to a replica does."""
        entries, leases = dict(self.store._entries), dict(self.store._leases)

        def restore() -> None:
            self.store._entries, self.store._leases = dict(entries), dict(leases)

        return restore

    def failures(self, start: float = 0.0, end: float = math.inf) -> int:
        """Return how many calls failed."""
        return sum(start <= at < end for caller in self.callers for at in caller.failures)

    @property
    def expired(self) -> int:
        """How many callers were given a token for longer than it lived."""
        return sum(caller.expired for caller in self.callers)

    def requests(self, start: float = 0.0, end: float = math.inf) -> int:
        """Return how many token requests were made."""
        return sum(start <= at < end for at in self.server.requests)


class RotatingServer(Server):
    """Says in each token when it ends, and takes each refresh token once.

    Attributes:
        reused: How often a refresh token was sent that had been used up.
    """

    def __init__(self, world: World, lifetime: float) -> None:
        super().__init__(world, lifetime)
        self.current: dict[str, str] = {}
        self.reused = 0

    def take(self, request: TokenRequest, patience: float, answered: Callable[..., object]) -> None:
        """Take a token request; `answered` is called in its time."""
        form, now = dict(request.form), self.world.now
        if self.outage[0] <= now < self.outage[1]:
            self.ask(patience, answered)
            return
        self.requests.append(now)
        grant = {"access_token": str(now + self.lifetime), "expires_in": self.lifetime}
        status, client, sent = 200, form["client_id"], form.get("refresh_token")
        if sent is not None:
            if sent != self.current.setdefault(client, "first"):
                self.reused += 1
                status, grant = 400, {"error": "invalid_grant"}
            self.current[client] = f"r{len(self.requests)}"
            grant["refresh_token"] = self.current[client]
        body = json.dumps({"token_type": "Bearer", **grant}).encode()
        answer = TokenResponse(status=status, body=body)
        self.world.after(self.latency, partial(answered, answer))


class Caller(Shipped):
    """One registration of a pod, which is called once a second.

    Attributes:
        frozen_until: Until when its pod stands still.
        expired: How often it could be given a token after that had ended.
        errors: How its calls failed.
    """

    def __init__(self, fleet: Fleet, start: float, core: Core, name: str, ahead: float) -> None:
        self._fleet = fleet
        self.frozen_until = 0.0
        self.expired = 0
        self.errors: Counter[str] = Counter()
        self._use(core, name, EPOCH + ahead)
        Process.__init__(self, fleet.world, fleet.server, start)

    def _good_until(self) -> float:
        until = super()._good_until()
        if self._is_hot():
            token = self._hot[self._name][0].access_token.token_value
            self.expired += until > float(token)
        return until

    def _drive(self, *arguments: Any, **options: Any) -> None:
        if self.world.now < self.frozen_until:
            again = partial(super()._drive, *arguments, **options)
            self.world.after(self.frozen_until - self.world.now, again)
        else:
            super()._drive(*arguments, **options)

    def _ask(self, request: TokenRequest, patience: float, answered: Callable[..., object]) -> None:
        if patience <= 0:  # as the runners see to it
            answered(error=TimedOutError("too late"))
        else:
            self._fleet.server.take(request, patience, answered)

    def _perform_other(self, step: ManagerStep, answered: Callable[..., object]) -> None:
        if not isinstance(step, StoreCall):
            raise NotImplementedError(step)
        first, last = self._fleet.store_away
        if first <= self.world.now < last:
            refused = StoreAnswer(error=StoreError("the store is away"))
            self.world.after(STORE_LATENCY, partial(answered, refused))
        else:
            self.world.after(STORE_LATENCY, lambda: answered(StoreAnswer(value=step.work())))


def rates(pods: int, lifetime: float, *, shared: bool) -> dict[str, Any]:
    """Start pods with 5 registrations each; return what their server and store see.

    They start within 10 s. The server gives no token for 60 s, and 60 s later the store is away.
    """
    fleet = Fleet(lifetime, shared=shared, registrations=5)
    fleet.start(pods, over=10.0)
    quiet = 2 * min(lifetime, 300.0)
    fleet.server.outage = outage = (quiet, quiet + 60)
    fleet.store_away = away = (quiet + 120, quiet + 180)
    fleet.world.run(quiet + 300)
    seconds = quiet - 60
    return {
        "start": fleet.server.peak(0, 60),
        "steady": fleet.requests(60, quiet) / seconds,
        "outage": fleet.server.peak(*outage),
        "after": fleet.server.peak(outage[1], outage[1] + 60),
        "store away": fleet.server.peak(*away),
        "failing": fleet.failures(),
        "expired": fleet.expired,
    }


def main() -> None:
    """Print every figure."""
    logging.disable()  # flights that fail on purpose
    for pods in map(int, sys.argv[1:] or ("1000", "10000")):
        for lifetime in (60.0, 3600.0):
            for shared in (True, False):
                what = f"{pods} pods, tokens of {lifetime:.0f} s, "
                print(what, "a store" if shared else "no store", flush=True)
                print("   ", rates(pods, lifetime, shared=shared), flush=True)


if __name__ == "__main__":
    main()
