"""The records of a store, each kind under names of its own. Times are seconds on its clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from oauthreg._errors import TokenEndpointError
from oauthreg._flow import NOTHING
from oauthreg._shared.clock import TOLERANCE, elapsed
from oauthreg._tokens import AccessToken, RefreshToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg.stores import Reading

REMEMBERED_REJECTIONS = 8
LOGIN_SECONDS = 90 * 86_400.0
NAMING_SECONDS = 400 * 86_400.0
LONGEST_FAILURE = 3_660.0
MOST_SENT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """An access token and its life.

    Attributes:
        token_value: The token itself.
        token_type: `Bearer` or `DPoP`.
        scopes: What was granted.
        api_uri: The address of the API that it is for, if the token answer named it.
        extra: The other fields of the token answer.
        start: When its request was started.
        lifetime: Seconds from the start to its end by the server's word.
        end: When it ends.
        login: The `LoginEntry.id` of the login by which it was fetched; empty if by none.
        rest: Fields of a later version, kept as they are.
    """

    token_value: str = field(repr=False)
    token_type: str
    scopes: tuple[str, ...]
    api_uri: str | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING, repr=False)
    start: Reading
    lifetime: float
    end: float
    login: str = ""
    rest: Mapping[str, Any] = field(default_factory=lambda: NOTHING, repr=False)

    @classmethod
    def of(cls, token: AccessToken, start: Reading, login: str = "") -> StoredToken:
        """Return a token as it is stored, its request started at this time of the store."""
        lifetime = (token.expires_at - token.issued_at).total_seconds()
        return cls(
            token_value=token.token_value,
            token_type=token.token_type,
            scopes=token.scopes,
            api_uri=token.api_uri,
            extra=token.extra,
            start=start,
            lifetime=lifetime,
            end=start.time + lifetime,
            login=login,
        )

    def age(self, now: Reading) -> float | None:
        """Return the seconds since the start of its request; None if the clock was set back."""
        passed = elapsed(self.start, now)
        if passed is None:
            return None
        return max(passed, self.lifetime - (self.end - now.time))

    def access_token(self, age: float, now: datetime) -> AccessToken:
        """Return it as a token of this process.

        Args:
            age: Its age in seconds.
            now: This process's own time, aware UTC.
        """
        issued_at = now - timedelta(seconds=age)
        return AccessToken(
            token_value=self.token_value,
            token_type=self.token_type,
            scopes=self.scopes,
            issued_at=issued_at,
            expires_at=issued_at + timedelta(seconds=self.lifetime),
            api_uri=self.api_uri,
            extra=self.extra,
        )


@dataclass(frozen=True, slots=True)
class Rejection:
    """A token that an API refused.

    Attributes:
        fingerprint: The token's, by `Names.fingerprint`.
        end: When that token ends by itself.
    """

    fingerprint: str
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEntry:
    """What processes share of one token key.

    Attributes:
        token: The newest token, if there is one.
        rejections: Tokens that an API refused, the newest last.
        refused_in_a_row: How many fresh tokens were refused, one after the other.
        last_rejection: When the last one was.
        renew_at: Before which no token is fetched in place of a refused one.
        rest: Fields of a later version, kept as they are.
    """

    token: StoredToken | None = None
    rejections: tuple[Rejection, ...] = ()
    refused_in_a_row: int = 0
    last_rejection: float = 0.0
    renew_at: float = 0.0
    rest: Mapping[str, Any] = field(default_factory=lambda: NOTHING, repr=False)

    @property
    def end(self) -> float:
        """When nothing in it is of use any more."""
        token_end = self.token.end if self.token is not None else 0.0
        return max([token_end, self.renew_at, *(one.end for one in self.rejections)])

    def is_rejected(self, fingerprint: str) -> bool:
        """Whether an API refused the token with this fingerprint."""
        return any(one.fingerprint == fingerprint for one in self.rejections)

    def with_rejections(self, new: tuple[Rejection, ...], now: float) -> AccessEntry:
        """Return it with more rejections: those that have not ended, the last eight."""
        known = {one.fingerprint: one for one in (*self.rejections, *new)}
        living = tuple(one for one in known.values() if one.end > now)
        return replace(self, rejections=living[-REMEMBERED_REJECTIONS:])


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginEntry:
    """A user's login, or the refresh tokens that follow one from the settings.

    Attributes:
        refresh_token: The newest refresh token; None if the login was ended (`logout`, `revoke`)
            or the server refused its token: it is kept so that no older copy is taken for it.
        sent: How often the refresh token was sent without an answer: marked before each request,
            taken back if nothing was sent; at most twice.
        used: When it was last used.
        ends: When the server said that the login ends; None if it did not say.
        extra: What else belongs to the login, such as its user's name.
        id: Made at random when the user logs in, and kept while its tokens are renewed: access
            tokens of another login under the same name are not used. Empty after a logout.
        rest: Fields of a later version, kept as they are.
    """

    refresh_token: RefreshToken | None
    sent: int = 0
    used: float = 0.0
    ends: float | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING, repr=False)
    id: str = ""
    rest: Mapping[str, Any] = field(default_factory=lambda: NOTHING, repr=False)

    @property
    def end(self) -> float:
        """When it is forgotten: 90 days after its last use, unless the server said."""
        return self.ends if self.ends is not None else self.used + LOGIN_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRecord:
    """A refusal that a server said: it counts for every process until it ends.

    Attributes:
        said: When.
        until: Until when nobody asks again.
        status: The HTTP status.
        message: What happened, in words.
        details: The other fields of the error, by name.
        rest: Fields of a later version, kept as they are.
    """

    said: float
    until: float
    status: int
    message: str
    details: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    rest: Mapping[str, Any] = field(default_factory=lambda: NOTHING, repr=False)

    DETAILS = ("error", "error_description", "error_uri", "endpoint", "hint")

    def left(self, now: Reading) -> float:
        """Return the seconds for which it still counts, at most about an hour.

        A failure of the future counts for nothing: the clock was set back since.
        """
        if self.said > now.time + TOLERANCE:
            return 0.0
        return min(max(0.0, self.until - now.time), LONGEST_FAILURE)

    @classmethod
    def of(cls, error: TokenEndpointError, said: float, until: float) -> FailureRecord:
        """Return the record of an error, without what concerns one registration only."""
        details = {name: getattr(error, name) for name in cls.DETAILS}
        return cls(
            said=said,
            until=until,
            status=error.status,
            message=error.message,
            details={name: value for name, value in details.items() if value is not None},
        )

    def error(self, **fields: Any) -> TokenEndpointError:
        """Return a new error of this failure, with further fields of an `AuthorizationError`."""
        whole: dict[str, Any] = {**self.details, **fields}
        return TokenEndpointError(self.message, status=self.status, **whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamingKey:
    """The key that makes a store's names.

    Attributes:
        key: The key.
        saved: When it was last saved.
        rest: Fields of a later version, kept as they are.
    """

    key: bytes = field(repr=False)
    saved: float
    rest: Mapping[str, Any] = field(default_factory=lambda: NOTHING, repr=False)

    @property
    def end(self) -> float:
        """When it is forgotten: long after everything that was named by it."""
        return self.saved + NAMING_SECONDS


Content = AccessEntry | LoginEntry | FailureRecord | NamingKey


def received_at(token: RefreshToken) -> float:
    """Return when a refresh token was received, in seconds since the epoch."""
    return token.issued_at.timestamp()


def refresh_token(value: str, issued_at: float) -> RefreshToken:
    """Return a refresh token received at this time, in seconds since the epoch."""
    return RefreshToken(token_value=value, issued_at=datetime.fromtimestamp(issued_at, UTC))
