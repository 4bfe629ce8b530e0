"""What the renewal engine tells: one frozen record per decision, to one callback and the log."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from oauthreg._errors import AuthorizationError

__all__ = [
    "BackingOff",
    "Event",
    "Failed",
    "Fetched",
    "LifeTooShort",
    "LifetimeAssumed",
    "Listener",
    "Rejected",
    "Renewed",
    "ScopesChanged",
    "Served",
    "WarmUp",
]

logger = logging.getLogger("oauthreg")
LOW_LIFE = 0.20


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of all events.

    Attributes:
        registration_id: The registration concerned; `provider.<name>` for a provider's metadata.
    """

    registration_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Served(Event):
    """A token was handed out without waiting; told only while somebody listens.

    Attributes:
        stale: Whether a renewal was due.
    """

    stale: bool


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
    """

    error: AuthorizationError
    retry_after: float
    life_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackingOff(Event):
    """A caller was refused without a request, because an earlier failure is waited out.

    Attributes:
        error: The earlier failure.
        retry_after: Seconds until the next try.
    """

    error: AuthorizationError
    retry_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(Event):
    """An API refused a token.

    Attributes:
        strikes: Fresh tokens refused in a row; 0 for the first.
        retry_after: Seconds until the token is renewed.
        audience: The audience that was asked for.
        scopes: The scopes that were granted.
    """

    strikes: int
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
    """A caller asks for more life than the server grants; told once per token key.

    Attributes:
        min_ttl: Seconds asked for.
        lifetime: Seconds that tokens live.
    """

    min_ttl: float
    lifetime: float


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
Listener = Callable[[Event], None]


def tell(event: E, listener: Callable[[E], object] | None) -> None:
    """Log an event and hand it to the listener, whose own exception is logged and goes no further.

    Never called on the hit path, nor with a lock held.
    """
    with contextlib.suppress(Exception):  # whatever a filter or handler of the program raises
        level, text = _words(event)
        if level is not None:
            logger.log(level, "%s: %s", event.registration_id, text)
    if listener is None:
        return
    try:
        listener(event)
    except Exception:
        with contextlib.suppress(Exception):
            logger.exception("a listener failed on %s", type(event).__name__)


def _words(event: Event) -> tuple[int | None, str]:  # noqa: PLR0911 - one return per event
    match event:
        case Renewed() | Fetched():
            what = "renewed" if isinstance(event, Renewed) else "fetched"
            took = f"in {event.seconds:.3f} s, lives {event.lifetime:.0f} s"
            return logging.DEBUG, f"{_thing(event)} {what} {took}"
        case Failed(life_left=left):
            error = event.error.copy(registration_id=None)
            text = f"{error}; next try in {event.retry_after:.1f} s"
            if left is None:
                return logging.ERROR, f"no {_thing(event)}: {text}"
            level = logging.INFO if left > LOW_LIFE else logging.WARNING
            thing = _thing(event)
            return level, f"renewal failed with {left:.0%} of the old {thing}'s life left: {text}"
        case Rejected(strikes=1):
            scopes = " ".join(event.scopes) or "none"
            return logging.WARNING, (
                "the API refused a fresh token as well; is it meant for this API? "
                f"audience: {event.audience or 'none'}, scopes: {scopes}"
            )
        case ScopesChanged():
            asked, granted = " ".join(event.asked), " ".join(event.granted)
            return logging.INFO, f"asked for scope {asked!r}, was granted {granted!r}"
        case LifetimeAssumed():
            return logging.DEBUG, f"the server named no lifetime, {event.lifetime:.0f} s assumed"
        case LifeTooShort():
            return logging.WARNING, (
                f"min_ttl of {event.min_ttl:.0f} s is more than the server grants: "
                f"its tokens live {event.lifetime:.0f} s"
            )
    return None, ""


def _thing(event: Event) -> str:
    return "metadata" if event.registration_id.startswith("provider.") else "token"
