"""`health()`: who gets tokens, who only has old ones, who gets none; by whose fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from oauthreg.testing import Fault

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
REFUSED = Fault(status=400, body={"error": "unauthorized_client"})
READY = {"state": "ready", "reason": None, "since": None}


def state(h, registration_id="app"):
    return h.manager.health()[registration_id]["state"]


def test_never_asked_is_ready(h):
    assert h.manager.health() == {"app": READY}


def test_served_and_ended_unused_is_ready(h, server, clock):
    server.token_lifetime = 60
    h.token()
    clock.advance(3600)
    assert h.manager.health() == {"app": READY}


def test_a_failed_renewal_degrades_and_without_a_token_it_is_down(h, server, clock):
    h.token()
    clock.advance(200)
    began = clock.wall
    server.inject(Fault(status=503), times=100)
    h.token()
    h.settled()
    found = h.manager.health()["app"]
    assert found["state"] == "degraded"
    assert "503" in found["reason"]
    assert found["since"] == datetime.fromtimestamp(began, UTC)
    clock.advance(100)
    h.failure()
    found = h.manager.health()["app"]
    assert (found["state"], found["since"]) == ("down", datetime.fromtimestamp(began, UTC))
    server.heal()
    clock.advance(60)
    h.token()
    assert h.manager.health() == {"app": READY}


def test_a_token_that_ends_after_its_renewal_failed_is_down(h, server, clock):
    h.token()
    clock.advance(200)
    server.inject(REFUSED)
    h.token()
    h.settled()
    clock.advance(3600)
    assert state(h) == "down"


def test_a_rejected_token_whose_renewal_fails_is_down(h, server):
    token = h.token()
    h.manager.reject("app", token)
    server.inject(REFUSED)
    h.failure()
    assert state(h) == "down"


def test_down_stays_down_until_asked_again(h, server, clock):
    server.inject(REFUSED)
    h.failure()
    clock.advance(86_400)
    assert state(h) == "down"
    server.heal()
    h.token()
    assert state(h) == "ready"


def test_reason_and_time_are_plain_and_without_a_secret(make):
    h = make({"client-secret": "s3cr3t-value"})
    h.failure()
    found = h.manager.health()["app"]
    assert "invalid_client" in found["reason"]
    assert "s3cr3t" not in found["reason"]
    assert found["since"].utcoffset() == timedelta(0)
    assert "not asked again" not in found["reason"]


def test_who_is_refused_because_of_another_is_down_too(make, server):
    h = make(registration={"other": {"provider": "as", "client-id": "b", "client-secret": "x"}})
    server.inject(Fault(status=429, retry_after=30))
    h.failure()
    assert state(h, "other") == "ready", "nobody asked for it"
    assert h.failure("other").backing_off
    assert state(h, "other") == "down"


def test_a_due_renewal_that_may_not_be_made_degrades(make, server, clock):
    others = {"other": {"provider": "as", "client-id": "app", "client-secret": "secret"}}
    h = make(registration=others)
    h.token()
    clock.advance(200)
    server.inject(Fault(status=429, retry_after=60))
    h.failure("other")
    h.token()
    assert server.token_requests == 2
    found = h.manager.health()["app"]
    assert (found["state"], found["since"]) == (
        "degraded",
        datetime.fromtimestamp(clock.wall, UTC),
    )


def test_registrations_of_one_token_are_down_together_if_both_asked(make, server, clock):
    same = {"provider": "as", "client-id": "app", "client-secret": "secret", "scope": "read"}
    h = make(registration={"twin": same, "third": same})
    token = h.token()
    assert h.token("twin") == token
    h.manager.reject("app", token)
    server.inject(REFUSED)
    h.failure()
    assert [state(h, one) for one in ("app", "twin", "third")] == ["down", "down", "ready"]


def test_a_calls_own_options_do_not_make_the_registration_down(h, server):
    h.token()
    server.inject(Fault(status=400, body={"error": "invalid_scope"}))
    h.failure(scope="write")
    assert state(h) == "ready"
    server.inject(Fault(status=401, body={"error": "invalid_client"}), times=2)
    h.failure(scope="write openid")
    assert state(h) == "degraded", "the client's fault, but there is a valid token"


def test_reload_keeps_it_and_a_change_forgets_it(h, server):
    server.inject(REFUSED)
    h.failure()
    h.do("reload")
    assert state(h) == "down"
    table = {"provider": "as", "client-id": "app", "client-secret": "other"}
    h.manager.register("app", table)
    assert state(h) == "ready"


def test_an_override_is_ready(h, server):
    server.inject(REFUSED)
    h.failure()
    h.manager.override("app", "fixed")
    assert h.manager.health() == {"app": READY}


@pytest.fixture
def users(make, server):
    """A registration of users, and one for callers' tokens."""
    grants = ("password", "refresh_token", EXCHANGE)
    server.add_client("app", "secret", grants=grants, scopes=("read",))
    server.add_user("alice", "hers")
    exchange = {
        "provider": "as",
        "client-id": "app",
        "client-secret": "secret",
        "authorization-grant-type": "token-exchange",
    }
    return make(
        {
            "authorization-grant-type": "password",
            "username": "alice",
            "password": "hers",
            "allow-insecure-grants": True,
        },
        registration={"exchange": exchange},
    )


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_scope", "interaction_required"])
def test_one_users_failure_does_not_count(users, server, error):
    server.inject(Fault(status=400, body={"error": error}), times=2)
    users.failure(principal="alice")
    users.failure("exchange", subject_token="a-callers")
    users.failure("exchange")
    assert users.manager.health() == {"app": READY, "exchange": READY}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503),
        Fault(status=401, body={"error": "invalid_client"}),
        Fault(reset=True),
        Fault(body="<html>"),
    ],
    ids=["503", "client", "connection", "no token"],
)
def test_a_failure_of_client_or_endpoint_counts_for_users(users, server, clock, fault):
    server.inject(fault, times=9)
    users.failure(principal="alice")
    assert state(users) == "down"
    users.failure("exchange", subject_token="a-callers")
    assert state(users, "exchange") == "down"
    server.heal()
    clock.advance(400)
    users.token(principal="alice")
    assert state(users) == "ready"


def test_a_users_valid_token_makes_it_degraded_and_another_users_refusal_ends_it(
    users, server, clock
):
    users.token(principal="alice")
    server.inject(Fault(status=503), times=2)
    users.failure(principal="bob")
    assert state(users) == "degraded"
    clock.advance(20)
    server.inject(Fault(status=400, body={"error": "invalid_grant"}))
    users.failure(principal="bob")
    assert state(users) == "ready", "client and endpoint work: it is bob's own failure"


def test_a_users_failure_that_nobody_repeats_counts_no_more(users, server, clock):
    server.inject(Fault(status=503), times=2)
    users.failure(principal="alice")
    clock.advance(120)
    assert state(users) == "ready", "an unready process would never be asked again"
