"""One token request, however many ask for the token."""

from __future__ import annotations

import threading

import pytest

from oauthreg._errors import TokenEndpointError, WaitTimedOutError
from oauthreg.testing import Fault

ENGINE = "oauthreg/renewal/engine.py"


def test_200_callers_of_a_cold_manager_make_one_request(h, server):
    with server.hold():
        calls = h.herd(200)
    clients = [call.result(10) for call in calls]
    assert server.token_requests == 1
    assert len({client.access_token.token_value for client in clients}) == 1


def test_200_callers_at_expiry_make_one_request(h, server, clock):
    first = h.token()
    clock.advance(299)
    with server.hold():
        calls = h.herd(200)
    values = {call.result(10).access_token.token_value for call in calls}
    assert server.token_requests == 2
    assert len(values) == 1
    assert first not in values


@pytest.mark.parametrize("kind", ["threads"])
def test_1000_threads_of_a_cold_manager_make_one_request(h, server):
    stack_size = threading.stack_size(256 * 1024)
    try:
        with server.hold():
            calls = h.herd(1_000)
    finally:
        threading.stack_size(stack_size)
    assert len({call.result(10).access_token.token_value for call in calls}) == 1
    assert server.token_requests == 1


@pytest.mark.parametrize("kind", ["asyncio"])
def test_10000_tasks_of_a_cold_manager_make_one_request(h, server, watchdog):
    watchdog.longest = 0.100  # asyncio itself wakes all who wait for a future in one callback
    with server.hold():
        calls = h.herd(10_000)
    assert len({call.result(10).access_token.token_value for call in calls}) == 1
    assert server.token_requests == 1


def test_different_registrations_do_not_wait_for_each_other(make, server):
    other = {"provider": "as", "client-id": "other", "client-secret": "other-secret"}
    h = make(registration={"other": other})
    server.add_client("other", "other-secret")
    with server.hold() as gate:
        slow = h.start("app")
        gate.wait_for(1)
        h.start("other")
        gate.wait_for(2)
    assert slow.result(5)
    assert server.token_requests == 2


def test_two_registrations_of_one_token_key_share_it(make, server):
    h = make(
        registration={
            "twin": {
                "provider": "as",
                "client-id": "app",
                "client-secret": "secret",
                "scope": "read",
            }
        }
    )
    assert h.token("app") == h.token("twin")
    assert h.authorize("twin").registration.registration_id == "twin"
    assert server.token_requests == 1


def test_waiters_of_a_failed_flight_each_get_their_own_error(h, server):
    server.inject(Fault(status=400, body={"error": "invalid_scope"}))
    with server.hold():
        calls = h.herd(200)
    errors = [call.exception(10) for call in calls]
    assert server.token_requests == 1
    assert {type(error) for error in errors} == {TokenEndpointError}
    assert len({id(error) for error in errors}) == 200
    assert {error.registration_id for error in errors} == {"app"}
    assert all(error.__cause__ is None and error.__context__ is None for error in errors)


def test_an_error_does_not_grow_with_those_who_raise_it(h, server):
    server.inject(Fault(status=400, body={"error": "invalid_scope"}))

    def depth(error):
        count, trace = 0, error.__traceback__
        while trace is not None:
            count, trace = count + 1, trace.tb_next
        return count

    depths = [depth(h.failure()) for _ in range(20)]
    assert len(set(depths[1:])) == 1


def test_an_error_names_the_registration_of_the_caller_who_waits(make, server):
    twin = {"provider": "as", "client-id": "app", "client-secret": "secret", "scope": "read"}
    h = make(registration={"twin": twin})
    server.inject(Fault(status=400, body={"error": "invalid_scope"}))
    with server.hold() as gate:
        calls = [h.start("app"), h.start("twin")]
        gate.wait_for(1)
        h.arrivals.wait_for(2)
    assert [call.exception(5).registration_id for call in calls] == ["app", "twin"]
    assert server.token_requests == 1


def test_a_deadline_is_the_waiters_own(h, server, clock):
    with server.hold() as gate:
        patient = h.start()
        gate.wait_for(1)
        error = h.failure(timeout=0)
        assert isinstance(error, WaitTimedOutError)
        assert "its request goes on" in str(error)
        assert error.registration_id == "app"
    assert patient.result(5)
    assert server.token_requests == 1


@pytest.mark.parametrize("kind", ["asyncio"])
def test_cancelling_the_first_caller_leaves_the_token_to_the_others(h, server):
    with server.hold() as gate:
        first = h.start()
        gate.wait_for(1)
        others = h.herd(5)
        first.cancel()
        h.loop.run(_tick())
    assert len({call.result(5).access_token.token_value for call in others}) == 1
    assert server.token_requests == 1


@pytest.mark.parametrize("kind", ["asyncio"])
def test_cancelling_everybody_leaves_the_token_to_the_next(h, server):
    with server.hold() as gate:
        calls = h.herd(5)
        gate.wait_for(1)
        for call in calls:
            call.cancel()
        h.loop.run(_tick())
    h.settled()
    assert h.token()
    assert server.token_requests == 1


async def _tick():
    pass
