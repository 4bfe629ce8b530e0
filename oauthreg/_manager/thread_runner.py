"""Runs flights on threads: one that waits for something other than its I/O holds no thread."""

from __future__ import annotations

from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from oauthreg._errors import AuthorizationError, ConnectionFailedError, ManagerClosedError
from oauthreg._flow import Pause, ReadSecret, StoreCall, TokenRequest, run
from oauthreg._manager.answers import no_answer, read_secret, store_answer, unexpected
from oauthreg._manager.workers import Timer
from oauthreg._renewal.flight import Enter, Launch, Wait
from oauthreg._transports.requests import RequestsTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from oauthreg._manager.core import Core
    from oauthreg._registration import HttpProfile
    from oauthreg._renewal.flight import Flight, ManagerStep, Procedure

T = TypeVar("T")
OWNER_POLL = 0.1
"""Seconds between two looks whether the event loop that carries a flight still runs."""


class ThreadRunner:
    """Drives the core's flows: those of callers in their threads, flights on worker threads.

    Args:
        core: What it runs for.
        transport: Makes the transport of an http profile.
    """

    def __init__(
        self, core: Core, transport: Callable[[HttpProfile], RequestsTransport] = RequestsTransport
    ) -> None:
        self._core = core
        self._new_transport = transport
        self._transports: dict[tuple[str, HttpProfile], RequestsTransport] = {}
        self._timer = Timer()
        core.on_close(self._close)

    def run(self, flow: Procedure[T]) -> T:
        """Run a caller's flow to its result, in this thread."""
        return run(flow, self._perform)

    def _perform(self, step: ManagerStep) -> None:
        """Perform a step of a caller's flow."""
        match step:
            case Launch(flight):
                self._advance(flight, self._core.flights.fly(flight))
            case Wait(flight, until):
                self._wait(flight, until - self._core.clocks.monotonic())

    def _wait(self, flight: Flight, seconds: float) -> None:
        while True:
            pause = seconds if flight.owner is None else min(seconds, OWNER_POLL)
            try:
                flight.outcome.exception(max(pause, 0.0))
            except FutureTimeout:
                seconds -= pause
                if seconds > 0 and not flight.orphaned:
                    continue
            return

    def _advance(
        self,
        flight: Flight,
        flow: Procedure[None],
        answer: object = None,
        error: AuthorizationError | None = None,
        *,
        on_worker: bool = False,
    ) -> None:
        """Give a flight's flow an answer, and perform its steps until it has to wait."""
        while True:
            try:
                step = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration:
                return
            answer = error = None
            if isinstance(step, Enter):
                if self._enters(flight, flow, step):
                    continue
                return
            try:
                if self._suspends(flight, flow, step):
                    return
                if not on_worker:
                    self._core.workers.submit(partial(self._continue, flight, flow, step))
                    return
            except Exception as failure:  # noqa: BLE001 - those who wait must learn of it
                error = self._failure(failure)
            except BaseException:
                flow.close()
                raise
            else:
                answer, error = self._blocking(flight, step)

    def _continue(self, flight: Flight, flow: Procedure[None], step: ManagerStep) -> None:
        """Perform a step on a worker, and go on from there."""
        self._advance(flight, flow, *self._blocking(flight, step), on_worker=True)

    def _enters(self, flight: Flight, flow: Procedure[None], step: Enter) -> bool:
        """Whether a flight has its place under a limit now; else it is resumed with it."""
        resume = partial(self._resume, flight, flow)
        return self._core.state.limits.enter(step.name, step.most, flight, resume)

    def _suspends(self, flight: Flight, flow: Procedure[None], step: ManagerStep) -> bool:
        """Have a flight resumed later, if that is what the step is for."""
        resume = _Once(partial(self._resume, flight, flow))
        match step:
            case Launch(other):
                self._advance(other, self._core.flights.fly(other))
                resume()
            case Wait(other, until):
                other.outcome.add_done_callback(lambda _outcome: resume())
                pause = until - self._core.clocks.monotonic()
                self._timer.after(pause if other.owner is None else min(pause, OWNER_POLL), resume)
            case Pause(seconds):
                self._timer.after(seconds, resume)
            case ReadSecret(source) if source.reference is not None:
                self._read(flight, flow, step)
            case StoreCall(work, seconds):
                self._call_store(flight, flow, work, seconds)
            case _:
                return False
        return True

    def _read(self, flight: Flight, flow: Procedure[None], step: ReadSecret) -> None:
        """Read a secret on a worker of its own: the flight goes on without it in time."""
        within = self._core.flights.remaining(flight)
        done = self._core.workers.call(partial(read_secret, step))
        resume = _Once(partial(self._resume_with, flight, flow, step, within, done))
        done.add_done_callback(lambda _done: resume())
        self._timer.after(within, resume)

    def _call_store(
        self, flight: Flight, flow: Procedure[None], work: Callable[[], Any], seconds: float
    ) -> None:
        done = self._core.store.workers.call(work)
        resume = _Once(lambda: self._resume(flight, flow, store_answer(done, seconds)))
        done.add_done_callback(lambda _done: resume())
        self._timer.after(seconds, resume)

    def _resume_with(
        self,
        flight: Flight,
        flow: Procedure[None],
        step: ReadSecret,
        within: float,
        done: Future[Any],
    ) -> None:
        if not done.done():
            self._resume(flight, flow, error=no_answer(step, within))
            return
        error = done.exception()
        if error is None:
            self._resume(flight, flow, done.result())
        else:
            failure = error if isinstance(error, Exception) else Exception(type(error).__name__)
            self._resume(flight, flow, error=self._failure(failure))

    def _resume(
        self,
        flight: Flight,
        flow: Procedure[None],
        answer: object = None,
        error: AuthorizationError | None = None,
    ) -> None:
        try:
            self._core.workers.submit(
                partial(self._advance, flight, flow, answer, error, on_worker=True)
            )
        except RuntimeError as failure:  # here, since nobody else would
            self._advance(flight, flow, error=error or self._failure(failure))

    def _blocking(
        self, flight: Flight, step: ManagerStep
    ) -> tuple[object, AuthorizationError | None]:
        """Perform a step that blocks this thread; return its answer, or its failure."""
        try:
            match step:
                case TokenRequest():
                    within = self._core.flights.remaining(flight)
                    return self._transport(flight).send(step, within=within), None
                case ReadSecret():
                    return read_secret(step), None
        except Exception as failure:  # noqa: BLE001 - those who wait must learn of it
            return None, self._failure(failure)
        raise TypeError(f"no runner performs {type(step).__name__}")

    def _transport(self, flight: Flight) -> RequestsTransport:
        fetch = flight.fetch
        key = (fetch.provider, fetch.http)
        transport = self._transports.get(key)
        if transport is None:
            transport = self._transports.setdefault(key, self._new_transport(fetch.http))
        return transport

    def _failure(self, failure: Exception) -> AuthorizationError:
        """Return any failure as one of the flight; that of this process blames no server."""
        if isinstance(failure, AuthorizationError):
            return failure
        if isinstance(failure, RuntimeError) and "thread" in str(failure):
            return ConnectionFailedError("no thread could be started", local=True)
        if isinstance(failure, ManagerClosedError):
            return AuthorizationError("the manager was closed")
        return unexpected(failure)

    def _close(self) -> None:
        for transport in list(self._transports.values()):
            transport.close()


class _Once:
    """Calls a function at the first call only, however many threads call."""

    __slots__ = ("_calls",)

    def __init__(self, function: Callable[[], object]) -> None:
        self._calls = [function]

    def __call__(self) -> None:
        try:
            function = self._calls.pop()
        except IndexError:
            return
        function()
