"""What is told: to one callback, and to the log."""

from __future__ import annotations

import dataclasses
import logging
from unittest.mock import ANY

import pytest

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
    assert heard == [
        told.Fetched(registration_id="app", seconds=0, lifetime=300),
        told.Served(registration_id="app", stale=False),
        told.Served(registration_id="app", stale=True),
        told.Renewed(registration_id="app", seconds=0, lifetime=300),
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
    failed = told.Failed(registration_id="app", error=ANY, retry_after=15, life_left=None)
    refused = told.BackingOff(registration_id="app", error=ANY, retry_after=15)
    assert sorted(map(type, heard), key=str) == [told.BackingOff, told.Failed]
    assert failed in heard
    assert refused in heard
    assert all(isinstance(event.error, TokenEndpointError) for event in heard)


@pytest.mark.parametrize(
    ("at", "level"), [(151, "INFO"), (239, "INFO"), (241, "WARNING"), (291, "ERROR")]
)
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


def test_nothing_is_told_on_the_hit_path_when_nobody_listens(make, monkeypatch):
    h = make()
    h.token()

    def fail(*_):
        raise AssertionError

    monkeypatch.setattr("oauthreg._manager.base.tell", fail)
    monkeypatch.setattr("oauthreg._renewal.engine.tell", fail)
    assert h.token()


def test_metadata_is_told_by_its_providers_path(make, heard, server):
    h = make(provider={"issuer-uri": server.issuer, "token-uri": None}, on_event=heard.append)
    h.token()
    h.told(heard, 2)
    assert [event.registration_id for event in heard] == ["provider.as", "app"]
