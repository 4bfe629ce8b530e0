"""A flight: one fetch in progress for one key, and the steps by which callers and flights wait."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from oauthreg._flow import Step

if TYPE_CHECKING:
    from oauthreg._errors import AuthorizationError
    from oauthreg._renewal.clocks import Instant
    from oauthreg._renewal.refusals import SharedRefusals

FLIGHT_GRACE = 0.25
"""Seconds after its deadline until a waiting caller gives a flight up."""
LONGEST_QUEUE = 60.0
"""Seconds that a flight may wait for a request slot."""
_numbers = itertools.count(1)
FROZEN = 1.0
"""A process that notices a deadline this many seconds late was itself suspended."""


class Owner(Protocol):
    """What carries a flight and may end before it, such as an event loop."""

    def alive(self) -> bool:
        """Whether the flight can still make progress."""


class Flight:
    """One fetch in progress, shared by all who wait for it.

    Attributes:
        number: Tells it from every other flight of this process.
        fetch: What is fetched.
        waited: Whether a caller waits who has no usable token.
        launched: When it was started.
        started: When its last request was started; the token's lifetime counts from here.
        allowed: Seconds from its first request slot to its deadline.
        begun: Whether it has had its request slot, from which its deadline counts.
        deadline: Monotonic seconds at which it is given up.
        outcome: A cached value, an error as plain data, or None if it was abandoned. A private
            flight's outcome is what its flow returned.
        flow: The flow of a private flight, which is run for one caller and cached nowhere.
        prior_failure: For a flight that only checks whether a refused credential has changed, or
            only looks into the store: that failure.
        only_looks: Whether it only looks into the store, because of that failure.
        retries: Whether a transient failure may be tried once more; not after a failed flight.
        refused: Credentials that are known to be refused.
        outdated: Whether the configuration changed since, so that its failure means nothing.
        attempts: How many requests it has sent.
        force: Whether the caller who started it needs a new token.
        min_ttl: Seconds of life that this caller needs.
        refusals: Where credentials that the server refused are shared, if they are.
        loaded: Whether its token was taken from the store.
        ended: Whether it is over, as the engine knows.
        owner: What carries it, if that can end before the flight.
        limits: Names of the limits that it counts against, or waits for.
    """

    __slots__ = (
        "__weakref__",
        "allowed",
        "attempts",
        "begun",
        "deadline",
        "ended",
        "fetch",
        "flow",
        "force",
        "launched",
        "limits",
        "loaded",
        "min_ttl",
        "number",
        "only_looks",
        "outcome",
        "outdated",
        "owner",
        "prior_failure",
        "refusals",
        "refused",
        "retries",
        "started",
        "waited",
    )

    def __init__(
        self, fetch: Any, now: Instant, *, waited: bool, flow: Procedure[Any] | None = None
    ) -> None:
        self.number = next(_numbers)
        self.fetch = fetch
        self.waited = waited
        self.launched = self.started = now
        self.allowed: float = fetch.http.total_timeout
        self.begun = False
        self.deadline = now.monotonic + LONGEST_QUEUE
        self.outcome: Future[Any] = Future()
        self.flow = flow
        self.prior_failure: AuthorizationError | None = None
        self.only_looks = False
        self.retries = True
        self.refused: set[object] = set()
        self.outdated = False
        self.attempts = 0
        self.force = False
        self.min_ttl = 0.0
        self.refusals: SharedRefusals | None = None
        self.loaded = self.ended = False
        self.owner: Owner | None = None
        self.limits: set[str] = set()

    def end(self) -> bool:
        """Note, under the engine's lock, that it is over; True the first time, if it is shared."""
        first, self.ended = not self.ended, True
        return first and self.flow is None

    def settle(self, outcome: Any) -> None:
        """Wake everybody who waits, once: a later outcome is dropped."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    @property
    def orphaned(self) -> bool:
        """Whether what carried it has ended."""
        return self.owner is not None and not self.owner.alive()

    def over(self, now: Instant) -> bool:
        """Whether it is done, past its deadline, or without anything that carries it."""
        return self.outcome.done() or now.monotonic >= self.deadline or self.orphaned


@dataclass(frozen=True, slots=True)
class Launch:
    """Run a flight in the background; answered by None."""

    flight: Flight


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for a flight's outcome, until a monotonic time at the latest; answered by None."""

    flight: Flight
    until: float


@dataclass(frozen=True, slots=True)
class Enter:
    """Wait for a place under a limit, such as an endpoint's request slots; answered by None."""

    name: str
    most: int


T = TypeVar("T")
ManagerStep = Step | Launch | Wait | Enter
Procedure = Generator[ManagerStep, Any, T]
"""A flow of the manager's own: it may also launch flights and wait for them."""
