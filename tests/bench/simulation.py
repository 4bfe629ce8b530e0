"""What a fleet of processes does to its authorization server, simulated on injected clocks.

The shipped engine decides, and the shipped flow of a flight runs: only time, chance and the
server are put in their places. Events happen one after another, so that a run with the same
seeds ends with the same figures. Run it with `python tests/bench/simulation.py`.
"""

from __future__ import annotations

import heapq
import itertools
import json
import logging
import math
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from oauthreg._errors import AuthorizationError, ConnectionFailedError, TimedOutError
from oauthreg._flow import Pause, ReadSecret, TokenRequest, TokenResponse
from oauthreg._manager.answers import read_secret
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._renewal.clocks import Clocks
from oauthreg._renewal.flight import Enter, Launch, Wait
from oauthreg._settings.load import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._renewal.flight import Flight, ManagerStep, Procedure
    from oauthreg._settings.load import Configuration

EPOCH = 1_000_000_000.0
NAME = "my-client"
TABLE = {
    "registration": {NAME: {"client-id": "id", "client-secret": "a-secret", "provider": "p"}},
    "provider": {"p": {"token-uri": "https://auth.example.com/token"}},
}
SETTLED = 60.0
"""Seconds after an outage in which the highest rate of token requests is looked for."""


class World:
    """Simulated time, and what is still to happen in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._number = itertools.count()

    def after(self, seconds: float, happen: Callable[[], object]) -> None:
        """Let something happen so many seconds from now."""
        heapq.heappush(self._agenda, (self.now + seconds, next(self._number), happen))

    def run(self, until: float) -> None:
        """Let everything happen that is due until then."""
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, happen = heapq.heappop(self._agenda)
            happen()
        self.now = until


@dataclass
class Server:
    """An authorization server that can take any load.

    Attributes:
        world: The time it lives in.
        lifetime: Seconds that its tokens live.
        latency: Seconds from a request to its answer.
        outage: From when to when it gives no token.
        kind: What it does then: `503`, `refused` connections, or `silent` until clients give up.
        requests: When each token request arrived.
    """

    world: World
    lifetime: float
    latency: float = 0.05
    outage: tuple[float, float] = (math.inf, math.inf)
    kind: str = "503"
    requests: list[float] = field(default_factory=list)

    def ask(self, patience: float, answered: Callable[..., object]) -> None:
        """Take a token request; `answered` is called with an answer or an error, in its time."""
        self.requests.append(self.world.now)
        first, last = self.outage
        if not first <= self.world.now < last:
            grant = {"access_token": "token", "token_type": "Bearer", "expires_in": self.lifetime}
            answer = TokenResponse(status=200, body=json.dumps(grant).encode())
            self.world.after(self.latency, partial(answered, answer))
        elif self.kind == "503":
            self.world.after(self.latency, partial(answered, TokenResponse(status=503)))
        elif self.kind == "refused":
            self.world.after(0.0, partial(answered, error=ConnectionFailedError("refused")))
        else:
            self.world.after(patience, partial(answered, error=TimedOutError("no answer")))

    def peak(self, start: float, end: float) -> int:
        """Return the most requests that came within one whole second."""
        return max(
            Counter(int(at) for at in self.requests if start <= at < end).values(), default=0
        )


class Process:
    """A process whose callers want a token once a second, from `start` on.

    Attributes:
        failures: When calls failed for want of a token.
        has_token: Whether the latest call was served.
    """

    def __init__(self, world: World, server: Server, start: float) -> None:
        self.world = world
        self.server = server
        self.start = start
        self.failures: list[float] = []
        self._due = -1.0
        self._plan(start)

    def _plan(self, at: float) -> None:
        """Let the next call that is not a mere hit happen at this time, and no other."""
        self._due = at
        self.world.after(at - self.world.now, partial(self._arrive, at))

    def _arrive(self, due: float) -> None:
        if due == self._due:
            self._call()
            self._plan(self._tick_after(self._good_until()))

    def _tick_after(self, moment: float) -> float:
        """Return when the first call arrives at a moment or later, and later than now."""
        this = round(self.world.now - self.start)
        next_one = this + 1 if self.world.now >= self.start + this else this
        return self.start + max(next_one, math.ceil(moment - self.start))

    def _failed(self) -> None:
        self.failures.append(self.world.now)

    def _good_until(self) -> float:
        """Return until when calls are mere hits, which change nothing and need not happen."""
        raise NotImplementedError

    def _call(self) -> None:
        raise NotImplementedError


class Shipped(Process):
    """A process with the shipped core: engine, flows and backoff. It runs on simulated time."""

    def __init__(
        self,
        world: World,
        server: Server,
        start: float,
        configuration: Configuration,
        seed: int,
    ) -> None:
        clocks = Clocks(
            wall=lambda: EPOCH + world.now,
            monotonic=lambda: world.now,
            random=Random(seed).random,  # noqa: S311 - a simulation
        )
        self._use(Core(RegistrationRegistry(configuration), clocks=clocks), NAME, EPOCH)
        super().__init__(world, server, start)

    def _use(self, core: Core, name: str, epoch: float) -> None:
        """Call for one registration of a core, whose wall clock began at `epoch`."""
        self._core, self._name, self._epoch = core, name, epoch
        self._hot = core.hot.by_id

    def _is_hot(self) -> bool:
        """Whether a call is a hit, as `authorize` finds it out."""
        hot, now = self._hot.get(self._name), self.world.now
        return hot is not None and self._epoch + now < hot[1] and now < hot[2]

    def _good_until(self) -> float:
        if not self._is_hot():
            return self.world.now
        return min(self._hot[self._name][1] - self._epoch, self._hot[self._name][2])

    def _call(self) -> None:
        if not self._is_hot():
            self._drive(self._core.authorize(self._name, {}))

    def _drive(
        self,
        flow: Procedure[Any],
        flight: Flight | None = None,
        answer: object = None,
        *,
        error: AuthorizationError | None = None,
    ) -> None:
        """Give a flow its answer and perform its next step; a caller's has no flight."""
        try:
            step = flow.send(answer) if error is None else flow.throw(error)
        except StopIteration:
            if flight is not None:  # the hit path was cleared: see which call comes next
                self._plan(self._tick_after(self.world.now))
        except AuthorizationError:
            self._failed()
        else:
            self._perform(step, flight, partial(self._drive, flow, flight))

    def _perform(
        self, step: ManagerStep, flight: Flight | None, answered: Callable[..., object]
    ) -> None:
        match step:
            case TokenRequest() if flight is not None:
                self._ask(step, flight.deadline - self.world.now, answered)
            case Pause(seconds):
                self.world.after(seconds, answered)
            case ReadSecret():
                answered(read_secret(step))
            case Enter():
                answered()
            case Launch(other):
                self._drive(self._core.flights.fly(other), other)
                answered()
            case Wait(other):
                other.outcome.add_done_callback(lambda _: self.world.after(0.0, answered))
            case _:
                self._perform_other(step, answered)

    def _ask(self, request: TokenRequest, patience: float, answered: Callable[..., object]) -> None:
        del request
        self.server.ask(patience, answered)

    def _perform_other(self, step: ManagerStep, answered: Callable[..., object]) -> None:
        del answered
        raise NotImplementedError(step)


class Naive(Process):
    """For contrast: asks when its token has expired, at every call, and knows no backoff."""

    def __init__(
        self, world: World, server: Server, start: float, configuration: Configuration, seed: int
    ) -> None:
        del configuration, seed
        super().__init__(world, server, start)
        self._until = 0.0

    def _good_until(self) -> float:
        return self._until

    def _call(self) -> None:
        if self.world.now >= self._until:
            self.server.ask(10.0, partial(self._answered, self.world.now))

    def _answered(
        self, asked: float, answer: TokenResponse | None = None, *, error: Exception | None = None
    ) -> None:
        if error is None and answer is not None and answer.status == 200:
            self._until = asked + self.server.lifetime
        else:
            self._failed()


@dataclass(frozen=True)
class Outage:
    """What an outage did to a fleet.

    Attributes:
        calls: How many calls were made during the outage.
        failing: How many calls found no valid token during the outage.
        failing_after: The same after it had ended.
        before: Token requests per second before the outage.
        during: The same during the outage, at its highest.
        recovery: The same in the minute after the outage, at its highest.
        served_after: Seconds from the end of the outage to the last failing call.
        spent: Token requests during the outage, per process.
    """

    calls: int
    failing: int
    failing_after: int
    before: float
    during: int
    recovery: int
    served_after: float
    spent: float


def outage(
    policy: type[Shipped | Naive],
    lifetime: float,
    *,
    processes: int = 1000,
    seconds: float = 600.0,
    kind: str = "503",
    seed: int = 1,
) -> Outage:
    """Let a fleet live through an outage. Its processes start spread over one token's lifetime."""
    world, chance, configuration = World(), Random(seed), load(TABLE)  # noqa: S311 - a simulation
    first = 2 * lifetime
    last = first + seconds
    server = Server(world, lifetime, outage=(first, last), kind=kind)
    members = [
        policy(world, server, chance.uniform(0, lifetime), configuration, seed * processes + number)
        for number in range(processes)
    ]
    world.run(last + lifetime)
    failures = [at for member in members for at in member.failures]
    during = [at for at in server.requests if first <= at < last]
    return Outage(
        calls=int(processes * seconds),
        failing=sum(at < last for at in failures),
        failing_after=sum(at >= last for at in failures),
        before=sum(lifetime <= at < first for at in server.requests) / lifetime,
        during=server.peak(first, last),
        recovery=server.peak(last, last + SETTLED),
        served_after=max(0.0, max(failures, default=0.0) - last),
        spent=len(during) / processes,
    )


def requests_per_hour(
    policy: type[Shipped | Naive], lifetime: float, processes: int = 200
) -> tuple[int, int]:
    """Return the fewest and the most token requests of a process in its first hour."""
    configuration, found = load(TABLE), []
    for seed in range(processes):
        world = World()
        server = Server(world, lifetime)
        policy(world, server, 0.0, configuration, seed)
        world.run(3599.5)
        found.append(len(server.requests))
    return min(found), max(found)


def main() -> None:
    """Print every figure."""
    logging.disable()  # flights that fail on purpose
    for policy in (Shipped, Naive):
        for lifetime in (60, 300, 3600):
            print(policy.__name__, lifetime, requests_per_hour(policy, lifetime), flush=True)
        for kind in ("503", "refused", "silent"):
            for lifetime in (60, 300, 3600):
                print(
                    policy.__name__, lifetime, kind, outage(policy, lifetime, kind=kind), flush=True
                )


if __name__ == "__main__":
    main()
