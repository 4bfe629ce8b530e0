"""Runs flights as asyncio tasks, each on the event loop of the caller who started it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from oauthreg._errors import AuthorizationError, ManagerClosedError
from oauthreg._flow import Pause, ReadSecret, StoreCall, TokenRequest, arun
from oauthreg._manager.answers import no_answer, read_secret, store_answer, unexpected
from oauthreg._renewal.flight import Enter, Launch, Wait
from oauthreg._transports.httpx2 import Httpx2Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from oauthreg._manager.core import Core
    from oauthreg._registration import HttpProfile
    from oauthreg._renewal.flight import Flight, ManagerStep, Procedure

T = TypeVar("T")
OWNER_POLL = 0.1
"""Seconds between two looks whether the event loop that carries a flight still runs."""


class LoopOwner:
    """An event loop as the owner of flights."""

    __slots__ = ("loop",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def alive(self) -> bool:
        """Whether the loop runs."""
        return self.loop.is_running()


class AsyncioRunner:
    """Drives the core's flows on asyncio.

    Args:
        core: What it runs for.
        transport: Makes the transport of an http profile.
    """

    def __init__(
        self, core: Core, transport: Callable[[HttpProfile], Httpx2Transport] = Httpx2Transport
    ) -> None:
        self._core = core
        self._new_transport = transport
        self._transports: dict[tuple[str, HttpProfile], Httpx2Transport] = {}
        self._wakers: weakref.WeakKeyDictionary[
            Flight, dict[asyncio.AbstractEventLoop, asyncio.Future[None]]
        ] = weakref.WeakKeyDictionary()
        self._pid = os.getpid()
        self._tasks: set[asyncio.Task[object]] = set()
        core.on_close(self._cancel)

    async def run(self, flow: Procedure[T]) -> T:
        """Run a caller's flow to its result.

        Raises:
            AuthorizationError: no asyncio event loop runs, or what the flow raises.
        """
        _running_loop()
        return await arun(flow, self._perform_for_caller)

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Run a task that belongs to the manager, and not to whoever happens to start it."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(work, context=contextvars.Context())
        if self._pid != os.getpid():
            self._tasks, self._pid = set(), os.getpid()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def on_worker(self, work: Callable[[], T]) -> T:
        """Run some blocking work on a thread of the manager."""
        return await asyncio.wrap_future(self._core.workers.call(work))

    async def close(self) -> None:
        """Close the connections."""
        for transport in list(self._transports.values()):
            await transport.aclose()

    async def _perform_for_caller(self, step: ManagerStep) -> None:
        match step:
            case Launch(flight):
                self._launch(flight)
            case Wait(flight, until):
                await self._wait(flight, until)

    def _launch(self, flight: Flight) -> None:
        flight.owner = LoopOwner(asyncio.get_running_loop())
        self.spawn(self._fly(flight))

    async def _fly(self, flight: Flight) -> None:
        with contextlib.suppress(ManagerClosedError):
            await arun(self._core.flights.fly(flight), partial(self._perform, flight))

    async def _perform(self, flight: Flight, step: ManagerStep) -> object:
        """Perform a step of a flight's flow; what nobody foresaw becomes the flight's failure."""
        try:
            return await self._answer(flight, step)
        except (AuthorizationError, ManagerClosedError):
            raise
        except Exception as error:  # noqa: BLE001 - those who wait must learn of it
            raise unexpected(error) from None

    async def _answer(self, flight: Flight, step: ManagerStep) -> object:
        match step:
            case TokenRequest():
                within = self._core.flights.remaining(flight)
                return await self._transport(flight).send(step, within=within)
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case ReadSecret():
                return await self._read(step, self._core.flights.remaining(flight))
            case StoreCall(work, seconds):
                return await self._call_store(work, seconds)
            case Enter(name, most):
                await self._enter(name, most, flight)
            case Launch(other):
                self._launch(other)
            case Wait(other, until):
                await self._wait(other, until)
        return None

    async def _call_store(self, work: Callable[[], object], seconds: float) -> object:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[None] = loop.create_future()
        done = self._core.store.workers.call(work)
        done.add_done_callback(partial(_wake, loop, answered))
        await asyncio.wait([answered], timeout=seconds)
        return store_answer(done, seconds)

    async def _enter(self, name: str, most: int, flight: Flight) -> None:
        loop = asyncio.get_running_loop()
        granted: asyncio.Future[None] = loop.create_future()
        if not self._core.state.limits.enter(name, most, flight, partial(_wake, loop, granted)):
            await granted

    async def _wait(self, flight: Flight, until: float) -> None:
        loop = asyncio.get_running_loop()
        wakers = self._wakers.setdefault(flight, {})
        landed = wakers.get(loop)
        if landed is None:
            landed = wakers[loop] = loop.create_future()
            flight.outcome.add_done_callback(partial(_wake, loop, landed))
        pause = until - self._core.clocks.monotonic()
        owner = flight.owner
        if owner is not None and not (isinstance(owner, LoopOwner) and owner.loop is loop):
            pause = min(pause, OWNER_POLL)
        await asyncio.wait([landed], timeout=max(pause, 0.0))

    async def _read(self, step: ReadSecret, within: float) -> Any:
        if step.source.reference is None:
            return read_secret(step)
        try:
            async with asyncio.timeout(within):
                return await self.on_worker(partial(read_secret, step))
        except TimeoutError:
            raise no_answer(step, within) from None

    def _transport(self, flight: Flight) -> Httpx2Transport:
        fetch = flight.fetch
        key = (fetch.provider, fetch.http)
        transport = self._transports.get(key)
        if transport is None:
            transport = self._transports.setdefault(key, self._new_transport(fetch.http))
        return transport

    def _cancel(self) -> None:
        """Cancel every flight, on whatever loop it runs."""
        for task in list(self._tasks):
            with contextlib.suppress(RuntimeError):  # its loop is closed by now
                task.get_loop().call_soon_threadsafe(task.cancel)


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise AuthorizationError(
            "this manager needs a running asyncio event loop",
            hint="Under trio, call the manager for threads by trio.to_thread.run_sync.",
        ) from None


def _wake(
    loop: asyncio.AbstractEventLoop, waker: asyncio.Future[None], _done: object = None
) -> None:
    try:
        loop.call_soon_threadsafe(_set, waker)
    except RuntimeError:  # that loop is closed, and with it everyone who waited there
        return


def _set(waker: asyncio.Future[None]) -> None:
    if not waker.done():
        waker.set_result(None)
