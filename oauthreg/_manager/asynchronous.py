"""The manager for asyncio: flights are tasks of the event loop that started them."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import itertools
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from oauthreg._errors import (
    AuthorizationError,
    ConfigurationError,
    ManagerClosedError,
)
from oauthreg._flow import NeedMetadata, NeedToken, Pause, ReadSecret, TokenRequest, arun
from oauthreg._manager.base import GRACE, WARM_UP_LANES
from oauthreg._manager.errands import AsyncErrands
from oauthreg._manager.options import refuse_unknown
from oauthreg._manager.steps import nested, no_answer, read_secret, unexpected, value_of
from oauthreg._manager.workers import Workers
from oauthreg._transports.httpx2 import Httpx2Transport
from oauthreg.events import WarmUp, tell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from types import TracebackType

    import httpx2

    from oauthreg._flow import Flow, Step
    from oauthreg._registration import AuthorizedClient, AuthorizeOptions, HttpProfile
    from oauthreg._renewal.engine import Ruling
    from oauthreg._renewal.orders import MetadataOrder, TokenOrder
    from oauthreg._renewal.slots import Flight, Held, Spot
    from oauthreg._secret_values import Readable
    from oauthreg.auth.httpx2 import Auth

T = TypeVar("T")
LOOK_AGAIN = 0.1


class AsyncAuthorizedClientManager(AsyncErrands):
    """Authorizes by registration id: fetches, shares and renews tokens by itself.

    One per program, at module level; it may be used from several event loops, one after the
    other or at once. Building it does no network I/O, needs no running loop, and it survives a
    fork.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._workers = Workers()
        self._transports: dict[tuple[str, HttpProfile], Httpx2Transport] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._warm_up_due = False

    async def authorize(
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
        return await self._authorize(registration_id, options)

    async def invalidate(self, registration_id: str) -> None:
        """Drop every token of a registration; the next `authorize` fetches.

        Raises:
            UnknownRegistrationError: there is no registration of this id.
        """
        self._check_open()
        self._engine.forget(self._entry(registration_id).registration.registration_id)

    async def reload(self) -> None:
        """Read the settings again: all or nothing.

        Flights finish for those who wait; tokens of registrations that changed are dropped.
        What `register` added stays, over what the settings say.

        Raises:
            ConfigurationError: with every problem; the old configuration stays then.
        """
        self._check_open()
        configuration = await self._on_worker(self._read_again)
        with self._lock:
            self._adopt_again(configuration)

    async def warm_up(
        self, on_progress: Callable[[WarmUp], object] | None = None
    ) -> Mapping[str, Exception | None]:
        """Authorize every registration that is `eager`, eight at a time.

        A manager of `from_settings` starts this behind by itself, at `async with` or at its
        first `authorize`; call it to wait for it, or to look on.

        Args:
            on_progress: Called when each of them is done.

        Returns:
            By registration id, why there is no token for it; None where there is one.
        """
        waiting = deque(self._eager())
        outcomes: dict[str, Exception | None] = dict.fromkeys(waiting)
        total, count = len(waiting), itertools.count(1)

        async def lane() -> None:
            while waiting:
                id_ = waiting.popleft()
                try:
                    await self.authorize(id_)
                except Exception as failure:  # noqa: BLE001 - one must not hold up the others
                    outcomes[id_] = failure.with_traceback(None)
                error = outcomes[id_]
                event = WarmUp(registration_id=id_, done=next(count), total=total, error=error)
                tell(event, on_progress)

        await asyncio.gather(*(lane() for _ in range(min(WARM_UP_LANES, total))))
        return outcomes

    def auth(self, registration_id: str, **options: Unpack[AuthorizeOptions]) -> Auth:
        """Return an auth object for httpx2: `client.get(url, auth=manager.auth("id"))`."""
        from oauthreg.auth.httpx2 import Auth  # noqa: PLC0415 - loaded by who uses it

        refuse_unknown(options)
        return Auth(self, registration_id, **options)

    def client(
        self, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> httpx2.AsyncClient:
        """Return a new `httpx2.AsyncClient` that is authorized by a registration."""
        import httpx2  # noqa: PLC0415 - loaded by who uses it

        from oauthreg.auth import certificate  # noqa: PLC0415 - likewise

        context = certificate.shown_by(
            httpx2.create_ssl_context(), self._entry(registration_id).registration
        )
        return httpx2.AsyncClient(auth=self.auth(registration_id, **options), verify=context)

    def token_source(
        self, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> Callable[[], Awaitable[str]]:
        """Return a coroutine function giving a live token value, for libraries that take one."""
        refuse_unknown(options)

        async def token() -> str:
            return (await self.authorize(registration_id, **options)).access_token.token_value

        return token

    async def close(self) -> None:
        """End renewals and connections; afterwards `authorize` raises ManagerClosedError."""
        if not self._begin_close():
            return
        self._workers.close()
        here = asyncio.get_running_loop()
        for task in list(self._tasks):
            loop = task.get_loop()
            if loop is here:
                task.cancel()
            else:
                with contextlib.suppress(RuntimeError):  # it is closed by now
                    loop.call_soon_threadsafe(task.cancel)
        for transport in list(self._transports.values()):
            await transport.aclose()

    async def __aenter__(self) -> Self:
        self._begin_warm_up()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _authorize(
        self, registration_id: str, options: Mapping[str, Any]
    ) -> AuthorizedClient:
        self._begin_warm_up()
        call = self._call(registration_id, options)
        if call.order.name in self._overrides:
            return self._overridden(call.order)
        ruling = await self._obtain(
            call.order, call.timeout, spot=call.spot, min_ttl=call.min_ttl, force=call.force
        )
        return self._served(call.order, ruling)

    async def _obtain(
        self,
        order: TokenOrder | MetadataOrder,
        timeout: float,  # noqa: ASYNC109 - the caller's own deadline, not the flight's
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
            outcome = await self._wait(flight, deadline, timeout)
            if isinstance(outcome, AuthorizationError):
                raise outcome.copy(registration_id=order.name, provider=order.provider) from None
            if outcome is not None:  # it has what could be had: serve it, whatever was asked
                min_ttl, force = 0.0, False

    async def _wait(
        self,
        flight: Flight,
        deadline: float,
        timeout: float,  # noqa: ASYNC109 - named in the error only
    ) -> Held | AuthorizationError | None:
        loop = asyncio.get_running_loop()
        landed = flight.futures.get(loop)
        if landed is None:
            landed = flight.futures[loop] = loop.create_future()
            flight.outcome.add_done_callback(partial(_wake, loop, landed))
        while not flight.outcome.done():
            now = self._monotonic()
            if now >= flight.deadline + GRACE:
                self._engine.overdue(flight)
            elif now >= deadline:
                self._give_up(flight.order, timeout)
            elif flight.orphaned:
                self._engine.abandon(flight)
            else:
                pause = min(deadline, flight.deadline + GRACE) - now
                foreign = flight.loop is not loop
                await asyncio.wait([landed], timeout=min(pause, LOOK_AGAIN) if foreign else pause)
        return flight.outcome.result()

    def _launch(self, flight: Flight) -> None:
        flight.loop = asyncio.get_running_loop()
        self._spawn(self._fly(flight))

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Run a task that belongs to the manager, and not to whoever happens to start it."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fly(self, flight: Flight) -> None:
        try:
            result = await arun(self._flow(flight), partial(self._perform, flight))
            self._landed(flight, result)
        except AuthorizationError as error:
            self._engine.fail(flight, error)
        except ManagerClosedError:
            self._engine.abandon(flight)
        except Exception as error:  # noqa: BLE001 - those who wait must learn of it
            self._engine.fail(flight, unexpected(error))
        except BaseException:  # its loop ends: whoever waits elsewhere starts anew
            self._engine.abandon(flight)
            raise

    def _start_warm_up(self) -> None:
        self._warm_up_due = bool(self._eager())

    def _begin_warm_up(self) -> None:
        if self._warm_up_due:
            self._warm_up_due = False
            self._spawn(self.warm_up())

    async def _run(self, order: TokenOrder, flow: Flow[T], seconds: float | None = None) -> T:
        flight = self._errand(order, seconds)
        try:
            return await arun(flow, partial(self._perform, flight))
        except AuthorizationError as error:
            raise self._named(order, error) from None

    async def _authorized(self, registration_id: str, principal: str | None) -> str:
        options: AuthorizeOptions = {} if principal is None else {"principal": principal}
        return (await self.authorize(registration_id, **options)).access_token.token_value

    async def _perform(self, flight: Flight, step: Step) -> object:
        match step:
            case TokenRequest():
                flight.started = self._clocks.now()
                return await self._transport(flight).send(step, within=self._remaining(flight))
            case Pause(seconds):
                await asyncio.sleep(min(seconds, self._remaining(flight)))
                return None
            case ReadSecret(source):
                return await self._read(source, self._remaining(flight))
            case NeedMetadata():
                order = self._metadata_order(flight)
                return value_of(await self._obtain(order, self._remaining(flight)))
            case NeedToken(registration_id):
                try:
                    client = await self.authorize(registration_id, timeout=self._remaining(flight))
                except ConfigurationError as error:
                    raise nested(error) from None
                return client.access_token.token_value

    async def _read(self, source: Readable, within: float) -> Any:
        if source.reference is None:
            return read_secret(source)
        try:
            async with asyncio.timeout(within):
                return await self._on_worker(partial(read_secret, source))
        except TimeoutError:
            raise no_answer(source, within) from None

    async def _on_worker(self, work: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._workers.call(work))

    def _transport(self, flight: Flight) -> Httpx2Transport:
        order = flight.order
        key = (order.provider, order.http)
        transport = self._transports.get(key)
        if transport is None:
            transport = self._transports.setdefault(key, Httpx2Transport(order.http))
        return transport

    def _reset_after_fork(self) -> None:
        super()._reset_after_fork()
        self._workers = Workers()
        self._tasks = set()
        for transport in self._transports.values():
            transport.reset_after_fork()


def _wake(loop: asyncio.AbstractEventLoop, landed: asyncio.Future[None], _outcome: object) -> None:
    try:
        loop.call_soon_threadsafe(landed.set_result, None)
    except RuntimeError:  # that loop is closed, and with it everyone who waited there
        return
