"""Documented answers of a vendor, and what has to come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from oauthreg._errors import AuthorizationError
from oauthreg._flow import TokenResponse
from oauthreg.testing._kit.answers import NOW, Event, expect

if TYPE_CHECKING:
    from oauthreg._registration import AuthorizedClient
    from oauthreg.testing._kit.cases import Case

CLOSE = 1.0
"""Seconds by which a lifetime may differ from the documented one."""


@dataclass(frozen=True)
class Sample:
    """An answer as the vendor documents it, and what `authorize` has to make of it.

    Attributes:
        answer: The answer in the token's place; or the answers to all requests of the flow.
        token: The access token.
        token_type: The scheme of its Authorization header.
        lifetime: Its seconds of life.
        scopes: What was granted.
        api_uri: Where the API is.
        hint: Words of the error's hint; with it, the answer has to be an error.
        error: The error's code.
        status: The error's status.
        retryable: Whether asking again may help.
        correlation_id: The vendor's id of the request, in the error.
        case: The name of the case in `cases` whose answer it is; the first without it.
        now: When it was answered: seconds since the epoch, or ISO 8601.
    """

    answer: TokenResponse | Sequence[TokenResponse]
    token: str | None = None
    token_type: str | None = None
    lifetime: float | None = None
    scopes: Sequence[str] | None = None
    api_uri: str | None = None
    hint: str | None = None
    error: str | None = None
    status: int | None = None
    retryable: bool | None = None
    correlation_id: str | None = None
    case: str | None = None
    now: float | str = field(default=NOW, kw_only=True)

    def __post_init__(self) -> None:
        wrong = self.grants and self.refuses
        if wrong or not (self.grants or self.refuses):
            raise TypeError(
                "a Sample says what comes of its answer: token, token_type, lifetime, scopes and "
                "api_uri, or hint, error, status, retryable and correlation_id"
            )

    @property
    def grants(self) -> bool:
        """Whether a token has to come of it."""
        wanted = (self.token, self.token_type, self.lifetime, self.scopes, self.api_uri)
        return any(value is not None for value in wanted)

    @property
    def refuses(self) -> bool:
        """Whether an error has to come of it."""
        wanted = (self.hint, self.error, self.status, self.retryable, self.correlation_id)
        return any(value is not None for value in wanted)

    @property
    def time(self) -> float:
        """When it was answered, in seconds since the epoch."""
        if isinstance(self.now, str):
            return datetime.fromisoformat(self.now).timestamp()
        return self.now

    def script(self, before: Sequence[Event]) -> Sequence[Event]:
        """Return the answers of one flow that ends with this one."""
        if isinstance(self.answer, TokenResponse):
            return [*before[:-1], self.answer]
        return self.answer


def check_sample(sample: Sample, case: Case) -> set[str]:
    """Check that the documented comes of an answer, and return the hints that were used."""
    tried = case.at(sample.time, sample.script(case.script))
    hints = HintsUsed(case.plugin.error_hints)
    outcome, _ = tried.outcome(prepare=lambda plugin: vars(plugin).update(error_hints=hints))
    if isinstance(outcome, AuthorizationError):
        expect(sample.refuses, f"{sample.answer!r} was refused: {outcome}")
        _check_error(sample, outcome)
    else:
        expect(sample.grants, f"{sample.answer!r} was taken for a token")
        _check_client(sample, outcome)
    return hints.used


class HintsUsed(dict[str, Any]):
    """The hints of a plugin; notes which are used."""

    def __init__(self, hints: Mapping[str, Any]) -> None:
        super().__init__(hints)
        self.used: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.used.add(key)
        return super().__getitem__(key)


def _check_client(sample: Sample, client: AuthorizedClient) -> None:
    token = client.access_token
    lifetime = (token.expires_at - token.issued_at).total_seconds()
    found: Mapping[str, Any] = {
        "token": token.token_value,
        "token_type": client.authorization.partition(" ")[0],
        "scopes": token.scopes,
        "api_uri": client.api_uri,
    }
    _compare(sample, found)
    if sample.lifetime is not None:
        close = abs(lifetime - sample.lifetime) <= CLOSE
        expect(close, f"{sample.answer!r}: lifetime is {lifetime:g}, not {sample.lifetime:g}")


def _check_error(sample: Sample, error: AuthorizationError) -> None:
    found = {
        "error": getattr(error, "error", None),
        "status": getattr(error, "status", None),
        "retryable": error.retryable,
        "correlation_id": getattr(error, "correlation_id", None),
    }
    _compare(sample, found)
    fits = sample.hint is None or sample.hint in (error.hint or "")
    expect(fits, f"{sample.answer!r}: the hint is {error.hint!r}, without {sample.hint!r}")


def _compare(sample: Sample, found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        wanted = getattr(sample, name)
        wanted = tuple(wanted) if name == "scopes" and wanted is not None else wanted
        fits = wanted is None or value == wanted
        expect(fits, f"{sample.answer!r}: {name} is {value!r}, not {wanted!r}")
