"""The engine's decisions, one caller at a time."""

from __future__ import annotations

import pytest

from oauthreg._errors import (
    DiscoveryError,
    ManagerClosedError,
    TimedOutError,
    TokenEndpointError,
)
from oauthreg._renewal import memory
from oauthreg._renewal.slots import Flight, Slot, Spot

REFUSED = TokenEndpointError("no", status=400, error="unauthorized_client")


def test_the_first_caller_starts_and_the_second_waits(rig):
    first, second = rig.decide(), rig.decide()
    assert (first.held, first.start) == (None, True)
    assert (second.held, second.start) == (None, False)
    assert first.flight is second.flight


def test_a_landed_token_is_served(rig):
    held = rig.land(rig.decide().flight)
    ruling = rig.decide()
    assert ruling.held is held
    assert ruling.client.held is held
    assert ruling.flight is None


def test_a_flight_is_settled_once(rig):
    flight = rig.decide().flight
    held = rig.land(flight)
    rig.land(flight)
    rig.engine.fail(flight, REFUSED)
    rig.engine.abandon(flight)
    assert flight.outcome.result() is held
    assert rig.decide().held is held
    assert rig.told() == ["Fetched"]


def test_who_waits_for_an_abandoned_flight_decides_anew(rig):
    flight = rig.decide().flight
    rig.engine.abandon(flight)
    assert flight.outcome.result() is None
    again = rig.decide()
    assert again.start
    assert again.flight is not flight


def test_an_abandoned_probe_lets_out_the_next(rig, clock, order):
    rig.engine.fail(rig.decide().flight, TimedOutError("?"))
    clock.advance(1)
    probe = rig.decide().flight
    with pytest.raises(TimedOutError):
        rig.decide(order("other"))
    rig.engine.abandon(probe)
    assert rig.decide(order("other")).start


def test_a_flight_past_its_deadline_is_failed_by_whoever_comes(rig, clock):
    flight = rig.decide().flight
    clock.advance(10)
    with pytest.raises(TimedOutError) as caught:
        rig.decide()
    assert caught.value.backing_off
    assert isinstance(flight.outcome.result(), TimedOutError)
    assert rig.told() == ["Failed", "BackingOff"]


def test_a_flight_whose_loop_stopped_is_given_up_by_whoever_comes(rig):
    class Stopped:
        def is_running(self):
            return False

    flight = rig.decide().flight
    flight.loop = Stopped()
    again = rig.decide()
    assert again.start
    assert flight.outcome.result() is None
    assert rig.told() == []


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


def test_a_registration_named_like_its_provider_follows_too(rig, order):
    named = order("as")
    flight = rig.decide(named).flight
    rig.engine.fail(flight, DiscoveryError("?", registration_id="provider.as", retry_after=1.0))
    assert flight.outcome.result().retry_after == 1


def test_closing_wakes_who_waits_and_refuses_who_comes(rig):
    flight = rig.decide().flight
    rig.decide(rig.order)
    rig.engine.close()
    assert flight.outcome.result() is None
    with pytest.raises(ManagerClosedError):
        rig.decide()
    rig.land(flight)
    assert rig.told() == []


def test_forgetting_everything(rig, order):
    other = order("other")
    rig.land(rig.decide().flight)
    flying = rig.decide(other).flight
    rig.engine.forget()
    assert rig.decide().start
    assert rig.decide(other).flight is flying


def test_keys_that_are_dead_are_pruned(rig, clock, order, monkeypatch):
    monkeypatch.setattr(memory, "PRUNE_FROM", 8)
    rig.engine._prune_at = 8
    for number in range(50):
        rig.land(rig.decide(order(f"key-{number}")).flight)
        clock.advance(100)
    assert len(rig.engine._slots) < 12
    rig.decide(order("flying"))
    clock.advance(1_000)
    rig.engine._prune()
    assert list(rig.engine._slots) == ["flying"]


def test_the_hit_path_is_filled_and_emptied(rig, clock):
    table = {}
    spot = Spot(table, "app")
    held = rig.land(rig.decide(spot=spot).flight)
    assert table == {}
    rig.decide(spot=spot)
    assert table["app"][0].held is held
    assert table["app"][1:] == (1_150, 1_150)
    clock.advance(160)
    flight = rig.decide(spot=spot).flight
    assert table["app"][1:] == (1_290, 1_170), "until the renewal is given up"
    rig.engine.fail(flight, REFUSED)
    assert table == {}
    rig.decide(spot=spot)
    assert table["app"][2] == 1_175, "until it may be tried again"
    rig.engine.reject("app", held.value.token_value)
    assert table == {}


def test_a_stale_client_of_a_watched_secret_is_looked_after_each_second(rig, clock, order):
    watched = order(has_local_credential=True)
    table = {}
    rig.land(rig.decide(watched).flight)
    clock.advance(160)
    flight = rig.decide(watched).flight
    flight.refused.add("old")
    rig.engine.fail(flight, TokenEndpointError("no", status=401, error="invalid_client"))
    ruling = rig.decide(watched, spot=Spot(table, "app"))
    assert ruling.start
    assert ruling.flight.remembered.backing_off
    assert ruling.flight.refused == {"old"}
    rig.engine.fail(ruling.flight, ruling.flight.remembered)
    rig.decide(watched, spot=Spot(table, "app"))
    assert table["app"][2] == clock.monotonic + 1
    clock.advance(1)
    assert rig.decide(watched).start


def test_a_rejected_client_is_on_the_hit_path_until_its_renewal(rig, clock):
    rig.land(rig.decide().flight)
    table = {}
    for _ in range(2):
        held = rig.decide().held
        rig.engine.reject("app", held.value.token_value)
        ruling = rig.decide(spot=Spot(table, "app"))
        if ruling.held is None:
            rig.land(ruling.flight)
    assert table["app"][2] == clock.monotonic + 0.5


def test_a_full_table_makes_room(rig):
    table = {}
    rig.land(rig.decide().flight)
    for number in range(10):
        rig.decide(spot=Spot(table, number, 3))
    assert list(table) == [7, 8, 9]
    rig.decide(spot=Spot(table, 8, 3))
    assert list(table) == [7, 8, 9]


def test_a_change_of_configuration_lets_a_look_through_at_once(rig, order):
    watched = order(has_local_credential=True)
    slot = rig.engine._slot(watched)
    slot.look_from = 1e9
    flight = rig.decide(watched).flight
    rig.engine.changed()
    assert flight.outdated
    assert slot.look_from < 0


def test_the_failure_of_an_outdated_flight_is_nobodys(rig):
    flight = rig.decide().flight
    rig.engine.changed()
    rig.engine.fail(flight, REFUSED)
    assert flight.outcome.result().retry_after == 0
    assert rig.decide().start


def test_a_look_whose_refusal_ended_meanwhile_waits_no_longer(rig, clock, order):
    watched = order(has_local_credential=True)
    flight = rig.decide(watched).flight
    flight.refused.add("old")
    rig.engine.fail(flight, TokenEndpointError("no", status=401, error="invalid_client"))
    look = rig.decide(watched).flight
    clock.advance(9)
    rig.engine._backoffs.clear()
    rig.engine.fail(look, look.remembered)
    assert look.outcome.result().retry_after == 0


def test_a_slot_with_nothing_cannot_be_rejected():
    assert Slot().reject("x", 0.0, lambda: 0.0) is None


def test_eight_rejected_values_are_remembered(rig, clock):
    slot = Slot()
    for number in range(9):
        slot.held = rig.held()
        assert slot.reject(str(number), 0.0, lambda: 0.0) is not None
    slot.held = rig.held()
    assert slot.reject("1", 0.0, lambda: 0.0) is None
    assert slot.reject("0", 0.0, lambda: 0.0) is not None


def test_the_engine_warms_nothing_for_what_is_not_held(rig, clock):
    slot = Slot()
    table = {}
    now = clock.clocks.now()
    rig.engine._warm(rig.order, slot, None, Spot(table, "app"), now)
    assert table == {}


def test_a_flight_starts_its_life_with_the_clock(rig, clock):
    flight = Flight(rig.order, clock.clocks.now(), waited=True)
    assert flight.started == flight.launched == clock.clocks.now()
    assert not flight.over(clock.clocks.now())
    assert not flight.orphaned
    clock.advance(10)
    assert flight.over(clock.clocks.now())
