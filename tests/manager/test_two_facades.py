"""A manager for threads and one for asyncio over one core."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import weakref

import pytest

from oauthreg import AsyncAuthorizedClientManager, AuthorizationError, AuthorizedClientManager
from oauthreg._errors import ManagerClosedError

WAIT = 10.0


@pytest.fixture
def both(build, settings, clock):
    """A manager for threads, and the one for asyncio beside it."""
    sync = build(AuthorizedClientManager, settings(), clock.clocks)
    yield sync, sync.as_async()
    sync.close()


def value(client):
    return client.access_token.token_value


def in_thread(function, *args, **options):
    """The result of a function in a thread of its own, to be waited for."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*args, **options)))
    thread.start()

    def result():
        thread.join(WAIT)
        return results[0]

    return result


def test_each_gives_the_other_the_same_one_each_time(both):
    sync, other = both
    assert isinstance(other, AsyncAuthorizedClientManager)
    assert sync.as_async() is other
    assert other.as_sync() is sync


def test_they_share_one_token_and_what_happens_to_it(both, server):
    sync, other = both
    first = value(sync.authorize("app"))
    assert value(asyncio.run(other.authorize("app"))) == first
    other.reject("app", first)
    second = value(sync.authorize("app"))
    assert second != first
    assert value(asyncio.run(other.authorize("app"))) == second
    assert server.token_requests == 2


def test_a_thread_and_a_task_wait_for_one_flight(both, server, make_loop):
    sync, other = both
    loop = make_loop()
    with server.hold() as gate:
        task = loop.start(other.authorize("app"))
        gate.wait_for(1)
        thread = in_thread(sync.authorize, "app")
    assert value(task.result(WAIT)) == value(thread())
    assert server.token_requests == 1


def test_a_task_waits_for_a_flight_of_a_thread(both, server, make_loop):
    sync, other = both
    loop = make_loop()
    with server.hold() as gate:
        thread = in_thread(sync.authorize, "app")
        gate.wait_for(1)
        task = loop.start(other.authorize("app"))
    assert value(task.result(WAIT)) == value(thread())
    assert server.token_requests == 1


def test_a_waiting_thread_launches_anew_what_ended_with_its_loop(both, server, make_loop):
    sync, other = both
    loop = make_loop()
    with server.hold() as gate:
        loop.start(other.authorize("app"))
        gate.wait_for(1)
        thread = in_thread(sync.authorize, "app")
        loop.halt()
        gate.wait_for(2)
    assert value(thread())
    assert server.token_requests == 2


@pytest.mark.parametrize("who", ["sync", "async"])
def test_closing_either_closes_both(both, who):
    sync, other = both
    if who == "sync":
        sync.close()
    else:
        asyncio.run(other.close())
    with pytest.raises(ManagerClosedError):
        sync.authorize("app")
    with pytest.raises(ManagerClosedError):
        asyncio.run(other.authorize("app"))


def test_closing_from_a_thread_wakes_the_tasks_that_wait(both, server, make_loop):
    sync, other = both
    loop = make_loop()
    with server.hold() as gate:
        task = loop.start(other.authorize("app"))
        gate.wait_for(1)
        sync.close()
        assert isinstance(task.exception(WAIT), ManagerClosedError)


def test_a_reload_counts_for_both(both, server):
    sync, other = both
    sync.register("app", {"client-id": "app", "client-secret": "secret", "scope": "write"})
    assert asyncio.run(other.authorize("app")).access_token.scopes == ("write",)


def test_both_are_collected_together(build, settings):
    sync = build(AuthorizedClientManager, settings())
    references = [weakref.ref(sync), weakref.ref(sync.as_async())]
    del sync
    gc.collect()
    assert [reference() for reference in references] == [None, None]


@pytest.mark.parametrize("kind", [AuthorizedClientManager, AsyncAuthorizedClientManager])
@pytest.mark.parametrize("arguments", [(), ("settings.toml",), ({},)])
def test_a_manager_is_built_by_from_settings(kind, arguments):
    with pytest.raises(TypeError, match=rf"{kind.__name__}\.from_settings\(\)"):
        kind(*arguments)


def test_without_asyncio_the_other_manager_says_so_and_leaves_no_flight(both, server):
    """As under trio: the coroutine runs, and no asyncio event loop does."""
    sync, other = both
    coroutine = other.authorize("app")
    with pytest.raises(AuthorizationError, match=r"needs a running asyncio event loop.*trio"):
        coroutine.send(None)
    assert value(sync.authorize("app"))
    assert server.token_requests == 1


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_process_that_was_forked_without_hooks_makes_its_own_flights(both, server, clock, how):
    """As uWSGI forks: in C, so that no hook of Python's runs in the child."""
    sync, other = both
    first = value(sync.authorize("app"))

    def authorize():
        return value(
            sync.authorize("app") if how == "sync" else asyncio.run(other.authorize("app"))
        )

    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        clock.advance(291)
        os.write(writer, authorize().encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        childs = pipe.read()
    os.waitpid(pid, 0)
    assert childs not in ("", first)
    assert authorize() == first
