"""Event loops that come and go, forks, and the end."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from oauthreg._errors import TokenEndpointError
from oauthreg._manager.async_manager import AsyncAuthorizedClientManager
from oauthreg._manager.sync_manager import AuthorizedClientManager
from oauthreg.testing import Fault

KINDS = {"threads": AuthorizedClientManager, "asyncio": AsyncAuthorizedClientManager}


@pytest.fixture
def manager(build, settings, clock):
    """An asynchronous manager that belongs to no loop."""
    return build(AsyncAuthorizedClientManager, settings(), clock.clocks)


async def _token(manager, **options):
    return (await manager.authorize("app", **options)).access_token.token_value


def _alone(coroutine):
    """asyncio.run in a thread of its own, as a future."""
    from concurrent.futures import Future

    done = Future()

    def work():
        try:
            done.set_result(asyncio.run(coroutine))
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            done.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return done


# Event loops


def test_asyncio_run_may_be_called_twice(manager, server, clock):
    first = asyncio.run(_token(manager))
    clock.advance(291)
    second = asyncio.run(_token(manager))
    clock.advance(291)
    third = asyncio.run(_token(manager))
    assert len({first, second, third}) == 3
    assert server.token_requests == 3


def test_a_run_that_ends_in_the_middle_of_a_flight_leaves_it_to_who_waits_elsewhere(
    manager, server, make_loop
):
    async def leave(gate):
        caller = asyncio.create_task(_token(manager))
        await asyncio.to_thread(gate.wait_for, 1)
        return caller

    with server.hold() as gate:
        loop = make_loop()
        assert asyncio.run(leave(gate)).cancelled()
        call = loop.start(_token(manager))
        gate.wait_for(2)
        other = _alone(_token(manager))
    assert call.result(5) == other.result(5)


def test_a_thread_and_two_loops_wait_for_a_flight_whose_loop_ends(manager, server, make_loop):
    first, second, third = make_loop(), make_loop(), make_loop()
    with server.hold() as gate:
        lost = first.start(_token(manager))
        gate.wait_for(1)
        waiting = [second.start(_token(manager)), third.start(_token(manager))]
        waiting.append(_alone(_token(manager)))
        first.close()
        gate.wait_for(2)
    assert len({call.result(5) for call in waiting}) == 1
    assert lost.cancelled()
    assert server.token_requests == 2


def test_a_loop_that_merely_stops_running_holds_nobody_up(manager, server, make_loop):
    first, second = make_loop(), make_loop()
    with server.hold() as gate:
        first.start(_token(manager))
        gate.wait_for(1)
        waiting = second.start(_token(manager))
        first.halt()
        gate.wait_for(2)
    value = waiting.result(5)
    assert second.run(_token(manager)) == value
    assert server.token_requests == 2


def test_a_caller_that_comes_after_a_loop_stopped_starts_anew(manager, server, make_loop):
    first, second = make_loop(), make_loop()
    with server.hold() as gate:
        first.start(_token(manager))
        gate.wait_for(1)
        first.halt()
        waiting = second.start(_token(manager))
        gate.wait_for(2)
    assert waiting.result(5)


def test_a_loop_that_goes_on_after_a_pause_still_lands_its_renewal(manager, server, clock):
    loop = asyncio.new_event_loop()
    try:
        first = loop.run_until_complete(_token(manager))
        clock.advance(200)
        assert loop.run_until_complete(_token(manager)) == first

        async def renewed():
            while (value := await _token(manager)) == first:  # noqa: ASYNC110 - as callers do
                await asyncio.sleep(0.001)
            return value

        assert loop.run_until_complete(asyncio.wait_for(renewed(), 5))
        assert server.token_requests == 2
    finally:
        loop.run_until_complete(manager.close())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def test_several_loops_at_once_share_one_flight(manager, server, make_loop):
    loops = [make_loop() for _ in range(4)]
    with server.hold() as gate:
        calls = [loop.start(_token(manager)) for loop in loops for _ in range(25)]
        gate.wait_for(1)
    assert len({call.result(5) for call in calls}) == 1
    assert server.token_requests == 1


def test_a_flight_at_its_deadline_is_not_started_anew_from_another_loop(
    manager, server, clock, make_loop
):
    first, second = make_loop(), make_loop()
    with server.hold() as gate:
        calls = [first.start(_token(manager))]
        gate.wait_for(1)
        calls.append(second.start(_token(manager)))
        while len(manager._runner._wakers.get(_flight(manager), ())) < 2:
            time.sleep(0.001)
        clock.advance(10.1)
        time.sleep(0.25)  # the other loop looks every tenth of a second
    results = {call.result(5) for call in calls}
    assert len(results) == 1
    assert server.token_requests == 1


def _flight(manager):
    (slot,) = manager._core.state.cache.entries.values()
    return slot.flight


def test_a_failure_reaches_every_loop(manager, server, make_loop):
    server.inject(Fault(status=400, body={"error": "invalid_scope"}))
    loops = [make_loop(), make_loop()]
    with server.hold() as gate:
        calls = [loop.start(_token(manager)) for loop in loops]
        gate.wait_for(1)
        while len(manager._runner._wakers.get(_flight(manager), ())) < 2:
            time.sleep(0.001)
    assert all(isinstance(call.exception(5), TokenEndpointError) for call in calls)
    assert server.token_requests == 1


def test_a_flight_carries_nothing_of_its_callers_context(manager, server):
    import contextvars

    request = contextvars.ContextVar("request", default="nobody's")
    seen = []
    server.inject(lambda _: seen.append(None))
    runner = manager._runner
    original = runner._transport
    runner._transport = lambda flight: (seen.append(request.get()), original(flight))[1]

    async def main():
        request.set("mine")
        await manager.authorize("app")
        await manager.close()

    asyncio.run(main())
    assert "nobody's" in seen
    assert "mine" not in seen


def test_a_loop_that_was_closed_with_waiters_in_it_disturbs_nobody(manager, server, make_loop):
    first, second = make_loop(), make_loop()
    with server.hold() as gate:
        call = first.start(_token(manager))
        gate.wait_for(1)
        second.start(_token(manager))
        while len(manager._runner._wakers.get(_flight(manager), ())) < 2:
            time.sleep(0.001)
        second.close()
    assert call.result(5)
