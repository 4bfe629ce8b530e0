"""What is kept per key: the value at hand, the flight under way, the brake on rejections."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from oauthreg._renewal.backoff import REJECTION
from oauthreg._secret_values import Secret

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Hashable, Mapping, MutableMapping

    from oauthreg._errors import AuthorizationError
    from oauthreg._registration import AuthorizedClient, HttpProfile
    from oauthreg._renewal.backoff import Scopes
    from oauthreg._renewal.clocks import Instant
    from oauthreg._tokens import RefreshToken

REMEMBERED_REJECTIONS = 8
REMEMBERED_SPOTS = 4096
CALM = 300.0


Hot = tuple["AuthorizedClient", float, float]
"""What the hit path serves: a client, and until when on the wall and the monotonic clock.

A plain tuple, which the interpreter takes apart faster than a named one.
"""

HotTable = dict[Any, Hot]


class Spot(NamedTuple):
    """Where a served client may be kept for the hit path."""

    table: HotTable
    key: Hashable
    room: int | None = None

    def __repr__(self) -> str:
        return "Spot()"  # its key may hold what its caller passed

    def put(self, hot: Hot) -> None:
        """Keep an entry, the oldest of a full table making room."""
        if self.room is not None and len(self.table) >= self.room and self.key not in self.table:
            self.table.pop(next(iter(self.table)), None)
        self.table[self.key] = hot

    def clear(self) -> None:
        """Forget the entry."""
        self.table.pop(self.key, None)


@dataclass(slots=True)
class Held:
    """A value at hand and its life on both clocks.

    Attributes:
        value: An access token or an issuer's metadata.
        started: When its request was started.
        lifetime: Seconds from then until it ends by the server's word.
        stale_after: Seconds from then until a renewal is due.
        expired_after: Seconds from then until it is no longer handed out.
        refresh_token: The refresh token that came with it.
        renew_from: Monotonic seconds from which it must be renewed because an API refused it.
    """

    value: Any = field(repr=False)
    started: Instant
    lifetime: float
    stale_after: float
    expired_after: float
    refresh_token: Any = field(default=None, repr=False)
    renew_from: float | None = None

    def older_than(self, seconds: float, now: Instant) -> bool:
        """Whether either clock says that this age is reached."""
        return (
            now.wall - self.started.wall >= seconds
            or now.monotonic - self.started.monotonic >= seconds
        )

    def left(self, now: Instant) -> float:
        """Return the seconds until the server's expiry, by the less favourable clock."""
        age = max(now.wall - self.started.wall, now.monotonic - self.started.monotonic)
        return self.lifetime - age


class Order(Protocol):
    """What a flight is to bring: identity, limits and how its result is kept."""

    @property
    def key(self) -> str:
        """The key under which the result is shared."""

    @property
    def name(self) -> str:
        """The registration's id, or `provider.<name>` for a provider's metadata."""

    @property
    def provider(self) -> str:
        """The provider's name."""

    @property
    def audience(self) -> str | None:
        """The audience asked for, for the operator who reads of a rejection."""

    @property
    def scopes(self) -> Scopes:
        """Whom its failures concern."""

    @property
    def http(self) -> HttpProfile:
        """How its requests are sent, and how long a flight may take."""

    @property
    def has_local_credential(self) -> bool:
        """Whether a credential may change beside the settings, where a look costs little."""

    def client(self, held: Held) -> AuthorizedClient | None:
        """Return what callers are handed, where it differs from the value itself."""


class Flight:
    """One request in progress, shared by all who wait for it.

    Attributes:
        order: What it is to bring.
        waited: Whether somebody waits with nothing else in hand.
        launched: When it was started.
        deadline: Monotonic seconds at which it is given up.
        started: When its last request was started; the lifetime counts from here.
        outcome: A `Held`, an error as plain data, or None if it was abandoned.
        remembered: For a flight that only looks whether a refused credential changed: the refusal.
        refused: The credentials that are known to be refused.
        outdated: Whether the configuration changed since: its failure then says nothing.
        loop: The event loop whose task it is, for an asynchronous one.
        futures: Per waiting event loop, a future that wakes its tasks.
    """

    __slots__ = (
        "deadline",
        "futures",
        "launched",
        "loop",
        "order",
        "outcome",
        "outdated",
        "refused",
        "remembered",
        "started",
        "waited",
    )

    def __init__(self, order: Any, now: Instant, *, waited: bool) -> None:
        self.order = order
        self.waited = waited
        self.launched = self.started = now
        self.deadline: float = now.monotonic + order.http.total_timeout
        self.outcome: Future[Held | AuthorizationError | None] = Future()
        self.remembered: AuthorizationError | None = None
        self.refused: set[object] = set()
        self.outdated = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self.futures: MutableMapping[asyncio.AbstractEventLoop, asyncio.Future[None]] = {}

    def settle(self, outcome: Held | AuthorizationError | None) -> None:
        """Wake everybody who waits, once: a later outcome is dropped."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    @property
    def orphaned(self) -> bool:
        """Whether its event loop no longer runs."""
        return self.loop is not None and not self.loop.is_running()

    def over(self, now: Instant) -> bool:
        """Whether it is done, past its deadline, or its event loop no longer runs."""
        return self.outcome.done() or now.monotonic >= self.deadline or self.orphaned


class Slot:
    """Everything known under one key. The engine's lock guards it.

    Attributes:
        held: The value at hand.
        flight: The flight under way.
        spots: Where clients of this value are kept for the hit path.
        names: The registrations that asked for this key.
        audience: The audience that was asked for.
        warned: Whether a caller's min_ttl was already found to exceed the lifetime.
        refresh_token: The newest refresh token.
        spent: Refresh tokens that the server refused.
        look_from: Monotonic seconds from which a refused credential may be read again.
    """

    __slots__ = (
        "_last_rejection",
        "_rejected",
        "_spots_at",
        "_strikes",
        "audience",
        "flight",
        "held",
        "look_from",
        "names",
        "refresh_token",
        "spent",
        "spots",
        "warned",
    )

    def __init__(self) -> None:
        self.held: Held | None = None
        self.flight: Flight | None = None
        self.spots: dict[tuple[int, Hashable], Spot] = {}
        self.names: set[str] = set()
        self.refresh_token: RefreshToken | None = None
        self.spent: set[Secret] = set()
        self.audience: str | None = None
        self.warned = False
        self.look_from = float("-inf")
        self._rejected: deque[str] = deque(maxlen=REMEMBERED_REJECTIONS)
        self._spots_at = REMEMBERED_SPOTS
        self._strikes = 0
        self._last_rejection = float("-inf")

    def warm(self, spot: Spot, hot: Hot) -> None:
        """Put a client of this value on the hit path."""
        if len(self.spots) >= self._spots_at:
            kept = [one for one in self.spots.values() if one.key in one.table]
            self.spots = {(id(one.table), one.key): one for one in kept}
            self._spots_at = max(REMEMBERED_SPOTS, 2 * len(kept))
        spot.put(hot)
        self.spots[id(spot.table), spot.key] = spot

    def living(self, now: Instant) -> Held | None:
        """Return what is held, if it has not expired."""
        held = self.held
        return None if held is None or held.older_than(held.expired_after, now) else held

    @property
    def can_renew(self) -> bool:
        """Whether there is a refresh token that the server has not refused."""
        token = self.refresh_token
        return token is not None and Secret(token.token_value) not in self.spent

    def cool(self) -> None:
        """Take this value's clients off the hit path."""
        for spot in self.spots.values():
            spot.clear()
        self.spots.clear()

    def reject(self, digest: str, now: float, chance: Callable[[], float]) -> int | None:
        """Mark the held token as refused by an API; None if that value was refused before.

        The first refusal renews at once. Each further fresh token that is refused within five
        minutes waits longer: one second, doubling to a minute.

        Returns:
            How many fresh tokens were refused in a row before this one.
        """
        if self.held is None or digest in self._rejected:
            return None
        self._rejected.append(digest)
        calm = now - self._last_rejection > CALM
        self._strikes = 0 if calm else self._strikes + 1
        self._last_rejection = now
        wait = REJECTION.interval(self._strikes, chance()) if self._strikes else 0.0
        self.held.renew_from = now + wait
        self.cool()
        return self._strikes

    def state(self, now: Instant) -> Mapping[str, Any]:
        """Describe the slot for `status()`."""
        held = self.living(now)
        if held is None:
            state = "none"
        elif held.renew_from is not None:
            state = "rejected"
        else:
            state = "stale" if held.older_than(held.stale_after, now) else "fresh"
        return {
            "state": state,
            "seconds_left": held.left(now) if held is not None else None,
            "renewing": self.flight is not None and not self.flight.over(now),
        }
