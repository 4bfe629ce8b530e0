"""The engine's decisions about flights: joined, given up, orphaned, overdue, queued."""

from __future__ import annotations

import pytest

from oauthreg._errors import TimedOutError, TokenEndpointError
from oauthreg._renewal.flight import FROZEN, LONGEST_QUEUE, Flight


def test_a_stale_token_has_one_renewal_however_its_callers_ask(rig, clock):
    rig.land(rig.decide().flight)
    clock.advance(160)
    first, second, third = rig.decide(), rig.decide(min_ttl=1.0), rig.decide()
    assert first.start
    assert not second.start
    assert not third.start
    assert first.flight is second.flight is third.flight


def test_who_joins_a_renewal_after_the_token_expired_is_waited_for(rig, clock):
    rig.land(rig.decide().flight)
    clock.advance(289)
    renewal = rig.decide().flight
    assert not renewal.waited
    clock.advance(2)
    assert rig.decide().flight is renewal
    assert renewal.waited


def test_an_answer_of_a_flight_that_was_given_up_is_dropped(rig, clock):
    old = rig.decide().flight
    rig.engine.abandon(old)
    new = rig.decide().flight
    rig.land(old)
    assert rig.decide().flight is new
    cached = rig.land(new)
    assert rig.decide().cached is cached


def test_an_orphaned_probe_lets_another_key_ask(rig, clock, fetch):
    class Stopped:
        def alive(self):
            return False

    rig.engine.fail(rig.decide().flight, TimedOutError("?"))
    clock.advance(1)
    rig.decide().flight.owner = Stopped()
    with pytest.raises(TimedOutError):
        rig.decide(fetch("other"))
    rig.decide()
    rig.engine.abandon(rig.decide().flight)
    assert rig.decide(fetch("other")).start


def test_a_renewal_that_ends_with_its_loop_is_not_started_by_every_call(rig, clock):
    rig.land(rig.decide().flight)
    clock.advance(160)
    started = 0
    for _ in range(60):
        decision = rig.decide(min_ttl=1.0)
        if decision.start:
            started += 1
            rig.engine.abandon(decision.flight)
        clock.advance(0.1)
    assert 1 <= started <= 4
    clock.advance(130)
    assert rig.decide().start, "without a valid token the caller waits for it"


def test_a_flight_found_long_after_its_deadline_says_nothing_of_the_server(rig, clock):
    """A frozen process: the answer may have come, and nobody was there to take it."""
    flight = rig.decide().flight
    clock.advance(10 + FROZEN + 0.1)
    rig.engine.fail(flight, TimedOutError("late"))
    assert flight.outcome.result() is None
    again = rig.decide()
    assert again.start
    clock.advance(10 + FROZEN + 0.1)
    assert rig.decide().start
    assert again.flight.outcome.result() is None
    assert rig.seen() == []


def test_a_flight_that_never_had_a_request_slot_is_no_failure_of_the_server(rig, clock):
    flight = rig.engine.decide(rig.fetch).flight
    assert rig.engine.decide(rig.fetch).flight is flight
    clock.advance(LONGEST_QUEUE)
    assert rig.engine.decide(rig.fetch).start
    assert flight.outcome.result() is None
    assert rig.seen() == []


def test_a_queued_flight_is_not_sent_after_the_endpoint_failed(rig, clock, fetch):
    queued = rig.engine.decide(fetch("queued")).flight
    clock.advance(1)
    rig.engine.fail(rig.decide().flight, TimedOutError("down"))
    clock.advance(0.1)
    with pytest.raises(TimedOutError) as caught:
        rig.engine.begin(queued)
    assert caught.value.backing_off
    rig.engine.fail(queued, caught.value)
    assert queued.outcome.result().backing_off
    assert rig.seen() == ["Failed", "BackingOff"]


def test_a_key_whose_last_flight_failed_has_no_second_try(rig, clock):
    first = rig.decide().flight
    assert rig.engine.may_retry(first)
    rig.engine.fail(first, TokenEndpointError("no", status=503, retryable=True))
    clock.advance(1)
    second = rig.decide().flight
    assert not rig.engine.may_retry(second)
    rig.land(second)
    clock.advance(300)
    assert rig.engine.may_retry(rig.decide().flight)


def test_no_second_try_where_the_endpoint_asked_to_wait(rig, clock, fetch):
    flight = rig.decide().flight
    other = rig.decide(fetch("other")).flight
    busy = TokenEndpointError("busy", status=503, retryable=True, retry_after=60.0)
    rig.engine.fail(other, busy)
    assert not rig.engine.may_retry(flight)


def test_a_flight_lands_nowhere_once_its_registration_is_gone(rig):
    flight = rig.decide().flight
    rig.records.disown({"app"})
    cached = rig.land(flight)
    assert flight.outcome.result() is cached
    assert rig.state.cache.entries == {}


def test_a_flight_starts_its_life_with_the_clock(rig, clock):
    flight = Flight(rig.fetch, clock.clocks.now(), waited=True)
    assert flight.started == flight.launched == clock.clocks.now()
    assert not flight.over(clock.clocks.now())
    assert not flight.orphaned
    rig.engine.begin(flight)
    clock.advance(10)
    assert flight.over(clock.clocks.now())
