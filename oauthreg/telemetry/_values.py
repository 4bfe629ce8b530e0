"""The attributes of one event, as the catalogue names them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from oauthreg._errors import AuthorizationError, TokenEndpointError
from oauthreg.telemetry._catalogue import (
    ADDRESS,
    ERROR,
    ERROR_CODES,
    GRANT,
    METHOD,
    OTHER,
    OUTCOME,
    PORT,
    PROVIDER,
    REGISTRATION,
    RESENT,
    STATUS,
)

if TYPE_CHECKING:
    from oauthreg.events import Event, RequestAnswered, RequestSent

Attributes = dict[str, str | int | bool]


def of_registration(registration_id: str, provider: str | None, grant: str | None) -> Attributes:
    """Return the attributes that everything about a registration has."""
    found = {REGISTRATION: registration_id, PROVIDER: provider, GRANT: grant}
    return {name: value for name, value in found.items() if value is not None}


def of_event(event: Event) -> Attributes:
    """Return the attributes of an event's registration."""
    return of_registration(event.registration_id, event.provider, event.grant)


def error_type(error: AuthorizationError) -> str:
    """Return the `error.type` of a failure."""
    if not isinstance(error, TokenEndpointError):
        return type(error).__name__
    return _code(error.error) if error.error else str(error.status)


def answer_error(event: RequestAnswered, failure: AuthorizationError | None) -> str | None:
    """Return the `error.type` of a request, None if it succeeded.

    Args:
        event: Its answer.
        failure: Why its flight failed, if this was its last request.
    """
    if event.error_code:
        return _code(event.error_code)
    if event.error is not None:
        return error_type(event.error)
    if event.status is None:
        return error_type(failure) if failure is not None else OTHER
    if event.status >= HTTPStatus.MULTIPLE_CHOICES:
        return str(event.status)
    return error_type(failure) if failure is not None else None


def of_answer(event: RequestAnswered, error: str | None) -> Attributes:
    """Return the attributes of a request's metrics."""
    found = of_event(event) | {OUTCOME: "failure" if error else "success"}
    optional: Mapping[str, str | int | None] = {
        ERROR: error,
        STATUS: event.status,
        ADDRESS: urlsplit(event.url).hostname,
    }
    return found | {name: value for name, value in optional.items() if value is not None}


def of_request_span(event: RequestSent) -> Attributes:
    """Return the attributes that a request's span begins with."""
    address = urlsplit(event.url)
    optional: Mapping[str, str | int | None] = {
        METHOD: event.method,
        ADDRESS: address.hostname,
        PORT: address.port,
        RESENT: event.attempt - 1 or None,
    }
    return of_event(event) | {name: value for name, value in optional.items() if value is not None}


def _code(code: str) -> str:
    return code if code in ERROR_CODES else OTHER
