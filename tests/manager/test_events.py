"""What is told: to one callback, and to the log."""

from __future__ import annotations

import dataclasses
import logging
from unittest.mock import ANY

import pytest

from oauthreg import AuthorizedClientManager, ManagerClosedError
from oauthreg import events as told
from oauthreg._errors import TokenEndpointError
from oauthreg.testing import DELETE, Fault

REFUSED = Fault(status=400, body={"error": "unauthorized_client"})


@pytest.fixture
def heard():
    return []


@pytest.fixture
def h(make, heard):
    return make(on_event=heard.append)


def test_events_are_frozen():
    for kind in told.Event.__subclasses__():
        assert kind.__dataclass_params__.frozen
        assert kind.__slots__ is not None
    event = told.Served(registration_id="app", stale=False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.stale = True


def test_a_fetch_a_hit_and_a_stale_hit(h, heard, server, clock):
    h.token()
    h.token()
    clock.advance(200)
    with server.hold():
        h.token()
        h.told(heard, 3)
    h.settled()
    h.told(heard, 4)
    common = {
        "registration_id": "app",
        "provider": "as",
        "grant": "client_credentials",
        "endpoint": server.token_uri,
    }
    assert heard == [
        told.Fetched(seconds=0, lifetime=300, **common),
        told.Served(stale=False, **common),
        told.Served(stale=True, **common),
        told.Renewed(seconds=0, lifetime=300, **common),
    ]


def test_who_waited_is_not_told_as_served(h, heard, server):
    with server.hold():
        calls = h.herd(5)
    assert all(call.result(5) for call in calls)
    assert h.told(heard, 1) == ["Fetched"]


def test_a_failure_and_a_refusal(h, heard, server):
    server.inject(REFUSED)
    h.failure()
    h.failure()
    h.told(heard, 2)
    refused, failed = sorted(heard, key=lambda event: type(event).__name__)
    assert (type(failed), failed.retry_after, failed.life_left) == (told.Failed, 15, None)
    assert failed.raised
    assert (type(refused), refused.retry_after) == (told.BackingOff, 15)
    assert all(isinstance(event.error, TokenEndpointError) for event in heard)


@pytest.mark.parametrize(("at", "level"), [(151, "INFO"), (239, "INFO"), (241, "WARNING")])
def test_a_failed_renewal_is_logged_by_the_life_that_is_left(h, clock, caplog, at, level):
    h.token()
    h.server.inject(REFUSED)
    clock.advance(at)
    caplog.set_level(logging.INFO)
    h.start().exception(5)
    h.settled()
    h.told(caplog.records, 1)
    (record,) = caplog.records
    assert record.levelname == level
    assert record.name == "oauthreg"
    assert "unauthorized_client" in record.getMessage()


def test_success_is_logged_at_debug_and_hits_not_at_all(make, clock, caplog):
    h = make()
    with caplog.at_level(logging.DEBUG, "oauthreg"):
        h.token()
        for _ in range(10):
            h.token()
        h.told(caplog.records, 1)
    assert [record.levelname for record in caplog.records] == ["DEBUG"]
    assert "token fetched in 0.000 s, lives 300 s" in caplog.text


@pytest.mark.parametrize(
    ("scope", "granted"), [("read", ("read",)), ("", ()), ("read write admin", ANY)]
)
def test_other_scopes_than_asked_are_one_event(make, heard, server, scope, granted):
    h = make({"scope": "read write"}, on_event=heard.append)
    server.extra_fields = {"scope": scope}
    client = h.authorize()
    h.told(heard, 2)
    assert client.access_token.scopes == tuple(scope.split())
    (event,) = [event for event in heard if isinstance(event, told.ScopesChanged)]
    assert (event.asked, event.granted) == (("read", "write"), granted or ANY)


@pytest.mark.parametrize("scope", [DELETE, "write read", ["read", "write"]])
def test_no_scope_or_the_same_ones_is_none(make, heard, server, scope):
    h = make({"scope": "read write"}, on_event=heard.append)
    server.extra_fields = {"scope": scope}
    assert set(h.authorize().access_token.scopes) == {"read", "write"}
    assert h.told(heard, 1) == ["Fetched"]


def test_a_hook_that_raises_is_logged_and_breaks_nothing(make, server, clock, caplog):
    def fail(_):
        raise ZeroDivisionError

    h = make(on_event=fail)
    assert h.token()
    assert h.token()
    clock.advance(200)
    h.token()
    h.settled()
    server.inject(REFUSED)
    assert isinstance(h.failure(force=True), TokenEndpointError)
    messages = {record.getMessage() for record in caplog.records}
    assert "a listener failed on Fetched" in messages
    assert "a listener failed on Served" in messages


def test_a_hook_may_ask_the_manager(kind, make, server):
    seen = []

    def hook(event):
        if isinstance(event, told.Served) and not seen:
            seen.append(h.manager.status()["app"]["state"])
            h.manager.reject("app", "something else")

    h = make(on_event=hook)
    h.token()
    h.token()
    assert seen == ["fresh"]


def test_a_failure_that_callers_get_is_not_logged_as_well(h, caplog, server):
    server.inject(REFUSED)
    h.failure()
    h.failure()
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_a_listener_that_asks_for_no_hits_leaves_them_on_the_hit_path(make, heard):
    h = make(on_event=None)
    h.manager.subscribe((told.Fetched, told.Failed), heard.append)
    h.token()
    h.token()
    decided = h.arrivals.count
    h.token()
    assert h.arrivals.count == decided
    assert h.told(heard, 1) == ["Fetched"]


def test_on_event_of_from_settings_asks_for_all_but_hits(settings, heard, server):
    with AuthorizedClientManager.from_settings(settings(), on_event=heard.append) as manager:
        manager.authorize("app")
        manager.authorize("app")
    names = [type(event).__name__ for event in heard]
    assert names == ["FlightStarted", "RequestSent", "RequestAnswered", "FlightEnded", "Fetched"]
    assert len({event.flight for event in heard}) == 1


def test_several_listeners_hear_what_they_asked_for(make, heard):
    h, other = make(on_event=None), []
    h.manager.subscribe(told.Served, heard.append)
    h.manager.subscribe([told.Event], other.append)
    h.token()
    h.token()
    assert h.told(heard, 1) == ["Served"]
    assert "Fetched" in h.told(other, 5)


@pytest.mark.parametrize(
    ("kinds", "listener"), [((), print), (str, print), ([int], print), (told.Served, None)]
)
def test_a_subscription_to_nothing_is_a_type_error(make, kinds, listener):
    with pytest.raises(TypeError):
        make().manager.subscribe(kinds, listener)


def test_each_request_is_an_event_with_its_attempt_and_status(make, heard, server):
    h = make(on_event=None)
    h.manager.subscribe(told.RequestSent, heard.append)
    server.inject(Fault(status=503), times=1)
    h.token()
    h.told(heard, 4)
    answered = [event for event in heard if isinstance(event, told.RequestAnswered)]
    assert [(event.attempt, event.status, event.error) for event in answered] == [
        (1, 503, None),
        (2, 200, None),
    ]
    assert {event.url for event in heard} == {server.token_uri}
    assert [type(event).__name__ for event in heard][::2] == ["RequestSent", "RequestSent"]


def test_metadata_is_told_by_its_providers_path(make, heard, server):
    h = make(provider={"issuer-uri": server.issuer, "token-uri": None}, on_event=heard.append)
    h.token()
    h.told(heard, 2)
    assert {event.registration_id for event in heard} == {"provider.as", "app"}  # in any order


FLIGHT = (told.FlightStarted, told.FlightEnded)


def test_every_flight_that_is_started_ends_once(make, heard, server, clock):
    h = make(on_event=None)
    h.manager.subscribe(FLIGHT, heard.append)
    h.token()
    clock.advance(200)
    server.inject(Fault(status=400, body={"error": "unauthorized_client"}))
    h.token()
    h.settled()
    h.manager.remove("app")
    h.told(heard, 4)
    started = [event.flight for event in heard if isinstance(event, told.FlightStarted)]
    ended = {event.flight: event for event in heard if isinstance(event, told.FlightEnded)}
    assert [ended[flight].outcome for flight in started] == ["fetched", "failed"]
    assert ended[started[1]].error.error == "unauthorized_client"
    assert len(heard) == 4


def test_a_flight_ends_where_its_manager_is_closed(make, heard, server):
    with server.hold() as gate:
        h = make(on_event=None)
        h.manager.subscribe(FLIGHT, heard.append)
        waiting = h.start()
        gate.wait_for(1)
        assert [fetch.name for fetch in h.core.flights.waiting.values()] == ["app"]
        h.close()
        with pytest.raises(ManagerClosedError):
            waiting.result(10)
    assert h.told(heard, 2) == ["FlightStarted", "FlightEnded"]
    assert heard[1].outcome == "abandoned"
    assert not h.core.flights.waiting


def test_the_answers_error_code_is_told(make, heard, server):
    h = make(on_event=None)
    h.manager.subscribe(told.RequestAnswered, heard.append)
    server.inject(Fault(status=400, body={"error": "invalid_scope"}))
    h.failure()
    (event,) = heard
    assert (event.status, event.error_code, event.method) == (400, "invalid_scope", "POST")
