"""Failures: what is raised, when it is asked again, and whom it concerns."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise

import pytest

from oauthreg._errors import (
    InvalidTokenResponseError,
    ManagerClosedError,
    PluginFailedError,
    TimedOutError,
    TokenEndpointError,
)
from oauthreg._renewal.clocks import Clocks
from oauthreg.testing import Fault

BACKOFF = "oauthreg/renewal/backoff.py"
REFUSED = Fault(status=400, body={"error": "unauthorized_client"})
OTHER = {"provider": "as", "client-id": "other", "client-secret": "other-secret"}


def waits(h, clock, count):
    """The waits after each of so many failures, found by asking again as soon as allowed."""
    found = []
    for _ in range(count):
        error = h.failure()
        assert not error.backing_off
        found.append(error.retry_after)
        assert h.failure().backing_off
        clock.advance(error.retry_after + 1e-6)
    return found


def test_a_transient_failure_backs_off_from_1_s_doubling_to_15_s_while_callers_fail(
    h, server, clock
):
    server.inject(Fault(status=503))
    clock.chance = 1.0
    assert waits(h, clock, 6) == [1, 2, 4, 8, 15, 15]


def test_it_backs_off_to_60_s_while_callers_are_served(make, server, clock):
    h = make({"refresh-before": 3000})
    server.token_lifetime = 3600
    clock.chance = 1.0
    h.token()
    clock.advance(2000)
    server.inject(Fault(status=503))
    asked = []
    for _ in range(200):
        h.token()
        h.settled()
        asked.append(server.token_requests)
        clock.advance(1)
    starts = [number for number in range(1, 200) if asked[number] > asked[number - 1]]
    waits = [later - one for one, later in pairwise([0, *starts])]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_permanent_failure_backs_off_from_30_s_to_5_minutes(h, server, clock):
    server.inject(REFUSED)
    clock.chance = 1.0
    assert waits(h, clock, 6) == [30, 60, 120, 240, 300, 300]


def test_a_wait_is_drawn_from_the_upper_half_of_the_interval(h, server, clock):
    server.inject(REFUSED)
    clock.chance = 0.0
    assert waits(h, clock, 3) == [15, 30, 60]


def test_a_cold_caller_gets_one_more_try_of_a_transient_failure(h, server):
    server.inject(Fault(status=503), times=1)
    assert h.token()
    assert server.token_requests == 2


def test_and_only_one(h, server):
    server.inject(Fault(status=503))
    assert h.failure().status == 503
    assert server.token_requests == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429),
        Fault(status=503, retry_after=1),
        REFUSED,
        Fault(status=301, redirect_to="https://elsewhere.example/token"),
        Fault(status=200, body={"error": "invalid_grant"}),
    ],
)
def test_no_further_try_where_the_server_said_when_or_never(h, server, fault):
    server.inject(fault)
    h.failure()
    assert server.token_requests == 1


def test_a_server_that_recovers_is_asked_again_by_itself(h, server, clock):
    with server.inject(REFUSED):
        wait = h.failure().retry_after
    assert h.failure().backing_off
    clock.advance(wait + 1e-6)
    assert h.token()


def test_success_forgets_the_failures(h, server, clock):
    clock.chance = 1.0
    for _ in range(2):
        with server.inject(REFUSED):
            error = h.failure(force=True)
            assert error.retry_after == 30
        clock.advance(30.1)
        assert h.token(force=True)


def test_during_backoff_the_same_error_is_raised_with_its_fields_and_the_wait(h, server, clock):
    fields = {"error": "unauthorized_client", "error_description": "disabled", "error_uri": "/why"}
    server.inject(Fault(status=400, body=fields))
    first = h.failure()
    clock.advance(5)
    second = h.failure()
    assert type(second) is type(first) is TokenEndpointError
    assert second is not first
    names = ("status", "error", "error_description", "error_uri", "endpoint", "provider", "hint")
    assert [getattr(second, n) for n in names] == [getattr(first, n) for n in names]
    assert (first.backing_off, second.backing_off) == (False, True)
    assert second.retry_after == pytest.approx(first.retry_after - 5)
    assert f"not asked again for {second.retry_after:.1f} s" in str(second)
    assert server.token_requests == 1


def test_429_with_retry_after_30_means_no_request_for_30_s_and_an_error_that_says_so(
    h, server, clock
):
    server.inject(Fault(status=429, retry_after=30), times=1)
    error = h.failure()
    assert error.retry_after == 30
    assert "not asked again for 30.0 s" in str(h.failure())
    clock.advance(29.9)
    assert h.failure().retry_after == pytest.approx(0.1)
    assert server.token_requests == 1
    clock.advance(0.2)
    assert h.token()


def test_retry_after_may_be_an_http_date(h, server, clock):
    moment = datetime.fromtimestamp(clock.wall + 120, UTC)
    server.inject(Fault(status=503, retry_after=format_datetime(moment, usegmt=True)))
    assert h.failure().retry_after == 120


def test_retry_after_of_a_day_is_an_hour(h, server):
    server.inject(Fault(status=503, retry_after=86_400))
    assert h.failure().retry_after == 3_600


@pytest.mark.parametrize("text", ["soon", "-5", "1e999", "nan", "²", "Wed, 99 Foo 2026"])
def test_a_retry_after_that_is_none_is_ignored(h, server, clock, text):
    clock.chance = 1.0
    server.inject(Fault(status=429, retry_after=text.encode().decode("latin-1")))
    assert h.failure().retry_after == 1


def test_force_skips_our_backoff_but_not_the_servers(h, server, clock):
    with server.inject(REFUSED):
        h.failure()
        assert not h.failure(force=True).backing_off
    assert server.token_requests == 2
    assert h.token(force=True)
    with server.inject(Fault(status=503, retry_after=60)):
        h.failure(force=True)
    requests = server.token_requests
    error = h.failure(force=True)
    assert error.backing_off
    assert error.retry_after == 60
    assert h.token(), "the cached token is good"
    clock.advance(61)
    assert h.token(force=True)
    assert server.token_requests == requests + 1


# What nobody foresaw


@pytest.fixture
def faulty(make, monkeypatch):
    def build(hook, error):
        h = make()

        def fail(*_):
            raise error

        entry = h.core.registry._configuration.entries["app"]
        monkeypatch.setattr(type(entry.plugin), hook, fail)
        return h

    return build


@pytest.mark.parametrize("hook", ["parameters", "authenticate", "parse_response", "flow"])
def test_a_plugin_that_raises_is_a_plugin_failed_error(faulty, server, hook):
    cause = KeyError("planted-secret")
    error = faulty(hook, cause).failure()
    assert isinstance(error, PluginFailedError)
    assert error.exception is cause
    assert "KeyError in fail" in str(error)
    assert "planted-secret" not in str(error)
    assert not error.retryable


def test_so_is_one_whose_explanation_raises(faulty, server):
    server.inject(REFUSED)
    error = faulty("explain_error", ZeroDivisionError("x")).failure()
    assert isinstance(error, PluginFailedError)


@pytest.mark.parametrize("step", ["_transport", "_landed"])
def test_what_nobody_foresaw_reaches_the_callers_and_backs_off(h, server, monkeypatch, step):
    def fail(*_):
        raise RuntimeError("planted-secret")

    target = h.runner if step == "_transport" else h.core.flights
    monkeypatch.setattr(target, step, fail)
    error = h.failure()
    assert "unexpected RuntimeError in fail" in str(error)
    assert "planted-secret" not in str(error)
    assert h.failure().backing_off, "no loop of flights"


class Stuck:
    """A transport that knows no time limit, in either kind of manager."""

    def __init__(self, kind):
        self.kind = kind
        self.released = threading.Event()

    def send(self, request, *, within):
        if self.kind == "asyncio":
            return asyncio.Event().wait()
        return self.released.wait(10)

    async def aclose(self):
        pass

    def close(self):
        pass


def test_the_total_timeout_is_the_flights_own_whatever_the_transport_does(make, kind, monkeypatch):
    h = make(http={"default": {"total-timeout": 0.1}}, clocks=Clocks())
    stuck = Stuck(kind)
    monkeypatch.setattr(h.runner, "_transport", lambda _: stuck)
    calls = h.herd(5)
    errors = [call.exception(5) for call in calls]
    assert {type(error) for error in errors} == {TimedOutError}
    assert "no answer within 0.1 s" in str(errors[0])
    monkeypatch.undo()
    assert h.token(force=True)
    stuck.released.set()


def test_a_flight_that_meets_the_end_of_its_manager_ends_with_it(h, monkeypatch):
    def fail(_):
        h.core.state.close()
        raise ManagerClosedError

    monkeypatch.setattr(h.runner, "_transport", fail)
    assert isinstance(h.failure(), ManagerClosedError)


@pytest.mark.parametrize("kind", ["threads"])
def test_no_thread_to_be_had_is_an_error_and_not_a_hang(h, monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(h.core.workers, "submit", refuse)
    error = h.failure()
    assert "no thread could be started" in str(error)
    assert error.retryable


def test_an_answer_that_is_no_token_is_transient(h, server, clock):
    server.inject(Fault(status=200, body="<html>login</html>", content_type="text/html"))
    clock.chance = 1.0
    error = h.failure()
    assert isinstance(error, InvalidTokenResponseError)
    assert (error.retryable, error.retry_after) == (True, 1)
    assert "Is this the token endpoint's address?" in str(error)
    assert server.token_requests == 2
