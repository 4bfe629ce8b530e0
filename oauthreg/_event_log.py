"""Events as lines of the logger `oauthreg`: which level, which words. docs/events.md lists them."""

from __future__ import annotations

import contextlib
import logging

from oauthreg.events import (
    AudienceFound,
    Event,
    Failed,
    Fetched,
    LifetimeAssumed,
    LifeTooShort,
    LoadedFromStore,
    LoginNotKept,
    RefreshTokenNotKept,
    Rejected,
    Renewed,
    Revoked,
    ScopesChanged,
    StoreFailed,
    StoreMissed,
)

logger = logging.getLogger("oauthreg")
LOW_LIFE = 0.20
"""The share of a token's life from which on a renewal that failed is a warning."""


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
        case StoreFailed() | StoreMissed() | LoadedFromStore() | LoginNotKept():
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


def _about_store(
    event: StoreFailed | StoreMissed | LoadedFromStore | LoginNotKept,
) -> tuple[int, str]:
    if isinstance(event, LoginNotKept):
        return logging.WARNING, f"a login is not kept, and ends with this process: {event.reason}"
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
