"""Metrics, as a real SDK has them."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from oauthreg import AuthorizationError
from oauthreg.telemetry import instrument
from oauthreg.testing import Fault

APP = {
    "oauthreg.registration": "app",
    "oauthreg.provider": "as",
    "oauthreg.grant": "client_credentials",
}
REQUESTS = "oauthreg.token.requests"
LIFE = "oauthreg.token.remaining_life"


def fails(manager, registration_id="app", **options):
    with pytest.raises(AuthorizationError):
        manager.authorize(registration_id, **options)


def test_a_request_is_counted_when_authorize_returns(manager, telemetry):
    manager.authorize("app")
    manager.authorize("app")
    expected = {
        **APP,
        "oauthreg.outcome": "success",
        "server.address": "127.0.0.1",
        "http.response.status_code": 200,
    }
    assert telemetry.points(REQUESTS) == [(expected, 1)]
    assert telemetry.points("oauthreg.token.request.duration") == [(expected, 1)]


FAILURES = [
    (Fault(status=400, body={"error": "invalid_scope"}), "invalid_scope", 400),
    (Fault(status=401, body={"error": "invalid_client"}), "invalid_client", 401),
    (Fault(status=400, body={"error": "made_up_7f3a"}), "_OTHER", 400),
    (Fault(status=403, body="no"), "403", 403),
    (Fault(body={"error": "invalid_scope"}), "invalid_scope", 200),
    (Fault(body="<html>"), "InvalidTokenResponseError", 200),
    (Fault(reset=True), "ConnectionFailedError", None),
]


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: f"{case[1]} {case[2]}")
def test_a_failed_request_says_by_what(manager, telemetry, server, case):
    fault, error, status = case
    server.inject(fault)
    fails(manager)
    found = telemetry.points(REQUESTS)
    assert {attributes["error.type"] for attributes, _ in found} == {error}
    assert {attributes.get("http.response.status_code") for attributes, _ in found} == {status}
    assert {attributes["oauthreg.outcome"] for attributes, _ in found} == {"failure"}
    assert sum(value for _, value in found) == server.token_requests


def test_every_http_request_is_counted_not_every_fetch(manager, telemetry, server):
    server.script("token", [Fault(status=503), None])
    manager.authorize("app")
    assert server.token_requests == 2
    assert telemetry.value(REQUESTS, error_type="503") == 1
    assert telemetry.value(REQUESTS, oauthreg_outcome="success") == 1


def test_remaining_life_is_the_own_tokens_and_zero_where_it_cannot_be_had(
    manager, telemetry, server, clock, settled
):
    assert telemetry.points(LIFE) == [], "idle"
    manager.authorize("app")
    assert telemetry.points(LIFE) == [(APP, 300)]
    clock.now += 200
    server.inject(Fault(status=400, body={"error": "unauthorized_client"}))
    manager.authorize("app")
    settled(manager)
    assert telemetry.points(LIFE) == [(APP, 100)], "renewals fail, the token is valid"
    assert telemetry.points("oauthreg.backoff") == [(APP, 15)]
    clock.now += 100
    assert telemetry.points(LIFE) == [(APP, 0)], "and now it is not"
    server.heal()
    clock.now += 600
    manager.authorize("app")
    assert telemetry.points(LIFE) == [(APP, 300)]
    assert telemetry.points("oauthreg.backoff") == []
    clock.now += 3600
    assert telemetry.points(LIFE) == [], "ended unused"


def test_remaining_life_is_absent_for_tokens_of_users(manager, telemetry, server):
    manager.authorize("users", principal="alice")
    assert telemetry.points(LIFE) == []
    server.inject(Fault(status=503))
    fails(manager, "users", principal="bob")
    assert telemetry.points(LIFE) == []


def test_no_principal_audience_or_path_is_an_attribute(manager, telemetry, server):
    manager.authorize("users", principal="alice@example.com", audience="https://api.example/x")
    manager.reject("app", manager.authorize("app").access_token.token_value)
    text = telemetry.reader.get_metrics_data().to_json()
    text += "".join(span.to_json() for span in telemetry.finished())
    for secret in ("alice", "api.example", "/token", "secret", server.tokens[0].value):
        assert secret not in text.replace("oauthreg.token", ""), secret


def test_tokens_served_are_counted_only_where_asked_for(build, telemetry):
    manager = build()
    instrument(manager, **telemetry.providers)
    manager.authorize("app")
    manager.authorize("app")
    assert telemetry.points("oauthreg.token.served") == []
    assert manager._core.hot.by_id, "hits are on the hit path"
    stop = instrument(manager, served=True, **telemetry.providers)
    manager.authorize("app")
    manager.authorize("app")
    assert telemetry.points("oauthreg.token.served") == [(APP, 2)]
    assert telemetry.value(REQUESTS) == 1, "the second call replaced the first"
    stop()
    manager.authorize("app")
    manager.authorize("app")
    assert telemetry.value("oauthreg.token.served") == 2
    assert manager._core.hot.by_id, "and are again"


def test_rejections_are_counted(manager, telemetry):
    token = manager.authorize("app").access_token.token_value
    manager.reject("app", token)
    manager.reject("app", token)
    assert telemetry.points("oauthreg.token.rejections") == [(APP, 1)]


def test_waiters_are_counted_while_they_wait(manager, telemetry, server):
    with server.hold() as gate:
        callers = [threading.Thread(target=manager.authorize, args=["app"]) for _ in range(3)]
        for caller in callers:
            caller.start()
        gate.wait_for(1)
        for _ in range(1000):
            if telemetry.value("oauthreg.flight.waiters") == 3:
                break
            threading.Event().wait(0.005)
        assert telemetry.points("oauthreg.flight.waiters") == [(APP, 3)]
    for caller in callers:
        caller.join()
    assert telemetry.points("oauthreg.flight.waiters") == []


def test_calls_of_the_store_are_counted(build, telemetry, tmp_path):
    manager = build(store={"type": "sqlite", "path": str(tmp_path / "tokens")})
    instrument(manager, **telemetry.providers)
    manager.authorize("app")
    found = telemetry.points("oauthreg.store.operations")
    operations = {attributes["oauthreg.store.operation"] for attributes, _ in found}
    assert operations == {"load", "lease", "save"}
    assert {attributes["oauthreg.outcome"] for attributes, _ in found} == {"success"}
    manager.close()


def test_metadata_is_counted_under_its_provider(build, telemetry, server, settings):
    settings["provider"]["as"] = {"issuer-uri": server.issuer}
    manager = build()
    instrument(manager, **telemetry.providers)
    manager.authorize("app")
    metadata = {"oauthreg.registration": "provider.as", "oauthreg.provider": "as"}
    found = [a for a, _ in telemetry.points(REQUESTS) if metadata.items() <= a.items()]
    assert len(found) == 1
    assert "oauthreg.grant" not in found[0]


def test_two_managers_of_one_program_are_added_up(build, telemetry, clock):
    one, other = build(), build()
    for manager in (one, other):
        instrument(manager, **telemetry.providers)
    one.authorize("app")
    clock.now += 60
    other.authorize("app")
    assert telemetry.value(REQUESTS) == 2
    assert telemetry.points(LIFE) == [(APP, 240)], "the shorter life is what one alerts on"


def test_both_facades_of_a_manager_are_one(manager, telemetry):
    instrument(manager.as_async(), **telemetry.providers)
    manager.authorize("app")
    assert telemetry.value(REQUESTS) == 1


def test_it_starts_no_thread_and_keeps_no_manager_alive(build, telemetry, settings):
    from oauthreg import AuthorizedClientManager

    before = threading.active_count()
    manager = AuthorizedClientManager.from_settings(settings)
    instrument(manager, **telemetry.providers)
    assert threading.active_count() == before
    core = weakref.ref(manager._core)
    del manager
    gc.collect()
    assert core() is None
    assert telemetry.points(LIFE) == []


def test_after_stop_nothing_is_counted(build, telemetry):
    manager = build()
    stop = instrument(manager, **telemetry.providers)
    stop()
    stop()
    manager.authorize("app")
    assert telemetry.points(REQUESTS) == []
    assert telemetry.points(LIFE) == []
    assert telemetry.finished() == ()
