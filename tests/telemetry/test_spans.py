"""Spans of fetches and their requests, linked to the caller who started them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from oauthreg import AsyncAuthorizedClientManager, AuthorizationError, AuthorizedClientManager
from oauthreg.events import FlightEnded, FlightStarted
from oauthreg.telemetry import Instrumentor, _listener, instrument
from oauthreg.telemetry._listener import EventListener
from oauthreg.testing import Fault


def by_name(telemetry):
    spans = telemetry.finished()
    (fetch,) = [span for span in spans if span.name == "oauthreg.fetch"]
    return fetch, [span for span in spans if span is not fetch]


def check_linked(telemetry, caller):
    fetch, (request,) = by_name(telemetry)
    assert fetch.parent is None
    assert [link.context.span_id for link in fetch.links] == [caller.get_span_context().span_id]
    assert fetch.context.trace_id != caller.get_span_context().trace_id
    assert dict(fetch.attributes) == {
        "oauthreg.registration": "app",
        "oauthreg.provider": "as",
        "oauthreg.grant": "client_credentials",
        "oauthreg.outcome": "success",
        "oauthreg.from_store": False,
    }
    assert request.parent.span_id == fetch.context.span_id
    assert (request.name, request.kind) == ("POST", SpanKind.CLIENT)
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["http.request.method"] == "POST"
    assert request.attributes["server.port"] > 0


def test_a_fetch_is_linked_to_the_caller_who_started_it(manager, telemetry):
    with telemetry.tracers.get_tracer("test").start_as_current_span("handler") as caller:
        manager.authorize("app")
        check_linked(telemetry, caller)


def test_so_it_is_in_asyncio(settings, telemetry):
    async def main():
        async with AsyncAuthorizedClientManager.from_settings(settings) as manager:
            instrument(manager, **telemetry.providers)
            with telemetry.tracers.get_tracer("test").start_as_current_span("handler") as caller:
                await manager.authorize("app")
                check_linked(telemetry, caller)

    asyncio.run(main())


def test_a_fetch_has_a_span_for_each_request_and_says_why_it_failed(manager, telemetry, server):
    server.script("token", [Fault(status=503), Fault(status=400, body={"error": "invalid_scope"})])
    with pytest.raises(AuthorizationError):
        manager.authorize("app")
    fetch, requests = by_name(telemetry)
    assert [span.attributes["error.type"] for span in requests] == ["503", "invalid_scope"]
    assert [span.attributes.get("http.request.resend_count") for span in requests] == [None, 1]
    assert fetch.attributes["error.type"] == "invalid_scope"
    assert fetch.attributes["oauthreg.outcome"] == "failure"
    assert {span.status.status_code for span in (fetch, *requests)} == {StatusCode.ERROR}
    assert not fetch.links


def test_a_fetch_that_is_given_up_ends_its_spans(settings, telemetry, server):
    with server.hold() as gate, AuthorizedClientManager.from_settings(settings) as manager:
        instrument(manager, **telemetry.providers)
        with pytest.raises(AuthorizationError):
            manager.authorize("app", timeout=0.01)
        gate.wait_for(1)
        manager.close()
    fetch, (request,) = by_name(telemetry)
    assert fetch.attributes["oauthreg.outcome"] == "abandoned"
    assert request.status.status_code is StatusCode.ERROR


def test_a_token_from_the_store_says_so(build, telemetry, tmp_path):
    store = {"type": "sqlite", "path": str(tmp_path / "tokens")}
    build(store=store).authorize("app")
    second = build(store=store)
    instrument(second, **telemetry.providers)
    second.authorize("app")
    fetch, requests = by_name(telemetry)
    assert fetch.attributes["oauthreg.from_store"] is True
    assert not requests


def test_the_instrumentor_takes_every_manager_from_then_on(build, telemetry):
    before = build()
    instrumentor = Instrumentor()
    instrumentor.instrument(skip_dep_check=True, **telemetry.providers)
    try:
        after = build()
        before.authorize("app")
        assert telemetry.finished() == ()
        after.authorize("app")
        assert telemetry.value("oauthreg.token.requests") == 1
    finally:
        instrumentor.uninstrument()
    after.authorize("app", force=True)
    build().authorize("app")
    assert telemetry.value("oauthreg.token.requests") == 1


PROGRAM = """
import sys
from pathlib import Path
from oauthreg import AuthorizedClientManager
with AuthorizedClientManager.from_settings({settings!r}) as manager:
    manager.authorize("app")
"""


def test_opentelemetry_instrument_finds_it(settings):
    command = [
        str(Path(sys.executable).with_name("opentelemetry-instrument")),
        *("--metrics_exporter", "console", "--traces_exporter", "console"),
        *("--logs_exporter", "none"),
        *(sys.executable, "-c", PROGRAM.format(settings=settings)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"name": "oauthreg.fetch"' in done.stdout, done.stderr
    assert "oauthreg.token.requests" in done.stdout


def test_a_request_outside_of_a_fetch_is_counted_and_has_no_span(
    build, telemetry, server, settings
):
    settings["provider"]["as"]["introspection-uri"] = server.introspection_uri
    manager = build()
    instrument(manager, **telemetry.providers)
    manager.introspect("app", "a-token")
    assert telemetry.value("oauthreg.token.requests") == 1
    assert telemetry.finished() == ()


def test_fetches_of_which_no_end_is_heard_are_not_kept_for_ever(telemetry, monkeypatch):
    monkeypatch.setattr(_listener, "MOST_FLIGHTS", 2)
    listener = EventListener(None, telemetry.tracers.get_tracer("test"))
    for number in range(5):
        listener(FlightStarted(registration_id="app", flight=number, waited=True))
    assert len(listener._flights) == 2
    assert len(telemetry.finished()) == 3
    listener(FlightEnded(registration_id="app", flight=0, outcome="fetched"))
    assert len(listener._flights) == 2


def test_without_providers_it_reports_to_the_programs_own(build):
    manager = build()
    stop = instrument(manager)
    assert instrument(manager) is not stop
    assert manager.authorize("app").access_token.token_value
