"""A flight's request, with what listeners are told of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from oauthreg._errors import AuthorizationError
from oauthreg._protocol.error_words import error_words
from oauthreg._renewal.fetches import labels
from oauthreg.events import RequestAnswered, RequestSent

if TYPE_CHECKING:
    from oauthreg._flow import TokenRequest, TokenResponse
    from oauthreg._renewal.clocks import Clocks
    from oauthreg._renewal.flight import Flight, Procedure
    from oauthreg._subscriptions import Subscriptions


def reported(
    flight: Flight, request: TokenRequest, clocks: Clocks, events: Subscriptions
) -> Procedure[TokenResponse]:
    """Have a request of a flight sent, and publish that and its answer.

    Raises:
        AuthorizationError: there was no answer.
    """
    flight.started = started = clocks.now()
    flight.attempts += 1
    facts = {
        "attempt": flight.attempts,
        "method": request.method,
        "url": request.url.partition("?")[0],
        **labels(flight.fetch, flight),
    }
    if events.wants(RequestSent):
        events.publish(RequestSent(**facts))
    status, code, failure = None, None, None
    try:
        response: TokenResponse = yield request
        status = response.status
        if status >= HTTPStatus.BAD_REQUEST and events.wants(RequestAnswered):
            code = error_words(response).code
    except AuthorizationError as error:
        failure = error.copy()
        raise
    finally:
        if events.wants(RequestAnswered):
            events.publish(
                RequestAnswered(
                    status=status,
                    error=failure,
                    error_code=code,
                    seconds=clocks.monotonic() - started.monotonic,
                    **facts,
                )
            )
    return response
