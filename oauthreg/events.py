"""What happens inside a manager, as frozen records: `manager.subscribe(kinds, listener)`.

Every record is also a line of the logger `oauthreg`, at the level that docs/events.md names.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from oauthreg._errors import AuthorizationError

__all__ = [
    "AudienceFound",
    "BackingOff",
    "Event",
    "Failed",
    "Fetched",
    "FlightEnded",
    "FlightStarted",
    "Introspected",
    "LifeTooShort",
    "LifetimeAssumed",
    "Listener",
    "LoadedFromStore",
    "LoggedIn",
    "RefreshTokenNotKept",
    "Rejected",
    "Renewed",
    "RequestAnswered",
    "RequestSent",
    "Revoked",
    "ScopesChanged",
    "Served",
    "StoreAnswered",
    "StoreFailed",
    "StoreMissed",
    "WarmUp",
]

logger = logging.getLogger("oauthreg")
LOW_LIFE = 0.20


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of all events.

    Attributes:
        registration_id: The registration concerned; `provider.<name>` for a provider's metadata.
        provider: The provider's name.
        grant: The grant, as settings name it; None for metadata.
        endpoint: The address that is asked, without its query.
        flight: The number of the fetch in progress that it belongs to, in this process; None
            where there is none.
    """

    registration_id: str
    provider: str | None = None
    grant: str | None = None
    endpoint: str | None = None
    flight: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served(Event):
    """A token was handed out without waiting. Whoever subscribes to it makes every hit dearer.

    Attributes:
        stale: Whether a renewal was due.
    """

    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightStarted(Event):
    """A fetch was started.

    Attributes:
        waited: Whether a caller waits for it; otherwise it renews a token that is still served.
    """

    waited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightEnded(Event):
    """A fetch is over, whatever came of it; exactly once for each `FlightStarted`.

    It comes before those who wait are woken, and before `Fetched`, `Failed` and the like.

    Attributes:
        outcome: `fetched`; `loaded` from the store; `failed`; or `abandoned`, where another process
            fetches, or nothing carries it any more.
        error: What went wrong; None unless it failed.
    """

    outcome: Literal["fetched", "loaded", "failed", "abandoned"]
    error: AuthorizationError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSent(Event):
    """A request is sent to an authorization server.

    Attributes:
        attempt: The number of this request within its flight, from 1.
        method: `GET` or `POST`.
        url: Its address, without its query.
    """

    attempt: int
    method: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswered(RequestSent):
    """A request was answered, or failed.

    Attributes:
        status: The HTTP status; None if there was no answer.
        error: Why there was none.
        error_code: The error code of an answer with an error status; None if it has none.
        seconds: From sending it to the end of its answer.
    """

    status: int | None
    error: AuthorizationError | None
    error_code: str | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched(Event):
    """A token was fetched while callers waited for it.

    Attributes:
        seconds: From the start of the flight to its end.
        lifetime: Seconds that the token lives from the start of its request.
    """

    seconds: float
    lifetime: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed(Fetched):
    """A token was renewed while the old one was still served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Event):
    """A flight failed.

    Attributes:
        error: What went wrong.
        retry_after: Seconds until the next try.
        life_left: The share of the old token's lifetime that remains; None without a token.
        raised: Whether callers get the error as an exception.
    """

    error: AuthorizationError
    retry_after: float
    life_left: float | None
    raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BackingOff(Event):
    """A caller was refused without a request, because of an earlier failure.

    Attributes:
        error: The earlier failure.
        retry_after: Seconds until the next try.
    """

    error: AuthorizationError
    retry_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(Event):
    """An API rejected a token.

    Attributes:
        rejections: How many fresh tokens in a row were rejected before this one; 0 for the first.
        retry_after: Seconds until the token is renewed.
        audience: The audience that was asked for.
        scopes: The scopes that were granted.
    """

    rejections: int
    retry_after: float
    audience: str | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopesChanged(Event):
    """The server granted other scopes than were asked for.

    Attributes:
        asked: What was asked for.
        granted: What was granted.
    """

    asked: tuple[str, ...]
    granted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LifetimeAssumed(Event):
    """The answer did not say how long its token lives.

    Attributes:
        lifetime: Seconds assumed instead: `default-lifetime`.
    """

    lifetime: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeTooShort(Event):
    """A caller asks for more life than the server grants; reported once per token key.

    Attributes:
        min_ttl: Seconds asked for.
        lifetime: Seconds that tokens live.
    """

    min_ttl: float
    lifetime: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceFound(Event):
    """The server refused an assertion for its issuer, and took one for another audience.

    Attributes:
        audience: What to write as `assertion-audience`, to save the refused request.
    """

    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTokenNotKept(Event):
    """The server replaced the settings' refresh token, and this process forgets it at its end.

    After a restart the token in the settings is sent again, which the server may refuse
    (RFC 9700 section 4.14). Reported once per refresh token of the settings.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFailed(Event):
    """The store failed: this process fetches for itself, and leaves the store alone for a while.

    Attributes:
        operation: What was tried: `load`, `lease` or `save`.
        reason: Why it failed.
        retry_after: Seconds until the store is tried again.
    """

    operation: str
    reason: str
    retry_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAnswered(Event):
    """A call of the store is done.

    Attributes:
        operation: What it was: `load`, `lease` or `save`.
        reason: Why it failed; None if it did not.
        seconds: How long it took.
    """

    operation: str
    reason: str | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreMissed(Event):
    """Something stands in the store that this process cannot use.

    Attributes:
        reason: Why.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFromStore(Event):
    """A token was taken from the store, so that none had to be fetched.

    Attributes:
        seconds: From the start of the flight to its end.
        life_left: Seconds until the server's expiry.
    """

    seconds: float
    life_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn(Event):
    """A user logged in, and their tokens are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspected(Event):
    """The authorization server was asked about a token (RFC 7662).

    Attributes:
        active: Its answer.
    """

    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked(Event):
    """A token was dropped, and the authorization server was asked to end it (RFC 7009).

    Attributes:
        error: Why the server did not; None if it did.
    """

    error: AuthorizationError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp(Event):
    """An eager registration was authorized at start-up, or could not be.

    Attributes:
        done: How many are done, this one included.
        total: How many there are.
        error: Why there is no token for it; None if there is one.
    """

    done: int
    total: int
    error: Exception | None


E = TypeVar("E", bound=Event)
Listener = Callable[[Any], object]


class Subscriptions:
    """The listeners of one manager, each with the kinds of events that it asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[tuple[tuple[type[Event], ...], Listener], ...] = ()

    def add(self, kinds: Iterable[type[Event]] | type[Event], listener: Listener) -> None:
        """Call a listener with every event of these kinds and their subclasses from now on.

        Raises:
            TypeError: a kind is no event class, or the listener cannot be called.
        """
        wanted = (kinds,) if isinstance(kinds, type) else tuple(kinds)
        if not wanted or not all(map(_is_kind, wanted)):
            raise TypeError("kinds must be event classes of oauthreg.events: one, or several")
        if not callable(listener):
            raise TypeError("the listener must be callable with one event")
        with self._lock:
            self._listeners = (*self._listeners, (wanted, listener))

    def remove(self, listener: Listener) -> None:
        """Call a listener no more."""
        with self._lock:
            self._listeners = tuple(one for one in self._listeners if one[1] is not listener)

    def wants(self, kind: type[Event]) -> bool:
        """Whether anybody asked for this kind."""
        return any(issubclass(kind, wanted) for wanted, _ in self._listeners)

    def publish(self, event: Event) -> None:
        """Log an event and hand it to its listeners. Never called with a lock held.

        A listener's exception is logged and goes no further.
        """
        log(event)
        for wanted, listener in self._listeners:
            if isinstance(event, wanted):
                notify(event, listener)


def _is_kind(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Event)


def notify(event: E, listener: Callable[[E], object]) -> None:
    """Call one listener; its exception is logged and goes no further."""
    try:
        listener(event)
    except Exception:
        with contextlib.suppress(Exception):
            logger.exception("a listener failed on %s", type(event).__name__)


def log(event: Event) -> None:
    """Write an event to the logger `oauthreg`."""
    with contextlib.suppress(Exception):  # whatever a filter or handler of the program raises
        level, text = _words(event)
        if level is not None and logger.isEnabledFor(level):
            logger.log(level, "%s: %s", event.registration_id, text)


def _words(event: Event) -> tuple[int | None, str]:  # noqa: PLR0911 - one return per event
    match event:
        case Renewed() | Fetched():
            what = "renewed" if isinstance(event, Renewed) else "fetched"
            took = f"in {event.seconds:.3f} s, lives {event.lifetime:.0f} s"
            return logging.DEBUG, f"{_thing(event)} {what} {took}"
        case Failed():
            return _failure(event)
        case Rejected(rejections=1):
            scopes = " ".join(event.scopes) or "none"
            return logging.WARNING, (
                "the API rejected a fresh token as well; is it meant for this API? "
                f"audience: {event.audience or 'none'}, scopes: {scopes}"
            )
        case ScopesChanged():
            asked, granted = " ".join(event.asked), " ".join(event.granted)
            return logging.INFO, f"asked for scope {asked!r}, was granted {granted!r}"
        case LifetimeAssumed():
            return logging.DEBUG, f"the answer has no lifetime, {event.lifetime:.0f} s assumed"
        case LifeTooShort():
            return logging.WARNING, (
                f"min_ttl of {event.min_ttl:.0f} s is more than the server grants: "
                f"its tokens live {event.lifetime:.0f} s"
            )
        case AudienceFound() | RefreshTokenNotKept():
            return _advice(event)
        case StoreFailed() | StoreMissed() | LoadedFromStore():
            return _about_store(event)
        case Revoked(error=error) if error is not None:
            return logging.DEBUG, f"dropped a token that the server did not revoke: {error}"
    return None, ""


def _advice(event: AudienceFound | RefreshTokenNotKept) -> tuple[int, str]:
    if isinstance(event, AudienceFound):
        return logging.INFO, (
            "the server refused an assertion whose audience is its issuer, and took the token "
            f"endpoint's address: set registration.{event.registration_id}.assertion-audience = "
            f'"{event.audience}"'
        )
    return logging.WARNING, (
        "the server replaced the refresh token of the settings, and the new one is lost "
        "when this process ends: the old one may be refused then"
    )


def _about_store(event: StoreFailed | StoreMissed | LoadedFromStore) -> tuple[int, str]:
    if isinstance(event, StoreFailed):
        return logging.WARNING, (
            f"the store failed ({event.operation}): {event.reason}; this process goes on without "
            f"it, and tries it again in {event.retry_after:.0f} s"
        )
    if isinstance(event, StoreMissed):
        return logging.INFO, f"what stands in the store is not used: {event.reason}"
    return logging.DEBUG, f"token taken from the store, lives {event.life_left:.0f} s"


def _failure(event: Failed) -> tuple[int, str]:
    """Return how a failure is logged: quietly where callers get it as an exception."""
    error, again = event.error.copy(registration_id=None), f"next try in {event.retry_after:.1f} s"
    left = event.life_left
    if left is None:
        level = logging.DEBUG if event.raised else logging.ERROR
        return level, f"no {_thing(event)}, {again}: {error}"
    level, share = logging.INFO if left > LOW_LIFE else logging.WARNING, f"{left:.0%}"
    return (
        level,
        f"renewal failed with {share} of the {_thing(event)}'s life left, {again}: {error}",
    )


def _thing(event: Event) -> str:
    return "metadata" if event.registration_id.startswith("provider.") else "token"
