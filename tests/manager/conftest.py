"""Both managers behind one face, on clocks and an authorization server in the test's hands."""

from __future__ import annotations

import asyncio
import builtins
import gc
import io
import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import suppress

import pytest

from oauthreg._manager.async_manager import AsyncAuthorizedClientManager
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._manager.sync_manager import AuthorizedClientManager
from oauthreg._renewal import token_flow
from oauthreg._renewal.clocks import Clocks
from oauthreg._settings.load import load
from oauthreg.events import Event
from oauthreg.testing import AuthorizationServer

DEADLINE = 10.0
LONGEST_CALLBACK = 0.020
TRACED = 4.0  # how much slower a callback may be while coverage looks on
OUTCOMES = tuple(
    kind
    for kind in Event.__subclasses__()
    if kind.__name__ not in {"FlightStarted", "FlightEnded", "RequestSent"}
)


def pytest_configure(config):
    config.addinivalue_line("markers", "killed_by(path, old, new): the mutation this test notices")


class Time:
    """Both clocks and chance; they stand still unless told to go on."""

    def __init__(self):
        self.wall = 1_800_000_000.0
        self.monotonic = 5_000.0
        self.chance = 0.0

    @property
    def clocks(self):
        return Clocks(
            wall=lambda: self.wall, monotonic=lambda: self.monotonic, random=lambda: self.chance
        )

    def advance(self, seconds):
        self.wall += seconds
        self.monotonic += seconds

    def set_wall_clock(self, seconds):
        self.wall += seconds


class Watchdog:
    """Notes whatever holds an event loop up: 20 ms of CPU in one callback, a file, a sleep.

    CPU time and not time by the clock: other work on the machine must not fail a test. What the
    garbage collector takes is not the callback's.
    """

    def __init__(self):
        self.seen = []
        self.longest = LONGEST_CALLBACK
        self._here = threading.local()
        self._run = asyncio.Handle._run
        self._sleep = time.sleep
        self._open = open
        self._getaddrinfo = socket.getaddrinfo
        gc.callbacks.append(self._collected)

    def _collected(self, phase, _info):
        now = time.thread_time()
        if phase == "start":
            self._here.collecting = now
        else:
            begun = getattr(self._here, "collecting", now)
            self._here.collected = getattr(self._here, "collected", 0.0) + now - begun

    def _note(self, call, argument):
        if not getattr(self._here, "running", False):
            return
        if not str(argument).endswith(".py"):  # as a traceback is printed
            self.seen.append(f"{call} {str(argument)!r}")

    def open(self, file, *args, **kwargs):
        self._note("open", file)
        return self._open(file, *args, **kwargs)

    def getaddrinfo(self, host, *args, **kwargs):
        self._note("getaddrinfo", host)
        return self._getaddrinfo(host, *args, **kwargs)

    def sleep(self, seconds):
        if getattr(self._here, "running", False):
            self.seen.append(f"sleep {seconds}")
        self._sleep(seconds)

    def step(self, handle):
        here = self._here
        here.running, here.collected, begun = True, 0.0, time.thread_time()
        try:
            return self._run(handle)
        finally:
            here.running = False
            took = time.thread_time() - begun - here.collected
            if took > self.longest * (1.0 if sys.gettrace() is None else TRACED):
                self.seen.append(f"{took * 1000:.0f} ms of CPU in {handle!r}")


WATCHDOG = Watchdog()


class Loop:
    """An event loop that runs in a thread of its own, watched."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def start(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def run(self, coroutine):
        return self.start(coroutine).result(DEADLINE)

    def halt(self):
        """Let the loop merely stop running, its tasks in the middle of what they do."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(DEADLINE)

    def close(self):
        """End as asyncio.run does: cancel what is left, then close."""
        if self.loop.is_closed():
            return
        if self._thread.is_alive():
            self.halt()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class Arrivals:
    """How many callers have asked the engine, so that a test knows when all of them wait."""

    def __init__(self, engine):
        self.count = 0
        self._changed = threading.Condition()
        self._decide = engine.decide
        engine.decide = self._counted

    def _counted(self, *args, **kwargs):
        try:
            return self._decide(*args, **kwargs)
        finally:
            with self._changed:
                self.count += 1
                self._changed.notify_all()

    def wait_for(self, count):
        with self._changed:
            if not self._changed.wait_for(lambda: self.count >= count, DEADLINE):
                raise TimeoutError(f"{self.count} of {count} callers came")


def build_manager(kind, tables, clocks=None):
    """A manager of some kind over a core of its own."""
    return kind(Core(RegistrationRegistry(load(tables)), clocks=clocks))


class Harness:
    """What both managers have in common, called from a test that knows no async."""

    def __init__(self, settings, clocks, on_event):
        self.core = Core(RegistrationRegistry(load(settings)), clocks=clocks)
        if on_event is not None:
            self.core.subscribe(OUTCOMES, on_event)
        self.manager = self.kind(self.core)
        self.runner = self.manager._runner
        self.events = []
        self.arrivals = Arrivals(self.core.engine)

    @property
    def engine(self):
        return self.core.engine

    @property
    def entries(self):
        """The cache entries of the manager."""
        return list(self.core.state.cache.entries.values())

    def token(self, registration_id="app", **options):
        return self.authorize(registration_id, **options).access_token.token_value

    def failure(self, registration_id="app", **options):
        """The error that a call raises."""
        try:
            self.authorize(registration_id, **options)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        return pytest.fail("it did not fail")

    def fail_alone(self, registration_id="app", **options):
        """Make a call that fails, and keep nothing of its error."""
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is
            self.authorize(registration_id, **options)

    def herd(self, count, registration_id="app", **options):
        """Many callers at once, each a future; the test goes on when all have asked."""
        before = self.arrivals.count
        calls = [self.start(registration_id, **options) for _ in range(count)]
        self.arrivals.wait_for(before + count)
        return calls

    def told(self, events, count):
        """Return the names of the events when there are so many: they come after the answer."""
        end = time.monotonic() + DEADLINE
        while len(events) < count and time.monotonic() < end:
            time.sleep(0.001)
        return [type(event).__name__ for event in events]

    def settled(self):
        """Return when no flight is under way."""
        end = time.monotonic() + DEADLINE
        while any(entry.flight for entry in self.entries):
            if time.monotonic() > end:
                raise TimeoutError("still renewing")
            time.sleep(0.001)


class Threads(Harness):
    kind = AuthorizedClientManager

    def authorize(self, registration_id="app", **options):
        return self.manager.authorize(registration_id, **options)

    def start(self, registration_id="app", **options):
        done = Future()

        def work():
            try:
                done.set_result(self.manager.authorize(registration_id, **options))
            except BaseException as error:  # noqa: BLE001 - the test looks at it
                done.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return done

    def do(self, method, *args, **kwargs):
        return getattr(self.manager, method)(*args, **kwargs)

    def result_of(self, function):
        return function()

    def close(self):
        self.manager.close()


class Tasks(Harness):
    kind = AsyncAuthorizedClientManager

    def __init__(self, *args):
        super().__init__(*args)
        self.loop = Loop()

    def authorize(self, registration_id="app", **options):
        return self.start(registration_id, **options).result(DEADLINE)

    def start(self, registration_id="app", **options):
        return self.loop.start(self.manager.authorize(registration_id, **options))

    def fail_alone(self, registration_id="app", **options):
        async def failing():  # caught in the loop: a future between threads keeps the frames
            with suppress(Exception):
                await self.manager.authorize(registration_id, **options)
                pytest.fail("it did not fail")

        self.loop.run(failing())

    def do(self, method, *args, **kwargs):
        result = getattr(self.manager, method)(*args, **kwargs)
        return self.loop.run(result) if asyncio.iscoroutine(result) else result

    def result_of(self, function):
        return self.loop.run(function())

    def close(self):
        if not self.loop.loop.is_closed() and self.loop._thread.is_alive():
            self.loop.run(self.manager.close())
        self.loop.close()


KINDS = {"threads": Threads, "asyncio": Tasks}


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        server.add_client("app", "secret", scopes=("read", "write"))
        yield server


@pytest.fixture
def build():
    """Build a manager: `build(kind, tables, clocks)`."""
    return build_manager


@pytest.fixture
def clock():
    return Time()


@pytest.fixture(params=list(KINDS))
def kind(request):
    return request.param


@pytest.fixture
def settings(server):
    """One registration, `app`; `app` and `provider` change it, other tables come as they are."""

    def tables(app=(), provider=(), registration=(), **others):
        return {
            "provider": {"as": {"token-uri": server.token_uri, **dict(provider)}},
            "registration": {
                "app": {
                    "provider": "as",
                    "client-id": "app",
                    "client-secret": "secret",
                    "scope": "read",
                    **dict(app),
                },
                **dict(registration),
            },
            **others,
        }

    return tables


@pytest.fixture
def make(kind, clock, server, settings, monkeypatch):
    """Build a harness of the kind under test; `make(app={...})` changes the registration."""
    made = []

    def step(handle):
        return WATCHDOG.step(handle)

    monkeypatch.setattr(asyncio.Handle, "_run", step)
    monkeypatch.setattr(time, "sleep", WATCHDOG.sleep)
    for module in (builtins, io):
        monkeypatch.setattr(module, "open", WATCHDOG.open)
    monkeypatch.setattr(socket, "getaddrinfo", WATCHDOG.getaddrinfo)
    monkeypatch.setattr(token_flow, "SHORTEST_PAUSE", 0.001)
    monkeypatch.setattr(token_flow, "PAUSE_SPREAD", 0.0)
    WATCHDOG.seen.clear()
    WATCHDOG.longest = LONGEST_CALLBACK

    def build(app=(), *, on_event=None, clocks=None, kind=kind, **tables):
        app = dict(app)
        if {"client-secret-file", "client-secret-ref", "client-secrets"} & app.keys():
            app["client-secret"] = None
        tables = settings(app, **tables)
        table = tables["registration"]["app"]
        tables["registration"]["app"] = {k: v for k, v in table.items() if v is not None}
        harness = KINDS[kind](tables, clocks or clock.clocks, on_event)
        harness.server = server
        made.append(harness)
        return harness

    yield build
    for harness in made:
        with suppress(TimeoutError):
            harness.close()
    assert WATCHDOG.seen == [], "the event loop was held up"


@pytest.fixture
def watchdog(make):
    return WATCHDOG


@pytest.fixture
def h(make):
    """The manager of one registration, `app`."""
    return make()


@pytest.fixture
def make_loop():
    """Further event loops, each in a thread of its own."""
    made = []

    def build():
        loop = Loop()
        made.append(loop)
        return loop

    yield build
    for loop in made:
        loop.close()


@pytest.fixture
def in_child():
    """Run a function in a forked child; return what it returned as text, within ten seconds."""

    def run(work):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.alarm(int(DEADLINE))  # which ends a child that hangs
            try:
                text = str(work())
            except BaseException as error:  # noqa: BLE001 - told to the parent
                text = f"raised {error!r}"
            os.write(writer, text.encode())
            os._exit(0)
        os.close(writer)
        try:
            with os.fdopen(reader, "rb") as pipe:
                return pipe.read().decode()
        finally:
            os.waitpid(pid, 0)

    return run
