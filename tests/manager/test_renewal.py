"""Fresh, stale, expired: when a token is served, renewed behind, or waited for."""

from __future__ import annotations

import pytest

from oauthreg._errors import InvalidTokenResponseError, TokenEndpointError
from oauthreg.events import LifetimeAssumed, LifeTooShort, Renewed
from oauthreg.testing import DELETE, Fault

ENGINE = "oauthreg/renewal/engine.py"

TABLE = [
    # lifetime, expired, stale at u = 0, stale at u -> 1
    (5, 4.5, 2.5, 3.0),
    (30, 27, 15, 18),
    (60, 54, 30, 36),
    (300, 290, 150, 180),
    (3600, 3590, 2400, 2640),
    (86400, 86390, 85200, 85440),
]
EDGES = [(lifetime, expired, stale, 0.0) for lifetime, expired, stale, _ in TABLE]
EDGES += [(lifetime, expired, stale, 1 - 1e-12) for lifetime, expired, _, stale in TABLE]
SMALL = 1e-3


@pytest.mark.parametrize("edge", EDGES)
def test_a_token_is_fresh_then_stale_then_expired(h, server, clock, edge):
    lifetime, expired, stale, chance = edge
    server.token_lifetime = lifetime
    clock.chance = chance
    first = h.token()
    clock.advance(stale - SMALL)
    assert h.token() == first
    assert h.manager.status()["app"]["state"] == "fresh"
    assert server.token_requests == 1
    clock.advance(2 * SMALL)
    server.inject(Fault(status=400, body={"error": "unauthorized_client"}))
    assert h.token() == first, "stale is served at once"
    h.settled()
    assert server.token_requests == 2, "and renewed behind"
    assert h.manager.status()["app"]["state"] == "stale"
    clock.advance(expired - stale - 2 * SMALL)
    assert h.token() == first
    h.settled()
    clock.advance(2 * SMALL)
    assert isinstance(h.failure(), TokenEndpointError), "expired is never served"


@pytest.mark.parametrize("edge", EDGES)
def test_the_hit_path_ends_where_a_token_turns_stale(h, server, clock, edge):
    lifetime, _, stale, chance = edge
    server.token_lifetime = lifetime
    clock.chance = chance
    h.token()
    h.token()
    decided = h.arrivals.count
    clock.advance(stale - SMALL)
    h.token()
    assert h.arrivals.count == decided, "served without a decision"
    clock.advance(2 * SMALL)
    h.token()
    assert h.arrivals.count == decided + 1


def test_one_renewal_is_started_however_many_are_served_a_stale_token(h, server, clock):
    first = h.token()
    clock.advance(200)
    with server.hold() as gate:
        calls = [h.start() for _ in range(50)]
        assert {call.result(5).access_token.token_value for call in calls} == {first}
        gate.wait_for(1)
    h.settled()
    assert server.token_requests == 2
    assert h.token() != first


def test_the_old_token_is_served_while_a_renewal_hangs(h, server, clock):
    first = h.token()
    clock.advance(200)
    with server.hold() as gate:
        assert h.token() == first
        gate.wait_for(1)
        decided = h.arrivals.count
        for _ in range(100):
            assert h.token() == first
        assert h.arrivals.count <= decided + 1, "hits go on without a decision"
        clock.advance(9)
        assert h.token() == first
    h.settled()
    assert server.token_requests == 2


def test_an_expired_token_is_never_served_while_a_flight_is_under_way(h, server, clock):
    first = h.token()
    clock.advance(291)
    with server.hold() as gate:
        call = h.start()
        gate.wait_for(1)
        assert not call.done()
    assert call.result(5).access_token.token_value != first


def test_callers_wait_for_the_renewal_that_hangs_when_the_token_expires(h, server, clock):
    first = h.token()
    clock.advance(285)
    with server.hold() as gate:
        assert h.token() == first
        gate.wait_for(1)
        clock.advance(6)
        calls = h.herd(20)
    assert {call.result(5).access_token.token_value for call in calls} == {h.token()}
    assert server.token_requests == 2


def test_a_renewal_that_fails_keeps_the_token_until_its_margin(h, server, clock):
    first = h.token()
    server.inject(Fault(status=503))
    for moment in (151, 200, 250, 289):
        clock.advance(moment - (clock.monotonic - 5_000))
        assert h.token() == first
        h.settled()
    clock.advance(2)
    assert h.failure().status == 503


def test_renewals_behind_a_stale_token_do_not_retry_they_back_off(h, server, clock):
    h.token()
    server.inject(Fault(status=503))
    clock.advance(200)
    h.token()
    h.settled()
    assert server.token_requests == 2
    for _ in range(5):
        h.token()
    h.settled()
    assert server.token_requests == 2
    clock.advance(1.01)
    h.token()
    h.settled()
    assert server.token_requests == 3


@pytest.mark.parametrize("jump", [3_600, -3_600])
def test_a_wall_clock_that_jumps_an_hour_costs_one_request_at_most(h, server, clock, jump):
    first = h.token()
    clock.set_wall_clock(jump)
    second = h.token()
    assert (second != first) == (jump > 0), "expired as soon as either clock says so"
    clock.advance(100)
    assert h.token() == second
    clock.advance(191)
    assert h.token() != second
    assert server.token_requests == (3 if jump > 0 else 2)


def test_a_suspended_machine_whose_monotonic_clock_stood_still_fetches_anew(h, server, clock):
    first = h.token()
    clock.wall += 8 * 3_600
    assert h.token() != first
    assert server.token_requests == 2


def test_a_monotonic_clock_that_goes_on_alone_expires_a_token(h, server, clock):
    first = h.token()
    clock.monotonic += 291
    assert h.token() != first


def test_a_token_slower_than_its_own_life_is_an_error_that_says_so(h, server, clock):
    server.token_lifetime = 1
    with server.hold() as gate:
        call = h.start()
        gate.wait_for(1)
        clock.advance(2)
    error = call.exception(5)
    assert isinstance(error, InvalidTokenResponseError)
    assert "lived 1 s, and took 2.0 s to arrive" in str(error)
    assert error.retryable


def test_a_lifetime_counts_from_the_start_of_the_request(h, server, clock):
    server.token_lifetime = 60
    with server.hold() as gate:
        call = h.start()
        gate.wait_for(1)
        clock.advance(6)
    token = call.result(5).access_token
    assert (token.expires_at - token.issued_at).total_seconds() == 60
    assert token.issued_at.timestamp() == 1_800_000_000
    assert token.issued_at.utcoffset().total_seconds() == 0


def test_tokens_of_one_second_are_served_and_renewed(h, server, clock):
    server.token_lifetime = 1
    first = h.token()
    clock.advance(0.49)
    assert h.token() == first
    clock.advance(0.40)
    assert h.token() == first
    h.settled()
    assert server.token_requests == 2
    clock.advance(0.02)
    assert h.token() != first


def test_a_token_without_expires_in_is_kept_for_the_default_lifetime(make, server, clock):
    events = []
    h = make({"default-lifetime": 100}, on_event=events.append)
    server.extra_fields = {"expires_in": DELETE}
    first = h.token()
    h.told(events, 2)
    assert [event.lifetime for event in events if isinstance(event, LifetimeAssumed)] == [100]
    clock.advance(49)
    assert h.token() == first
    assert server.token_requests == 1
    clock.advance(42)
    assert h.token() != first


@pytest.mark.parametrize(
    ("said", "lifetime"),
    [("3600", 3600), (3600.0, 3600), ("3600.0", 3600), (3600.5, 3600.5), (1_900_000_000, 7200)],
)
def test_expires_in_is_taken_as_it_is_up_to_the_max_lifetime(make, server, said, lifetime):
    h = make({"max-lifetime": 7200})
    server.extra_fields = {"expires_in": said}
    assert h.authorize()
    assert h.manager.status()["app"]["seconds_left"] == lifetime


def test_a_lifetime_beyond_all_calendars_is_a_hundred_years(h, server):
    server.extra_fields = {"expires_in": 1e30}
    assert h.authorize().access_token.expires_at.year < 2200


def test_a_token_that_is_issued_again_with_less_life_is_not_taken_for_a_fresh_one(h, server, clock):
    born = clock.monotonic

    def same_token(_):
        left = 300 - (clock.monotonic - born)
        return Fault(body={"access_token": "same", "expires_in": left}) if left > 0 else None

    server.inject(same_token)
    while clock.monotonic - born < 300:
        assert h.token() == "same"
        h.settled()
        clock.advance(1)
    assert server.token_requests < 20
    assert h.token() != "same"


def test_refresh_before_0_renews_only_what_has_expired(make, server, clock):
    h = make({"refresh-before": 0})
    first = h.token()
    clock.advance(289)
    assert h.token() == first
    h.settled()
    assert server.token_requests == 1
    clock.advance(2)
    assert h.token() != first


def test_refresh_before_takes_at_most_nine_tenths(make, server, clock):
    h = make({"refresh-before": 1_000})
    h.token()
    clock.advance(29)
    h.token()
    assert server.token_requests == 1
    clock.advance(2)
    h.token()
    h.settled()
    assert server.token_requests == 2


def test_min_ttl_is_met_by_a_renewal_if_need_be(h, server, clock):
    first = h.token()
    clock.advance(100)
    assert h.token(min_ttl=199) == first
    assert h.token(min_ttl=201) != first
    assert server.token_requests == 2


def test_min_ttl_that_cannot_be_met_raises(h, server, clock):
    h.token()
    server.inject(Fault(status=400, body={"error": "unauthorized_client"}))
    clock.advance(100)
    assert isinstance(h.failure(min_ttl=250), TokenEndpointError)
    assert h.token()


def test_a_30_s_token_with_a_min_ttl_of_60_s_costs_one_request_in_15_s_and_one_warning(
    make, server, clock, caplog
):
    events = []
    h = make(on_event=events.append)
    server.token_lifetime = 30
    for _ in range(60):
        assert h.token(min_ttl=60)
        clock.advance(1)
    h.settled()
    assert server.token_requests <= 5
    assert len([event for event in events if isinstance(event, LifeTooShort)]) == 1
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert ["min_ttl of 60 s" in record.getMessage() for record in warnings] == [True]


def test_a_min_ttl_close_to_the_lifetime_does_not_loop(h, server, clock):
    for _ in range(30):
        h.token(min_ttl=299.99)
        clock.advance(1)
    assert server.token_requests <= 2


@pytest.mark.parametrize("tenths", range(1, 10))
def test_one_call_a_second_at_any_jitter_never_sees_a_gap(h, server, clock, tenths):
    clock.chance = tenths / 10
    server.token_lifetime = 30
    for _ in range(120):
        assert h.authorize(timeout=5)
        h.settled()
        clock.advance(1)
    assert 6 <= server.token_requests <= 9


def test_renewals_send_exactly_what_the_first_fetch_sent(make, server, clock):
    h = make({"audience": "api", "scope": "write read", "parameters": {"z": "1", "a": "2"}})
    options = {"resource": ["https://b.example", "https://a.example"], "scope": "read write"}
    for moment in (0, 200, 400):
        clock.advance(moment)
        h.token(**options)
        h.settled()
    bodies = {request.body for request in server.requests_to("token")}
    headers = {request.headers["Authorization"] for request in server.requests_to("token")}
    assert server.token_requests == 3
    assert len(bodies) == len(headers) == 1


def test_a_renewal_is_told_as_such(make, server, clock):
    events = []
    h = make(on_event=events.append)
    h.token()
    clock.advance(200)
    h.token()
    h.settled()
    assert h.told(events, 3) == ["Fetched", "Served", "Renewed"]
    assert isinstance(events[-1], Renewed)
    assert events[-1].lifetime == 300


def test_force_fetches_anew(h, server):
    first = h.token()
    assert h.token(force=True) != first
    assert server.token_requests == 2
    assert h.token() != first


def test_a_herd_that_forces_makes_one_request(h, server):
    first = h.token()
    with server.hold():
        calls = h.herd(50, force=True)
    assert first not in {call.result(5).access_token.token_value for call in calls}
    assert server.token_requests == 2
