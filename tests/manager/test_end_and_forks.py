"""A manager's end, and what forks leave of it."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import subprocess
import sys
import threading
import time

import pytest

from oauthreg._errors import ManagerClosedError, TokenEndpointError
from oauthreg._manager.async_manager import AsyncAuthorizedClientManager
from oauthreg._manager.sync_manager import AuthorizedClientManager
from oauthreg._manager.workers import Workers
from oauthreg._renewal.clocks import Clocks
from oauthreg.testing import Fault

KINDS = {"threads": AuthorizedClientManager, "asyncio": AsyncAuthorizedClientManager}


@pytest.fixture
def manager(build, settings, clock):
    """An asynchronous manager that belongs to no loop."""
    return build(AsyncAuthorizedClientManager, settings(), clock.clocks)


async def _token(manager, **options):
    return (await manager.authorize("app", **options)).access_token.token_value


# The end


@pytest.mark.parametrize("what", ["nothing", "a hanging request", "a hanging renewal"])
def test_close_ends_within_a_second(h, server, clock, what):
    call = None
    if what == "a hanging renewal":
        h.token()
        clock.advance(200)
    injection = server.inject(Fault(hang=True))
    if what != "nothing":
        call = h.start()
        server.wait_for_requests(2 if what == "a hanging renewal" else 1)
    begun = time.monotonic()
    h.do("close")
    assert time.monotonic() - begun < 1
    if what == "a hanging request":
        assert isinstance(call.exception(1), ManagerClosedError)
    assert isinstance(h.failure(), ManagerClosedError)
    injection()


def test_close_ends_a_flight_in_its_pause(h, server, monkeypatch):
    monkeypatch.setattr("oauthreg._renewal.token_flow.SHORTEST_PAUSE", 5.0)
    server.inject(Fault(status=503))
    call = h.start()
    server.wait_for_requests(1)
    h.do("close")
    assert isinstance(call.exception(1), ManagerClosedError)
    assert server.token_requests == 1


def test_a_manager_is_a_context_manager(build, kind, settings, server):
    if kind == "threads":
        with build(AuthorizedClientManager, settings()) as manager:
            manager.authorize("app")
        with pytest.raises(ManagerClosedError):
            manager.authorize("app")
    else:

        async def main():
            async with build(AsyncAuthorizedClientManager, settings()) as manager:
                await manager.authorize("app")
            with pytest.raises(ManagerClosedError):
                await manager.authorize("app")

        asyncio.run(main())


def test_an_asynchronous_manager_may_be_closed_from_another_loop(manager, server, make_loop):
    first, second = make_loop(), make_loop()
    with server.hold() as gate:
        call = first.start(_token(manager))
        gate.wait_for(1)
        second.run(manager.close())
        assert isinstance(call.exception(5), ManagerClosedError)
    ended = make_loop()
    manager2 = manager
    ended.close()
    second.run(manager2.close())


def test_a_closed_loops_task_does_not_disturb_close(build, settings, clock, server, make_loop):
    manager = build(AsyncAuthorizedClientManager, settings(), clock.clocks)
    first, second = make_loop(), make_loop()
    with server.hold() as gate:
        first.start(_token(manager))
        gate.wait_for(1)
        task = next(iter(manager._runner._tasks))
        first.close()
        manager._runner._tasks.add(task)
        second.run(manager.close())


SCRIPT = """
import sys, time
from oauthreg._manager.sync_manager import AuthorizedClientManager
manager = AuthorizedClientManager.from_settings({
    "provider": {"as": {"token-uri": sys.argv[1]}},
    "registration": {"app": {"provider": "as", "client-id": "app", "client-secret": "secret"}},
})
try:
    manager.authorize("app", timeout=0.2)
except Exception as error:
    print(type(error).__name__, time.time())
"""


def test_a_hanging_request_does_not_hold_up_the_end_of_the_program(server):
    with server.inject(Fault(hang=True)):
        command = [sys.executable, "-W", "error", "-c", SCRIPT, server.token_uri]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        ended = time.time()
    name, last_words = done.stdout.split()
    assert (name, done.stderr) == ("WaitTimedOutError", "")
    assert ended - float(last_words) < 2


def test_a_manager_that_is_forgotten_is_collected(build, settings):
    import weakref

    for kind in (AuthorizedClientManager, AsyncAuthorizedClientManager):
        reference = weakref.ref(build(kind, settings()))
        gc.collect()
        assert reference() is None


# Forks


def test_a_manager_warmed_before_a_fork_renews_in_the_child(h, kind, server, clock, in_child):
    manager = h.manager

    def token():
        if kind == "threads":
            return manager.authorize("app").access_token.token_value
        return asyncio.run(_token(manager))

    first = token()
    connections = server.connections

    def child():
        same = token() == first
        clock.advance(291)
        return same, token() != first

    assert in_child(child) == "(True, True)"
    assert server.token_requests == 2
    assert server.connections == connections + 1, "a connection of its own"
    assert token() == first
    clock.advance(291)
    assert token() != first
    assert server.token_requests == 3


def test_a_child_forked_in_the_middle_of_a_flight_starts_its_own(
    build, settings, server, clock, in_child
):
    manager = build(AuthorizedClientManager, settings(), clock.clocks)
    with server.hold() as gate:
        call = _threaded(manager)
        gate.wait_for(1)

        def child():
            threading.Timer(0.0, lambda: None).start()
            return manager.authorize("app", timeout=5).access_token.token_value

        opener = threading.Timer(0.3, gate.open)
        opener.start()
        value = in_child(child)
    assert not value.startswith("raised"), value
    assert call.result(5).access_token.token_value != value
    assert server.token_requests == 2
    manager.close()


def _threaded(manager):
    from concurrent.futures import Future

    done = Future()
    threading.Thread(target=lambda: done.set_result(manager.authorize("app")), daemon=True).start()
    return done


def test_a_probe_of_the_parent_does_not_hold_the_child_back(
    build, settings, server, clock, in_child
):
    manager = build(AuthorizedClientManager, settings(), clock.clocks)
    with server.inject(Fault(status=429)), pytest.raises(TokenEndpointError) as caught:
        manager.authorize("app")
    clock.advance(caught.value.retry_after + 1e-6)
    with server.hold() as gate:
        call = _threaded(manager)
        gate.wait_for(1)
        opener = threading.Timer(0.3, gate.open)
        opener.start()
        value = in_child(lambda: manager.authorize("app", timeout=5).access_token.token_value)
    assert not value.startswith("raised"), value
    call.result(5)
    manager.close()


def test_a_manager_that_is_reset_starts_anew_with_its_tokens(build, kind, settings, server, clock):
    manager = build(KINDS[kind], settings(), clock.clocks)

    def token(**options):
        if kind == "threads":
            return manager.authorize("app", **options).access_token.token_value
        return asyncio.run(_token(manager, **options))

    first = token()
    core = manager._core
    core.engine.decide(core.fetch(core.registry.find("app")), force=True)
    core._pid = -1  # as in a child whose fork ran no hook of Python's
    assert token() == first
    assert token(force=True) != first


# Workers


def test_an_idle_worker_is_used_again():
    workers = Workers()
    names = []
    for _ in range(5):
        workers.call(lambda: names.append(threading.current_thread().name)).result(5)
        while workers._idle < 1:
            time.sleep(0.0005)
    assert len(set(names)) == 1
    workers.close()


def test_busy_workers_do_not_hold_a_task_up():
    workers = Workers()
    gate = threading.Event()
    busy = [workers.call(gate.wait) for _ in range(5)]
    assert workers.call(lambda: "done").result(5) == "done"
    gate.set()
    assert all(call.result(5) for call in busy)
    workers.close()


def test_idle_workers_end_when_closed_and_after_their_time(monkeypatch):
    import oauthreg._manager.workers as module

    def threads():
        return [thread for thread in threading.enumerate() if thread.name == "oauthreg-worker"]

    before = set(threads())
    workers = Workers()
    workers.call(lambda: None).result(5)
    (thread,) = set(threads()) - before
    workers.close()
    thread.join(5)
    assert not thread.is_alive()

    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    workers = Workers()
    workers.call(lambda: None).result(5)
    for thread in set(threads()) - before:
        thread.join(5)
        assert not thread.is_alive()
    assert workers._idle == 0


def test_a_task_that_comes_as_its_worker_gives_up_is_still_run():
    workers = Workers()
    results = []

    class Late:
        """The queue at the very moment at which a worker's time is over and a task comes."""

        def get(self, timeout=None):
            if timeout is not None:
                from queue import Empty

                workers._idle -= 1
                raise Empty

        def put(self, task):
            results.append(task)

    workers._tasks = Late()
    workers._idle = 1
    assert workers._next() is None
    assert workers._idle == 0


def test_work_that_was_cancelled_before_it_began_is_not_done():
    workers = Workers()
    tasks = []
    workers.submit = tasks.append
    done = []
    future = workers.call(lambda: done.append(1))
    future.cancel()
    tasks[0]()
    assert done == []


def test_work_that_raises_gives_its_exception():
    def fail():
        raise ZeroDivisionError

    workers = Workers()
    assert isinstance(workers.call(fail).exception(5), ZeroDivisionError)
    workers.close()


def test_real_clocks_are_the_default(build, settings):
    manager = build(AuthorizedClientManager, settings())
    assert manager._core.clocks == Clocks()
    manager.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_manager_that_is_copied_or_sent_to_a_process_says_what_to_do(
    build, settings, clock, kind, copied
):
    manager = build(KINDS[kind], settings(), clock.clocks)
    for one in (manager, *([] if copied is copy.copy else [manager.auth("app")])):
        with pytest.raises(TypeError, match="build one in each process by from_settings"):
            copied(one)
