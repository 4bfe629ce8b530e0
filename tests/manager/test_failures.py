"""Failures: what is raised, when it is asked again, and whom it concerns."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise

import pytest

from oauthreg._errors import (
    ConnectionFailedError,
    InvalidTokenResponseError,
    ManagerClosedError,
    PluginFailedError,
    SecretUnavailableError,
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


# Whom a failure concerns


@pytest.fixture
def two(make, server):
    """`app` and `other`: two clients of one endpoint."""
    server.add_client("other", "other-secret")
    return make(registration={"other": OTHER, "again": {**OTHER, "scope": "write"}})


def test_an_unknown_scope_concerns_its_token_key_alone(two, server):
    server.inject(Fault(status=400, body={"error": "invalid_scope"}), times=1)
    two.failure("other")
    assert two.token("again")
    assert two.token("app")
    assert two.failure("other").backing_off


def test_invalid_client_concerns_every_registration_of_the_client(two, server):
    server.change_secret("other", "rotated")
    error = two.failure("other")
    assert error.error == "invalid_client"
    assert two.failure("again").backing_off
    assert two.failure("again").registration_id == "again"
    assert two.token("app")
    assert server.token_requests == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429),
        Fault(status=503, retry_after=5),
        Fault(drop="before"),
        Fault(status=400, body={"error": "slow"}, retry_after=5),
    ],
    ids=["429", "Retry-After", "connection", "any Retry-After"],
)
def test_throttling_and_broken_connections_concern_the_whole_endpoint(two, server, fault):
    with server.inject(fault):
        error = two.failure("app")
    requests = server.token_requests
    refused = two.failure("other")
    assert type(refused) is type(error)
    assert refused.backing_off
    assert refused.registration_id == "other"
    assert server.token_requests == requests


def test_one_probe_an_interval_is_sent_to_an_endpoint_that_is_down(make, server, clock):
    ids = [f"app-{number}" for number in range(20)]
    table = {"provider": "as", "client-id": "app", "client-secret": "secret"}
    h = make(registration={id_: {**table, "audience": id_} for id_ in ids})
    server.inject(Fault(status=429))
    wait = h.failure(ids[0]).retry_after
    assert server.token_requests == 1
    clock.advance(wait + 1e-6)
    with server.hold() as gate:
        probe = h.start(ids[1])
        gate.wait_for(1)
        for id_ in ids[2:]:
            assert h.failure(id_).backing_off
    assert probe.exception(5).status == 429
    assert server.token_requests == 2


def test_an_endpoint_that_answers_is_back_for_everyone(two, server, clock):
    with server.inject(Fault(drop="before")):
        wait = two.failure("app").retry_after
    clock.advance(wait + 1e-6)
    with server.inject(Fault(status=400, body={"error": "invalid_scope"})):
        two.failure("app")
    assert two.token("other"), "it answered, if only to refuse the first"


def test_a_secret_that_cannot_be_read_says_nothing_of_the_endpoint(make, server, clock, tmp_path):
    file = tmp_path / "secret"
    file.write_text("secret")
    plain = {"provider": "as", "client-id": "app", "client-secret": "secret", "audience": "x"}
    h = make({"client-secret-file": str(file)}, registration={"plain": plain})
    clock.chance = 1.0
    with server.inject(Fault(drop="before")):
        assert h.failure().retry_after == 1
    file.unlink()
    clock.advance(1.1)
    assert isinstance(h.failure(), SecretUnavailableError)
    with server.inject(Fault(drop="before")):
        assert h.failure("plain").retry_after == 2, "the endpoint's second failure in a row"


def test_tls_and_redirects_are_permanent(make, server, clock):
    clock.chance = 1.0
    h = make()
    server.inject(Fault(redirect_to="https://elsewhere.example/token"))
    error = h.failure()
    assert (error.status, error.retryable, error.retry_after) == (307, False, 30)
    assert "https://elsewhere.example is not followed" in str(error)
    assert server.token_requests == 1


def test_a_dead_address_is_a_connection_failure(make, server):
    h = make()
    server.stop()
    error = h.failure()
    assert isinstance(error, ConnectionFailedError)
    assert error.retryable
    assert error.endpoint == server.token_uri
    server.start()


def test_a_stuck_server_ends_at_the_total_timeout_and_the_next_call_works(make, server, clock):
    h = make(http={"default": {"total-timeout": 0.3}}, clocks=Clocks())
    with server.inject(Fault(hang=True)):
        error = h.failure()
    assert isinstance(error, TimedOutError)
    assert server.token_requests == 1
    assert h.token(force=True)


def test_a_flight_past_its_deadline_is_given_up_by_whoever_looks(h, server, clock):
    with server.hold() as gate:
        lost = h.start()
        gate.wait_for(1)
        clock.advance(10.5)
        error = h.failure()
        assert isinstance(error, TimedOutError)
        assert isinstance(lost.exception(5), TimedOutError)
        clock.advance(1)
        again = h.start()
        gate.wait_for(2)
    assert again.result(5)
    assert server.token_requests == 2


def test_the_late_answer_of_a_flight_that_was_given_up_is_dropped(h, server, clock):
    with server.hold() as gate:
        call = h.start()
        gate.wait_for(1)
        clock.advance(10.5)
        h.failure()
    assert isinstance(call.exception(5), TimedOutError)
    assert h.manager.status()["app"]["state"] == "none"


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
