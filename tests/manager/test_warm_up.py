"""Eager registrations are authorized at start-up, behind."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from oauthreg._errors import ManagerClosedError, TokenEndpointError
from oauthreg._manager.async_manager import AsyncAuthorizedClientManager
from oauthreg._manager.sync_manager import WARM_UP_LANES, AuthorizedClientManager
from oauthreg.events import WarmUp

TABLE = {"provider": "as", "client-id": "app", "client-secret": "secret", "eager": True}
EAGER = {f"app-{number:02}": {**TABLE, "audience": str(number)} for number in range(20)}
BROKEN = {**TABLE, "client-secret": "wrong", "client-id": "other"}


def test_every_eager_registration_is_authorized_and_no_other(make, server):
    h = make(registration=EAGER)
    seen = []
    outcomes = h.do("warm_up", seen.append)
    assert outcomes == dict.fromkeys(EAGER)
    assert server.token_requests == 20
    assert [(event.done, event.total) for event in seen] == [(n, 20) for n in range(1, 21)]
    assert {event.registration_id for event in seen} == set(EAGER)
    assert all(isinstance(event, WarmUp) and event.error is None for event in seen)
    assert h.token("app-07")
    assert server.token_requests == 20


def test_eight_at_a_time(make, server):
    h = make(registration=EAGER)
    done = threading.Event()
    with server.hold() as gate:
        thread = threading.Thread(target=lambda: (h.do("warm_up"), done.set()))
        thread.start()
        gate.wait_for(8)
        time.sleep(0.02)
        assert gate.waiting == 8 == WARM_UP_LANES - (WARM_UP_LANES - 8)
    assert done.wait(5)
    thread.join(5)


def test_one_that_fails_is_in_the_outcome_and_holds_nobody_up(make, server):
    h = make(registration={"broken": BROKEN, **EAGER})
    seen = []
    outcomes = h.do("warm_up", seen.append)
    assert isinstance(outcomes["broken"], TokenEndpointError)
    assert outcomes["broken"].registration_id == "broken"
    assert [id_ for id_, error in outcomes.items() if error] == ["broken"]
    (event,) = [event for event in seen if event.error]
    assert event.error is outcomes["broken"]
    assert outcomes["broken"].__traceback__ is None


def test_nothing_eager_is_nothing_to_do(h, server):
    assert h.do("warm_up") == {}
    assert server.requests == []


def test_a_progress_hook_that_raises_is_logged(make, caplog):
    h = make({"eager": True})

    def fail(_):
        raise ZeroDivisionError

    assert h.do("warm_up", fail) == {"app": None}
    assert "a listener failed on WarmUp" in caplog.text


def test_a_manager_that_is_closed_meanwhile_ends_its_warm_up(make, server):
    h = make(registration=EAGER)
    outcomes = {}
    with server.hold() as gate:
        thread = threading.Thread(target=lambda: outcomes.update(h.do("warm_up")))
        thread.start()
        gate.wait_for(8)
        h.do("close")
        thread.join(5)
    assert {type(error) for error in outcomes.values()} == {ManagerClosedError}


def test_start_up_warms_a_manager_for_threads_without_waiting(settings, server):
    with server.hold() as gate:
        manager = AuthorizedClientManager.from_settings(settings(registration=EAGER))
        gate.wait_for(8)
    server.wait_for_requests(20)
    manager.close()


def test_start_up_does_not_mind_a_dead_server(settings, server, kind):
    build = {"threads": AuthorizedClientManager, "asyncio": AsyncAuthorizedClientManager}[kind]
    tables = settings(registration=EAGER)
    server.stop()
    manager = build.from_settings(tables)
    if kind == "threads":
        manager.close()


def test_start_up_sends_nothing_where_nothing_is_eager(settings, server):
    manager = AuthorizedClientManager.from_settings(settings())
    assert server.requests == []
    manager.close()


@pytest.mark.parametrize("begin", ["async with", "authorize"])
def test_start_up_warms_an_asynchronous_manager_when_it_is_first_used(settings, server, begin):
    async def main():
        manager = AsyncAuthorizedClientManager.from_settings(settings(registration=EAGER))
        await asyncio.sleep(0)
        assert server.requests == []
        if begin == "async with":
            await manager.__aenter__()
        else:
            await manager.authorize("app")
        count = 20 if begin == "async with" else 21
        await asyncio.to_thread(server.wait_for_requests, count)
        await manager.authorize("app-07")
        assert server.token_requests == count
        await manager.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_callers_and_the_warm_up_share_a_flight(make, server):
    h = make({"eager": True})
    with server.hold() as gate:
        thread = threading.Thread(target=lambda: h.do("warm_up"))
        thread.start()
        gate.wait_for(1)
        calls = h.herd(10)
    assert all(call.result(5) for call in calls)
    thread.join(5)
    assert server.token_requests == 1
