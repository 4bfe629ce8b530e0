"""What happens inside a manager, as frozen records: `manager.subscribe(kinds, listener)`.

Every record is also a line of the logger `oauthreg`, at the level that docs/events.md names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

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
    "LoginNotKept",
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
class LoginNotKept(Event):
    """A user logged in, and the store does not take the login: it ends with this process.

    Attributes:
        reason: Why.
    """

    reason: str


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


Listener = Callable[[Any], object]
