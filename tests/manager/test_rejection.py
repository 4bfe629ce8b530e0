"""An API refuses a token: renew once, then believe the API."""

from __future__ import annotations

import pytest

from oauthreg._errors import ManagerClosedError, TokenEndpointError, UnknownRegistrationError
from oauthreg.events import Rejected
from oauthreg.testing import Fault

ENGINE = "oauthreg/renewal/engine.py"
SLOTS = "oauthreg/renewal/slots.py"
REFUSED = Fault(status=400, body={"error": "unauthorized_client"})


def rejected(events):
    return [event for event in events if isinstance(event, Rejected)]


def test_who_rejected_a_token_never_receives_it_again(h, server):
    first = h.token()
    h.manager.reject("app", first)
    with server.hold() as gate:
        call = h.start()
        gate.wait_for(1)
        assert not call.done()
    assert call.result(5).access_token.token_value != first


def test_100_rejections_make_one_request(h, server):
    first = h.token()
    for _ in range(100):
        h.manager.reject("app", first)
    second = h.token()
    assert second != first
    for _ in range(100):
        h.manager.reject("app", first)
        assert h.token() == second
    assert server.token_requests == 2


def test_a_burst_of_rejections_while_the_renewal_is_under_way_makes_one_request(h, server):
    first = h.token()
    h.manager.reject("app", first)
    with server.hold() as gate:
        calls = h.herd(20)
        gate.wait_for(1)
        for _ in range(100):
            h.manager.reject("app", first)
    assert {call.result(5).access_token.token_value for call in calls} == {h.token()}
    assert server.token_requests == 2


def test_a_rejection_of_a_token_that_is_no_longer_at_hand_does_nothing(h, server):
    first = h.token()
    second = h.token(force=True)
    h.manager.reject("app", first)
    assert h.token() == second
    assert server.token_requests == 2


def test_a_rejection_of_what_was_never_issued_does_nothing(h, server):
    first = h.token()
    h.manager.reject("app", "never issued")
    h.manager.reject("nobody", first)
    assert h.token() == first


def test_an_id_may_be_spelt_as_in_settings(h):
    first = h.token("APP")
    h.manager.reject("App", first)
    assert h.token("app") != first


def test_a_second_rejection_of_one_value_does_nothing_even_if_it_was_issued_again(h, server, clock):
    server.reissue = True
    first = h.token()
    h.manager.reject("app", first)
    assert h.token() == first, "a server that issues the same token again is believed"
    assert server.token_requests == 2
    h.manager.reject("app", first)
    clock.advance(70)
    assert h.token() == first
    assert server.token_requests == 2


def test_an_api_that_always_refuses_costs_a_handful_of_requests_a_minute(h, server, clock):
    minutes = []
    for _ in range(5):
        before = server.token_requests
        for _ in range(600):
            h.manager.reject("app", h.token())
            clock.advance(0.1)
        minutes.append(server.token_requests - before)
    assert minutes[0] <= 9
    assert all(count <= 3 for count in minutes[1:])


def test_the_brake_doubles_from_1_s_to_a_minute_and_the_token_goes_on(make, clock):
    events = []
    h = make(on_event=events.append)
    clock.chance = 1.0
    for _ in range(9):
        value = h.token()
        h.manager.reject("app", value)
        wait = rejected(events)[-1].retry_after
        if wait:
            assert h.token() == value, "the API's 401 goes to the caller"
        clock.advance(wait + 1e-6)
    assert [event.retry_after for event in rejected(events)] == [0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert [event.rejections for event in rejected(events)] == list(range(9))


def test_five_quiet_minutes_release_the_brake(make, clock):
    events = []
    h = make(on_event=events.append)
    for _ in range(4):
        h.manager.reject("app", h.token())
        clock.advance(30)
    clock.advance(271)
    h.manager.reject("app", h.token())
    assert rejected(events)[-1].retry_after == 0


def test_a_wrong_audience_is_one_warning_that_names_audience_and_scopes(make, clock, caplog):
    h = make({"audience": "https://api.example", "scope": "write read"})
    for _ in range(10):
        h.manager.reject("app", h.token())
        clock.advance(61)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "audience: https://api.example, scopes: write read" in warnings[0]


def test_a_renewal_that_fails_after_a_rejection_raises(h, server, clock):
    first = h.token()
    h.manager.reject("app", first)
    server.inject(REFUSED)
    assert isinstance(h.failure(), TokenEndpointError)
    assert h.failure().backing_off
    assert h.manager.status()["app"]["state"] == "rejected"
    server.heal()
    clock.advance(31)
    assert h.token() != first


def test_a_renewal_that_was_under_way_answers_a_rejection(h, server, clock):
    first = h.token()
    clock.advance(200)
    with server.hold() as gate:
        h.token()
        gate.wait_for(1)
        h.manager.reject("app", first)
        call = h.start()
        h.arrivals.wait_for(3)
    assert call.result(5).access_token.token_value != first
    assert server.token_requests == 2


def test_a_token_of_one_call_may_be_rejected(h, server):
    plain = h.token()
    special = h.token(audience="special")
    h.manager.reject("app", special)
    assert h.token(audience="special") != special
    assert h.token() == plain
    assert server.token_requests == 3


def test_invalidate_drops_every_token_of_a_registration(h, server):
    before = {h.token(), h.token(audience="special")}
    h.do("invalidate", "app")
    assert h.manager.status()["app"]["state"] == "none"
    assert not before & {h.token(), h.token(audience="special")}
    assert server.token_requests == 4


def test_invalidate_during_a_flight_lets_it_finish_for_those_who_wait(h, server):
    with server.hold() as gate:
        call = h.start()
        gate.wait_for(1)
        h.do("invalidate", "app")
    assert call.result(5)
    assert server.token_requests == 1


def test_invalidate_of_a_stranger_is_an_error(h):
    with pytest.raises(UnknownRegistrationError):
        h.do("invalidate", "stranger")


def test_an_override_takes_the_tokens_place_until_it_is_ended(h, server):
    real = h.token()
    h.manager.override("App", "fixed")
    assert h.token() == h.token(audience="special") == "fixed"
    assert h.authorize().authorization == "Bearer fixed"
    h.manager.override("app", None)
    h.manager.override("app", None)
    assert h.token() not in {"fixed", real}
    assert server.token_requests == 2


def test_an_override_ends_with_its_block_and_the_one_before_comes_back(h, server):
    with h.manager.override("app", "outer"):
        with h.manager.override("App", "inner"):
            assert h.token() == "inner"
        assert h.token() == "outer"
    assert server.token_requests == 0
    assert h.token() not in {"outer", "inner"}


@pytest.mark.parametrize("end", ["remove", "close"])
def test_an_override_ends_with_its_block_whatever_became_of_the_registration(h, end):
    with h.manager.override("app", "fixed"):
        h.do("remove", "app") if end == "remove" else h.do("close")


def test_an_override_holds_against_a_flight_that_lands_later(h, server):
    with server.hold() as gate:
        call = h.start()
        gate.wait_for(1)
        h.manager.override("app", "fixed")
    assert call.result(5)
    assert h.token() == "fixed"


def test_status_says_what_each_registration_has(make, server, clock):
    other = {"provider": "as", "client-id": "other", "client-secret": "x"}
    h = make(registration={"other": other})
    nothing = {"state": "none", "seconds_left": None, "renewing": False}
    nothing |= {"error": None, "retry_after": None, "store": None}
    assert h.manager.status() == {"app": nothing, "other": nothing}
    value = h.token()
    assert h.manager.status()["app"] == {**nothing, "state": "fresh", "seconds_left": 300}
    clock.advance(200)
    with server.hold() as gate:
        h.token()
        gate.wait_for(1)
        state = h.manager.status()["app"]
        assert state == {**nothing, "state": "stale", "seconds_left": 100, "renewing": True}
    h.settled()
    h.failure("other")
    state = h.manager.status()["other"]
    assert "invalid_client" in state["error"]
    assert state["retry_after"] == 15
    assert value not in str(h.manager.status())


def test_a_closed_manager_says_so(h):
    h.token()
    h.do("close")
    assert isinstance(h.failure(), ManagerClosedError)
    assert isinstance(h.failure(audience="x"), ManagerClosedError)
    h.do("close")
