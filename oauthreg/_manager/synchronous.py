"""The manager for threads: flights run on daemon threads of its own."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from oauthreg._errors import (
    AuthorizationError,
    ConfigurationError,
    ManagerClosedError,
)
from oauthreg._flow import NeedMetadata, NeedToken, Pause, ReadSecret, TokenRequest, run
from oauthreg._manager.base import GRACE, WARM_UP_LANES
from oauthreg._manager.errands import Errands
from oauthreg._manager.options import refuse_unknown
from oauthreg._manager.steps import nested, no_answer, read_secret, unexpected, value_of
from oauthreg._manager.workers import Workers
from oauthreg._transports.requests import RequestsTransport
from oauthreg.events import WarmUp, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from requests import Session

    from oauthreg._flow import Flow, Step
    from oauthreg._registration import AuthorizedClient, AuthorizeOptions, HttpProfile
    from oauthreg._renewal.engine import Ruling
    from oauthreg._renewal.orders import MetadataOrder, TokenOrder
    from oauthreg._renewal.slots import Flight, Held, Spot
    from oauthreg._secret_values import Readable
    from oauthreg.auth.requests import Auth

T = TypeVar("T")


class AuthorizedClientManager(Errands):
    """Authorizes by registration id: fetches, shares and renews tokens by itself.

    One per program, at module level; every method may be called from any thread. Building it
    does no network I/O, and it survives a fork.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._workers = Workers()
        self._transports: dict[tuple[str, HttpProfile], RequestsTransport] = {}
        self._closing = threading.Event()

    def authorize(
        self, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> AuthorizedClient:
        """Return an authorized client with a live token.

        A fresh token costs a look-up. A stale one is returned at once while it is renewed
        behind; without a valid one, all callers wait for one shared token request.

        Args:
            registration_id: The registration, in any spelling that settings would take.
            **options: For this call: `principal`, `scope`, `audience`, `resource`,
                `parameters` (merged over the registration's), `subject_token`, `actor_token`,
                `min_ttl` (seconds of life needed), `force` (fetch anew) and `timeout` (seconds
                this caller waits; default: the http profile's total and one second).

        Raises:
            UnknownRegistrationError: there is no registration of this id.
            AuthorizationError: no live token is to be had; its subclasses say why.
            ManagerClosedError: the manager is closed.
            TypeError: an option of this name does not exist.
        """
        try:
            if options:
                client, until_wall, until_monotonic = self._hot_calls[
                    registration_id, tuple(options.items())
                ]
            else:
                client, until_wall, until_monotonic = self._hot[registration_id]
        except (KeyError, TypeError):  # not kept, or with a list among the values
            pass
        else:
            wall, monotonic = self._wall, self._monotonic  # called fastest as local names
            if wall() < until_wall and monotonic() < until_monotonic:
                return client
        return self._authorize(registration_id, options)

    def invalidate(self, registration_id: str) -> None:
        """Drop every token of a registration; the next `authorize` fetches.

        Raises:
            UnknownRegistrationError: there is no registration of this id.
        """
        self._check_open()
        self._engine.forget(self._entry(registration_id).registration.registration_id)

    def reload(self) -> None:
        """Read the settings again: all or nothing.

        Flights finish for those who wait; tokens of registrations that changed are dropped.
        What `register` added stays, over what the settings say.

        Raises:
            ConfigurationError: with every problem; the old configuration stays then.
        """
        self._check_open()
        configuration = self._read_again()
        with self._lock:
            self._adopt_again(configuration)

    def warm_up(
        self, on_progress: Callable[[WarmUp], object] | None = None
    ) -> Mapping[str, Exception | None]:
        """Authorize every registration that is `eager`, eight at a time.

        `from_settings` starts this behind by itself; call it to wait for it, or to look on.

        Args:
            on_progress: Called, in this thread, when each of them is done.

        Returns:
            By registration id, why there is no token for it; None where there is one.
        """
        waiting = deque(self._eager())
        outcomes: dict[str, Exception | None] = dict.fromkeys(waiting)
        done: SimpleQueue[tuple[str, Exception | None]] = SimpleQueue()
        for _ in range(min(WARM_UP_LANES, len(waiting))):
            self._workers.submit(partial(self._warm_up_lane, waiting, done))
        for count in range(1, len(outcomes) + 1):
            id_, error = done.get()
            outcomes[id_] = error
            event = WarmUp(registration_id=id_, done=count, total=len(outcomes), error=error)
            tell(event, on_progress)
        return outcomes

    def auth(self, registration_id: str, **options: Unpack[AuthorizeOptions]) -> Auth:
        """Return an auth object for requests: `requests.get(url, auth=manager.auth("id"))`."""
        from oauthreg.auth.requests import Auth  # noqa: PLC0415 - loaded by who uses it

        refuse_unknown(options)
        return Auth(self, registration_id, **options)

    def session(self, registration_id: str, **options: Unpack[AuthorizeOptions]) -> Session:
        """Return a new `requests.Session` that is authorized by a registration."""
        from requests import Session  # noqa: PLC0415 - loaded by who uses it

        from oauthreg.auth import certificate  # noqa: PLC0415 - likewise

        session = Session()
        session.cert = certificate.files(self._entry(registration_id).registration)
        session.auth = self.auth(registration_id, **options)
        return session

    def token_source(
        self, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> Callable[[], str]:
        """Return a callable giving a live token value, for libraries that take one."""
        refuse_unknown(options)

        def token() -> str:
            return self.authorize(registration_id, **options).access_token.token_value

        return token

    def close(self) -> None:
        """End renewals and connections; afterwards `authorize` raises ManagerClosedError."""
        if self._begin_close():
            self._closing.set()
            self._workers.close()
            for transport in list(self._transports.values()):
                transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _authorize(self, registration_id: str, options: Mapping[str, Any]) -> AuthorizedClient:
        call = self._call(registration_id, options)
        if call.order.name in self._overrides:
            return self._overridden(call.order)
        ruling = self._obtain(
            call.order, call.timeout, spot=call.spot, min_ttl=call.min_ttl, force=call.force
        )
        return self._served(call.order, ruling)

    def _obtain(
        self,
        order: TokenOrder | MetadataOrder,
        timeout: float,
        *,
        spot: Spot | None = None,
        min_ttl: float = 0.0,
        force: bool = False,
    ) -> Ruling:
        deadline = self._monotonic() + timeout
        waited = False
        while True:
            ruling = self._engine.decide(order, spot=spot, min_ttl=min_ttl, force=force)
            flight = ruling.flight
            if flight is not None and ruling.start:
                self._launch(flight)
            if ruling.held is not None or flight is None:
                return ruling._replace(waited=waited)
            waited = True
            outcome = self._wait(flight, deadline, timeout)
            if isinstance(outcome, AuthorizationError):
                raise outcome.copy(registration_id=order.name, provider=order.provider) from None
            if outcome is not None:  # it has what could be had: serve it, whatever was asked
                min_ttl, force = 0.0, False

    def _wait(
        self, flight: Flight, deadline: float, timeout: float
    ) -> Held | AuthorizationError | None:
        while True:
            latest = min(deadline, flight.deadline + GRACE)
            try:
                return flight.outcome.result(max(latest - self._monotonic(), 0.0))
            except FutureTimeout:
                now = self._monotonic()
                if now >= flight.deadline + GRACE:
                    self._engine.overdue(flight)
                elif now >= deadline:
                    self._give_up(flight.order, timeout)

    def _launch(self, flight: Flight) -> None:
        try:
            self._workers.submit(partial(self._fly, flight))
        except RuntimeError:  # too many threads, or the program is at its end
            self._engine.fail(
                flight, AuthorizationError("no thread could be started", retryable=True)
            )
        except BaseException:  # an interrupt: the flight was never on its way
            self._engine.abandon(flight)
            raise

    def _fly(self, flight: Flight) -> None:
        try:
            self._landed(flight, run(self._flow(flight), partial(self._perform, flight)))
        except AuthorizationError as error:
            self._engine.fail(flight, error)
        except ManagerClosedError:
            self._engine.abandon(flight)
        except Exception as error:  # noqa: BLE001 - those who wait must learn of it
            self._engine.fail(flight, unexpected(error))
        except BaseException:  # whoever waits starts anew
            self._engine.abandon(flight)
            raise

    def _warm_up_lane(
        self, waiting: deque[str], done: SimpleQueue[tuple[str, Exception | None]]
    ) -> None:
        while True:
            try:
                registration_id = waiting.popleft()
            except IndexError:  # all are under way
                return
            error: Exception | None = None
            try:
                self.authorize(registration_id)
            except Exception as failure:  # noqa: BLE001 - one must not hold up the others
                error = failure.with_traceback(None)
            finally:
                done.put((registration_id, error))

    def _start_warm_up(self) -> None:
        if self._eager():
            self._workers.submit(self._warm_up_behind)

    def _warm_up_behind(self) -> None:
        self.warm_up()

    def _run(self, order: TokenOrder, flow: Flow[T], seconds: float | None = None) -> T:
        flight = self._errand(order, seconds)
        try:
            return run(flow, partial(self._perform, flight))
        except AuthorizationError as error:
            raise self._named(order, error) from None

    def _authorized(self, registration_id: str, principal: str | None) -> str:
        options: AuthorizeOptions = {} if principal is None else {"principal": principal}
        return (self.authorize(registration_id, **options)).access_token.token_value

    def _perform(self, flight: Flight, step: Step) -> object:
        match step:
            case TokenRequest():
                flight.started = self._clocks.now()
                return self._transport(flight).send(step, within=self._remaining(flight))
            case Pause(seconds):
                if self._closing.wait(min(seconds, self._remaining(flight))):
                    raise ManagerClosedError
                return None
            case ReadSecret(source):
                return self._read(source, self._remaining(flight))
            case NeedMetadata():
                order = self._metadata_order(flight)
                return value_of(self._obtain(order, self._remaining(flight)))
            case NeedToken(registration_id):
                try:
                    client = self.authorize(registration_id, timeout=self._remaining(flight))
                except ConfigurationError as error:
                    raise nested(error) from None
                return client.access_token.token_value

    def _read(self, source: Readable, within: float) -> Any:
        if source.reference is None:
            return read_secret(source)
        try:
            return self._workers.call(partial(read_secret, source)).result(within)
        except FutureTimeout:
            raise no_answer(source, within) from None

    def _transport(self, flight: Flight) -> RequestsTransport:
        order = flight.order
        key = (order.provider, order.http)
        transport = self._transports.get(key)
        if transport is None:
            transport = self._transports.setdefault(key, RequestsTransport(order.http))
        return transport

    def _close_at_exit(self) -> None:
        self.close()

    def _reset_after_fork(self) -> None:
        super()._reset_after_fork()
        self._workers = Workers()
        self._closing = threading.Event()
        for transport in self._transports.values():
            transport.reset_after_fork()
