"""The engine's decisions, one caller at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oauthreg._errors import (
    DiscoveryError,
    ManagerClosedError,
    TimedOutError,
    TokenEndpointError,
)
from oauthreg._renewal import hot_path
from oauthreg._renewal.cache_entry import CacheEntry

REFUSED = TokenEndpointError("no", status=400, error="unauthorized_client")


def test_the_first_caller_starts_and_the_second_waits(rig):
    first, second = rig.decide(), rig.decide()
    assert (first.cached, first.start) == (None, True)
    assert (second.cached, second.start) == (None, False)
    assert first.flight is second.flight


def test_a_landed_token_is_served(rig):
    cached = rig.land(rig.decide().flight)
    decision = rig.decide()
    assert decision.cached is cached
    assert decision.client.cached is cached
    assert decision.flight is None


def test_a_flight_is_settled_once(rig):
    flight = rig.decide().flight
    cached = rig.land(flight)
    rig.land(flight)
    rig.engine.fail(flight, REFUSED)
    rig.engine.abandon(flight)
    assert flight.outcome.result() is cached
    assert rig.decide().cached is cached
    assert rig.seen() == ["Fetched"]


def test_who_waits_for_an_abandoned_flight_decides_anew(rig):
    flight = rig.decide().flight
    rig.engine.abandon(flight)
    assert flight.outcome.result() is None
    again = rig.decide()
    assert again.start
    assert again.flight is not flight


def test_an_abandoned_probe_lets_out_the_next(rig, clock, fetch):
    rig.engine.fail(rig.decide().flight, TimedOutError("?"))
    clock.advance(1)
    probe = rig.decide().flight
    with pytest.raises(TimedOutError):
        rig.decide(fetch("other"))
    rig.engine.abandon(probe)
    assert rig.decide(fetch("other")).start


def test_a_flight_past_its_deadline_is_failed_by_whoever_comes(rig, clock):
    flight = rig.decide().flight
    clock.advance(10)
    with pytest.raises(TimedOutError) as caught:
        rig.decide()
    assert caught.value.backing_off
    assert isinstance(flight.outcome.result(), TimedOutError)
    assert rig.seen() == ["Failed", "BackingOff"]


def test_a_flight_whose_loop_stopped_is_given_up_by_whoever_comes(rig):
    class Stopped:
        def alive(self):
            return False

    flight = rig.decide().flight
    flight.owner = Stopped()
    again = rig.decide()
    assert again.start
    assert flight.outcome.result() is None
    assert rig.seen() == []


def test_overdue_is_a_timeout_of_the_flight(rig):
    flight = rig.decide().flight
    rig.engine.overdue(flight)
    error = flight.outcome.result()
    assert isinstance(error, TimedOutError)
    assert error.message == "no answer within 10 s"


def test_a_failure_of_another_flight_is_followed(rig, clock):
    flight = rig.decide().flight
    error = DiscoveryError("?", registration_id="provider.as", retry_after=3.0)
    rig.engine.fail(flight, error)
    settled = flight.outcome.result()
    assert (settled.registration_id, settled.retry_after) == ("app", 3)
    clock.advance(3.01)
    assert rig.decide().start


def test_a_registration_named_like_its_provider_follows_too(rig, fetch):
    named = fetch("as")
    flight = rig.decide(named).flight
    rig.engine.fail(flight, DiscoveryError("?", registration_id="provider.as", retry_after=1.0))
    assert flight.outcome.result().retry_after == 1


def test_closing_wakes_who_waits_and_refuses_who_comes(rig):
    flight = rig.decide().flight
    rig.decide(rig.fetch)
    rig.state.close()
    assert flight.outcome.result() is None
    with pytest.raises(ManagerClosedError):
        rig.decide()
    rig.land(flight)
    assert rig.seen() == []


def test_forgetting_a_registration_drops_its_token_and_lets_its_flight_land(rig, fetch):
    other = fetch("other")
    rig.land(rig.decide().flight)
    flying = rig.decide(other).flight
    rig.records.forget("app")
    rig.records.forget("other")
    assert rig.decide().start
    assert rig.decide(other).flight is flying


def test_expired_tokens_leave_memory_as_time_passes(rig, clock, fetch):
    for number in range(200):
        rig.land(rig.decide(fetch(f"key-{number}")).flight)
    flying = rig.decide(fetch("flying")).flight
    clock.advance(301)
    for _ in range(4):
        rig.decide(fetch("one more"))
    assert set(rig.state.cache.entries) == {"flying", "one more"}
    assert flying.outcome.done() is False


def test_a_key_whose_fetch_failed_leaves_memory_too(rig, clock, fetch):
    rig.engine.fail(rig.decide(fetch("garbage")).flight, REFUSED)
    clock.advance(601)
    rig.decide()
    assert set(rig.state.cache.entries) == {"app"}


def test_the_hit_path_is_filled_and_emptied(rig, clock):
    table, key = rig.state.hot.by_id, rig.state.hot.key("app", {})
    cached = rig.land(rig.decide(hot_key=key).flight)
    assert table == {}
    rig.decide(hot_key=key)
    assert table["app"][0].cached is cached
    assert table["app"][1:] == (1_150, 1_150)
    clock.advance(160)
    flight = rig.decide(hot_key=key).flight
    rig.decide(hot_key=key)
    assert table["app"][1:] == (1_290, 1_170), "until the renewal is given up"
    rig.engine.fail(flight, REFUSED)
    assert table == {}
    rig.decide(hot_key=key)
    assert table["app"][2] == 1_175, "until it may be tried again"
    rig.records.reject("app", cached.value.token_value)
    assert table == {}


def test_a_stale_client_of_a_watched_secret_is_rechecked_each_second(rig, clock, fetch):
    watched = fetch(has_local_credential=True)
    table, key = rig.state.hot.by_id, rig.state.hot.key("app", {})
    rig.land(rig.decide(watched).flight)
    clock.advance(160)
    flight = rig.decide(watched).flight
    flight.refused.add("old")
    rig.engine.fail(flight, TokenEndpointError("no", status=401, error="invalid_client"))
    decision = rig.decide(watched, hot_key=key)
    assert decision.start
    assert decision.flight.prior_failure.backing_off
    assert decision.flight.refused == {"old"}
    rig.engine.fail(decision.flight, decision.flight.prior_failure)
    rig.decide(watched, hot_key=key)
    assert table["app"][2] == clock.monotonic + 1
    clock.advance(1)
    assert rig.decide(watched).start


def test_a_rejected_client_is_on_the_hit_path_until_its_renewal(rig, clock):
    rig.land(rig.decide().flight)
    for _ in range(2):
        cached = rig.decide().cached
        rig.records.reject("app", cached.value.token_value)
        decision = rig.decide(hot_key=rig.state.hot.key("app", {}))
        if decision.cached is None:
            rig.land(decision.flight)
    assert rig.state.hot.by_id["app"][2] == clock.monotonic + 0.5


def test_a_full_table_makes_room(rig, monkeypatch):
    monkeypatch.setattr(hot_path, "MOST_CALLS", 3)
    rig.land(rig.decide().flight)
    keys = [rig.state.hot.key("app", {"scope": str(number)}) for number in range(10)]
    for key in (*keys, keys[8]):
        rig.decide(hot_key=key)
    assert list(rig.state.hot.by_call) == [key.key for key in keys[7:]]


def test_a_call_that_began_before_a_change_cannot_fill_the_hit_path(rig):
    rig.land(rig.decide().flight)
    key = rig.state.hot.key("app", {})
    rig.state.clear_hot_path()
    rig.decide(hot_key=key)
    assert rig.state.hot.by_id == {}


def test_a_change_of_configuration_lets_a_look_through_at_once(rig, fetch):
    watched = fetch(has_local_credential=True)
    flight = rig.decide(watched).flight
    entry = rig.state.cache.entries["app"]
    entry.recheck_at = 1e9
    rig.state.configuration_changed()
    assert flight.outdated
    assert entry.recheck_at < 0


def test_the_failure_of_an_outdated_flight_is_nobodys(rig):
    flight = rig.decide().flight
    rig.state.configuration_changed()
    rig.engine.fail(flight, REFUSED)
    assert flight.outcome.result().retry_after is None
    assert rig.decide().start


def test_a_look_whose_refusal_ended_meanwhile_waits_no_longer(rig, clock, fetch):
    watched = fetch(has_local_credential=True)
    flight = rig.decide(watched).flight
    flight.refused.add("old")
    rig.engine.fail(flight, TokenEndpointError("no", status=401, error="invalid_client"))
    look = rig.decide(watched).flight
    clock.advance(9)
    rig.state.backoffs.clear()
    rig.engine.fail(look, look.prior_failure)
    assert look.outcome.result().retry_after == 0


def test_an_entry_with_nothing_cannot_be_rejected():
    assert CacheEntry("key").reject(0.0, lambda: 0.0) is None


def test_eight_rejected_values_are_remembered(rig):
    entry = CacheEntry("key")

    def rejects(digest):
        entry.cached = replace(rig.cached(), digest=digest)
        return entry.reject(0.0, lambda: 0.0) is not None

    assert all(rejects(str(number)) for number in range(9))
    assert not rejects("1")
    assert rejects("0")


def test_a_rejection_finds_its_entries_by_the_token(rig, fetch):
    """And looks at no other: a burst of 401s must not hold up everybody else."""
    cached = [rig.land(rig.decide(fetch(f"key-{number}")).flight) for number in range(100)]
    looked = []
    real_reject = CacheEntry.reject

    def reject(entry, *args):
        looked.append(entry.key)
        return real_reject(entry, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CacheEntry, "reject", reject)
        rig.records.reject("key-7", cached[7].value.token_value)
        rig.records.reject("key-8", cached[7].value.token_value)
    assert looked == ["key-7"]
