"""A failure holds back exactly those callers that it concerns."""

from __future__ import annotations

import pytest

from oauthreg._errors import (
    ConnectionFailedError,
    SecretUnavailableError,
    TimedOutError,
)
from oauthreg._renewal.clocks import Clocks
from oauthreg.testing import Fault

REFUSED = Fault(status=400, body={"error": "unauthorized_client"})
OTHER = {"provider": "as", "client-id": "other", "client-secret": "other-secret"}


# Who waits, and who does not


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
