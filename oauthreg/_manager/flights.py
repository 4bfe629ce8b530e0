"""What every flight does, and what its callers wait for, as flows that any runner can drive."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from oauthreg._errors import (
    AuthorizationError,
    ConfigurationError,
    ManagerClosedError,
    WaitTimedOutError,
)
from oauthreg._flow import NeedMetadata, NeedToken, Pause, TokenRequest
from oauthreg._manager.answers import unexpected
from oauthreg._manager.reported import reported
from oauthreg._renewal.engine import too_late
from oauthreg._renewal.fetches import MetadataFetch, TokenFetch
from oauthreg._renewal.flight import (
    FLIGHT_GRACE,
    FROZEN,
    Enter,
    Flight,
    Launch,
    Wait,
)
from oauthreg._renewal.flow_inputs import FlowInputs
from oauthreg._renewal.refusals import NotShared
from oauthreg._renewal.store_rules import is_shared
from oauthreg._renewal.token_flow import token_flow
from oauthreg._tokens import RefreshToken

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._flow import Flow, Step
    from oauthreg._renewal.cache_entry import CachedValue
    from oauthreg._renewal.engine import Decision, Engine
    from oauthreg._renewal.engine_state import EngineState
    from oauthreg._renewal.fetches import Fetch
    from oauthreg._renewal.flight import ManagerStep, Procedure
    from oauthreg._renewal.hot_path import HotKey
    from oauthreg._renewal.sharing import Sharing
    from oauthreg._renewal.token_records import TokenRecords
    from oauthreg._subscriptions import Subscriptions
    from oauthreg.events import Event

T = TypeVar("T")
CALLER_MARGIN = 1.0
"""Seconds that a caller waits longer than a flight takes at most."""


class Flights:
    """The flows of flights, and of the callers that wait for them.

    Args:
        state: Clocks and limits.
        engine: Decides.
        records: Keeps refresh tokens.
        events: Is told of requests.
        token_of: Gives the token of another registration, within so many seconds.

    Attributes:
        sharing: The store, if the settings name one.
        waiting: What each caller waits for who waits for a flight now.
    """

    def __init__(
        self,
        state: EngineState,
        engine: Engine,
        records: TokenRecords,
        events: Subscriptions,
        token_of: Callable[[str, float], Procedure[str]],
    ) -> None:
        self._state = state
        self._engine = engine
        self._records = records
        self._events = events
        self._token_of = token_of
        self.sharing: Sharing | None = None
        self._working: dict[str, int] = {}
        self._token_uri_audiences: set[str] = set()
        self._private: set[Flight] = set()
        self.waiting: dict[object, Fetch] = {}

    def obtain(
        self,
        fetch: Fetch,
        timeout: float,
        *,
        hot_key: HotKey | None = None,
        min_ttl: float = 0.0,
        force: bool = False,
    ) -> Procedure[Decision]:
        """Return what is cached, else wait for the one flight that fetches it.

        Args:
            fetch: What is needed.
            timeout: Seconds that this caller waits.
            hot_key: Where the hit path keeps it.
            min_ttl: Seconds of life that are needed.
            force: Whether a new token is needed.

        Raises:
            AuthorizationError: there is none.
            ManagerClosedError: the manager is closed.
        """
        deadline = self._state.clocks.monotonic() + timeout
        waited = False
        while True:
            decision = self._engine.decide(fetch, hot_key=hot_key, min_ttl=min_ttl, force=force)
            flight = decision.flight
            if flight is not None and decision.start:
                yield from self._launch(flight)
            if decision.cached is not None or flight is None:
                return decision._replace(waited=waited)
            waited = True
            caller = object()
            self.waiting[caller] = fetch
            try:
                deadline = yield from self._wait(flight, deadline, timeout)
            finally:
                del self.waiting[caller]
            outcome = flight.outcome.result()
            if isinstance(outcome, AuthorizationError):
                raise outcome.copy(registration_id=fetch.name, provider=fetch.provider) from None
            if outcome is not None:  # there is no better one: serve it, whatever was asked
                min_ttl, force = 0.0, False

    def private(
        self, fetch: TokenFetch, flow: Procedure[T], seconds: float | None = None
    ) -> Procedure[T]:
        """Run a flow as a flight of one caller: never cached, never shared.

        Args:
            fetch: The registration that it is about.
            flow: The flow.
            seconds: How long it may take; default: the http profile's total.

        Raises:
            AuthorizationError: it failed, or took longer.
            ManagerClosedError: the manager was closed.
        """
        flight = Flight(fetch, self._state.clocks.now(), waited=True, flow=flow)
        if seconds is not None:
            flight.allowed = seconds
        timeout = flight.allowed + CALLER_MARGIN
        self._private.add(flight)
        try:
            yield from self._launch(flight)
            yield from self._wait(flight, self._state.clocks.monotonic() + timeout, timeout)
        finally:
            self._private.discard(flight)
            self._engine.abandon(flight)  # of a caller who left: nothing more is sent
        outcome: Any = flight.outcome.result()
        if isinstance(outcome, AuthorizationError):
            raise outcome.copy(registration_id=fetch.name, provider=fetch.provider) from None
        if self._state.closed and outcome is None:
            raise ManagerClosedError
        if outcome is None:
            raise AuthorizationError("its request was interrupted", retryable=True)
        result: T = outcome[0]
        return result

    def fly(self, flight: Flight) -> Procedure[None]:
        """Do what a flight does, from its request slot to its outcome."""
        fetch = flight.fetch
        try:
            if flight.flow is None and fetch.refresh_chain is not None:
                yield Enter(f"chain {fetch.refresh_chain}", 1)
            slot, sharing = self._slot(flight), self.shared_by(flight.fetch)
            if sharing is not None and flight.flow is None:
                request = partial(self._request_token, flight)
                yield from sharing.fly(flight, slot, request, self)
                return
            yield slot
            self._engine.begin(flight)
            result = yield from self._request_token(flight)
            self._landed(flight, result)
        except AuthorizationError as error:
            self._failed(flight, error)
        except ManagerClosedError:
            self._engine.abandon(flight)
        except Exception as error:  # noqa: BLE001 - those who wait must learn of it
            self._failed(flight, unexpected(error))
        except BaseException:  # nothing carries it any more: whoever waits starts anew
            self._engine.abandon(flight)
            raise

    def inputs(self, fetch: TokenFetch) -> FlowInputs:
        """Return the inputs of a private flow."""
        clocks = self._state.clocks
        return FlowInputs(
            wall=clocks.wall,
            random=clocks.random,
            chain=self._records.refresh_chain(fetch),
            working=self._working,
            token_uri_audiences=self._token_uri_audiences,
            publish=self._events.publish,
        )

    def remaining(self, flight: Flight) -> float:
        """Return the seconds that a flight has left.

        Raises:
            TimedOutError: none.
        """
        left = flight.deadline - self._state.clocks.monotonic()
        if left <= 0:
            raise too_late(flight)
        return left

    def close(self) -> None:
        """Wake the callers of private flights."""
        for flight in list(self._private):
            self._engine.abandon(flight)

    def forget_working(self) -> None:
        """Begin with first credentials and audiences again: the configuration changed."""
        self._working.clear()
        self._token_uri_audiences.clear()

    def _launch(self, flight: Flight) -> Procedure[None]:
        try:
            yield Launch(flight)
        except AuthorizationError as error:
            self._failed(flight, error)
        except BaseException:  # it was never on its way
            self._engine.abandon(flight)
            raise

    def _wait(self, flight: Flight, deadline: float, timeout: float) -> Procedure[float]:
        """Wait for an outcome; return the deadline, a new one if this process stood still."""
        while not flight.outcome.done():
            now = self._state.clocks.monotonic()
            if now >= flight.deadline + FLIGHT_GRACE:
                self._engine.overdue(flight)
            elif now >= deadline:
                raise WaitTimedOutError(
                    f"no token within {timeout:g} s; its request goes on",
                    registration_id=flight.fetch.name,
                    provider=flight.fetch.provider,
                )
            elif flight.orphaned:
                self._engine.abandon(flight)
            else:
                ends = flight.deadline + FLIGHT_GRACE if flight.begun else now + flight.allowed
                until = min(deadline, ends)
                yield Wait(flight, until)
                now = self._state.clocks.monotonic()
                if now > until + FROZEN:
                    deadline = now + timeout
        return deadline

    def _flow_of(self, flight: Flight) -> Flow[Any]:
        fetch = flight.fetch
        if isinstance(fetch, MetadataFetch):
            return fetch.flow(now=self._state.clocks.wall())
        configured = fetch.registration.refresh_token is not None
        inputs = FlowInputs(
            wall=self._state.clocks.wall,
            random=self._state.clocks.random,
            may_retry=lambda: self._engine.may_retry(flight),
            told_to_wait=lambda: self._engine.told_to_wait(flight),
            chain=self._records.refresh_chain(fetch, keep=configured),
            prior_failure=flight.prior_failure,
            refused=flight.refused,
            refusals=flight.refusals or NotShared(),
            working=self._working,
            token_uri_audiences=self._token_uri_audiences,
            publish=self._events.publish,
        )
        return token_flow(fetch, inputs)

    def _answered(self, flight: Flight, flow: Procedure[T]) -> Procedure[T]:
        """Pass a flow's steps on to the runner, but those that other flights answer."""
        try:
            step = next(flow)
            while True:
                if flight.outcome.done():
                    raise too_late(flight)
                try:
                    answer = yield from self._answer(flight, step)
                except AuthorizationError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            flow.close()

    def _answer(self, flight: Flight, step: ManagerStep) -> Procedure[Any]:
        match step:
            case TokenRequest():
                return (yield from reported(flight, step, self._state.clocks, self._events))
            case NeedMetadata(supplement):
                registration = flight.fetch.registration
                details, http = registration.provider, registration.http
                fetch = MetadataFetch(details=details, http=http, supplement=supplement)
                flow: Procedure[Any] = self.obtain(fetch, self.remaining(flight))
                decision = yield from self._without_slot(flight, flow)
                return decision.cached.value
            case NeedToken(registration_id):
                flow = self._nested_token(registration_id, self.remaining(flight))
                return (yield from self._without_slot(flight, flow))
            case Pause(seconds):
                flow = _single(Pause(min(seconds, self.remaining(flight))))
                return (yield from self._without_slot(flight, flow))
        return (yield step)

    def _without_slot(self, flight: Flight, flow: Procedure[T]) -> Procedure[T]:
        """Wait for something without keeping the request slot from others."""
        slot = self._slot(flight)
        self._state.limits.leave(flight, [slot.name])
        result = yield from flow
        yield slot
        return result

    def _slot(self, flight: Flight) -> Enter:
        http = flight.fetch.http
        return Enter(f"{flight.fetch.failure_scopes.endpoint} {http.name}", http.max_connections)

    def _nested_token(self, registration_id: str, timeout: float) -> Procedure[str]:
        try:
            return (yield from self._token_of(registration_id, timeout))
        except ConfigurationError as error:
            raise AuthorizationError(f"it needs another registration: {error}") from None

    def _request_token(self, flight: Flight) -> Procedure[Any]:
        return (yield from self._answered(flight, flight.flow or self._flow_of(flight)))

    def _landed(self, flight: Flight, result: Any) -> None:
        """Settle a flight with what its flow returned."""
        if flight.flow is not None:
            flight.settle((result,))
            self._state.limits.leave(flight)
        else:
            self.land(flight, self.cached(flight, result))

    def cached(self, flight: Flight, result: Any) -> tuple[CachedValue, tuple[Event, ...]]:
        """Turn what a flight fetched into a cached value, and keep its refresh token.

        Raises:
            AuthorizationError: the access token is unusable.
        """
        rotated = getattr(result, "refresh_token", None)
        if rotated:  # the one before is used up, even if this access token is unusable
            issued_at = datetime.fromtimestamp(flight.started.wall, UTC)
            token = RefreshToken(token_value=rotated, issued_at=issued_at)
            self._records.keep_refresh_token(
                flight.fetch, token, stored=self.shared_by(flight.fetch) is not None
            )
        found: tuple[CachedValue, tuple[Event, ...]] = flight.fetch.to_cached(
            result, flight.started, self._state.clocks.now(), spread=self._state.clocks.random()
        )
        return found

    def land(self, flight: Flight, landed: tuple[CachedValue, tuple[Event, ...]]) -> None:
        """Settle a flight with its cached value."""
        cached, events = landed
        self._engine.land(flight, cached)
        for event in events:
            self._events.publish(event)

    def shared_by(self, fetch: Fetch) -> Sharing | None:
        """Return the store of a fetch, if there is one and its token goes there."""
        shared = self.sharing is not None and isinstance(fetch, TokenFetch) and is_shared(fetch)
        return self.sharing if shared else None

    def _failed(self, flight: Flight, error: AuthorizationError) -> None:
        if flight.flow is None:
            self._engine.fail(flight, error)
        else:
            flight.settle(error.copy())
            self._state.limits.leave(flight)


def _single(step: Step) -> Flow[None]:
    yield step
