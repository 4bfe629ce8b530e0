"""A manager's events as metrics and spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from oauthreg._errors import InvalidTokenResponseError
from oauthreg.events import (
    FlightEnded,
    FlightStarted,
    Rejected,
    RequestAnswered,
    RequestSent,
    Served,
    StoreAnswered,
)
from oauthreg.telemetry._catalogue import ERROR, FETCH_SPAN, LOADED, OPERATION, OUTCOME, STATUS
from oauthreg.telemetry._values import (
    answer_error,
    error_type,
    of_answer,
    of_event,
    of_request_span,
)

if TYPE_CHECKING:
    from oauthreg._errors import AuthorizationError
    from oauthreg.events import Event
    from oauthreg.telemetry._metrics import Instruments

KINDS = (FlightStarted, FlightEnded, RequestSent, Rejected, StoreAnswered)
MOST_FLIGHTS = 10_000


@dataclass(slots=True)
class _Flight:
    """A fetch in progress: its span, its last request's span, and that one's answer."""

    span: Span
    request: Span | None = None
    answer: RequestAnswered | None = None


class EventListener:
    """Counts the events of one manager, and traces its fetches.

    What came of a request is known when its fetch goes on or ends: a success may have no token.

    Args:
        instruments: Counters.
        tracer: Makes spans.
    """

    def __init__(self, instruments: Instruments, tracer: Tracer) -> None:
        self._instruments = instruments
        self._tracer = tracer
        self._flights: dict[int | None, _Flight] = {}

    def __call__(self, event: Event) -> None:
        """Take an event."""
        match event:
            case Served():
                self._instruments.served(1, of_event(event))
            case Rejected():
                self._instruments.rejections(1, of_event(event))
            case StoreAnswered(operation=operation, reason=reason):
                outcome = "failure" if reason is not None else "success"
                self._instruments.store(1, {OPERATION: operation, OUTCOME: outcome})
            case FlightStarted():
                self._started(event)
            case FlightEnded():
                self._ended(event)
            case RequestAnswered():
                self._answered(event)
            case RequestSent():
                self._sent(event)

    def _started(self, event: FlightStarted) -> None:
        """Begin a trace of its own, which leads to the caller who started the fetch."""
        caller = get_current_span().get_span_context()
        span = self._tracer.start_span(
            FETCH_SPAN,
            Context(),
            SpanKind.INTERNAL,
            of_event(event),
            [Link(caller)] if caller.is_valid else None,
        )
        self._flights[event.flight] = _Flight(span)
        if len(self._flights) > MOST_FLIGHTS:  # of a parent process, or of a loop that stopped
            oldest = self._flights.pop(next(iter(self._flights)), None)
            if oldest is not None:
                oldest.span.end()

    def _sent(self, event: RequestSent) -> None:
        flight = self._flights.get(event.flight)
        if flight is None:
            return
        again = flight.answer is not None and flight.answer.url == event.url
        self._count_last(flight, InvalidTokenResponseError("") if again else None)
        flight.request = self._tracer.start_span(
            event.method,
            set_span_in_context(flight.span, Context()),
            SpanKind.CLIENT,
            of_request_span(event),
        )

    def _answered(self, event: RequestAnswered) -> None:
        flight = self._flights.get(event.flight)
        if flight is None:  # of a login, or of a fetch that was given up
            self._count(event, None)
            return
        flight.answer = event
        if flight.request is not None and event.status is not None:
            flight.request.set_attribute(STATUS, event.status)
        _end(flight.request, answer_error(event, None))
        flight.request = None

    def _ended(self, event: FlightEnded) -> None:
        flight = self._flights.pop(event.flight, None)
        if flight is None:
            return
        self._count_last(flight, event.error)
        error = error_type(event.error) if event.error is not None else None
        _end(flight.request, error or event.outcome)
        got = event.outcome in {"fetched", "loaded"}
        outcome = "success" if got else "failure" if error else event.outcome
        flight.span.set_attribute(OUTCOME, outcome)
        if got:
            flight.span.set_attribute(LOADED, event.outcome == "loaded")
        _end(flight.span, error)

    def _count_last(self, flight: _Flight, failure: AuthorizationError | None) -> None:
        answer, flight.answer = flight.answer, None
        if answer is not None:
            self._count(answer, failure)

    def _count(self, event: RequestAnswered, failure: AuthorizationError | None) -> None:
        attributes: Any = of_answer(event, answer_error(event, failure))
        self._instruments.requests(1, attributes)
        self._instruments.duration.record(event.seconds, attributes)


def _end(span: Span | None, error: str | None) -> None:
    if span is None:
        return
    if error is not None:
        span.set_attribute(ERROR, error)
        span.set_status(Status(StatusCode.ERROR, error))
    span.end()
