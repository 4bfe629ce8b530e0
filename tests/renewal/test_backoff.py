"""Backoff: who waits for how long."""

from __future__ import annotations

from itertools import pairwise

import pytest

from oauthreg._errors import (
    ConnectionFailedError,
    DiscoveryError,
    InvalidTokenResponseError,
    PluginFailedError,
    SecretUnavailableError,
    TimedOutError,
    TlsError,
    TokenEndpointError,
)
from oauthreg._renewal import backoff
from oauthreg._renewal.backoff import Backoffs, Scopes

SCOPES = Scopes("key", "client", "endpoint")
OTHER_KEY = Scopes("other key", "client", "endpoint")
OTHER_CLIENT = Scopes("other key", "other client", "endpoint")


def refused(status=400, error=None, **fields):
    return TokenEndpointError("no", status=status, error=error, **fields)


FAILURES = [
    # the failure, whom it concerns, the first wait and the longest, at most
    (refused(503, retryable=True), "key", 1, 60),
    (refused(429, retryable=True), "endpoint", 1, 60),
    (refused(503, retryable=True, retry_after=5.0), "endpoint", 5.5, 60),
    (refused(400, "invalid_scope"), "key", 30, 300),
    (refused(404), "key", 30, 300),
    (refused(307), "key", 30, 300),
    (refused(401, "invalid_client"), "client", 30, 300),
    (refused(400, "invalid_client"), "client", 30, 300),
    (refused(401, "invalid_client", retry_after=90.0), "client", 99, 300),
    (refused(400, "invalid_grant", retry_after=40.0), "endpoint", 44, 300),
    (InvalidTokenResponseError("?"), "key", 1, 60),
    (InvalidTokenResponseError("?", retryable=False), "key", 30, 300),
    (ConnectionFailedError("?"), "endpoint", 1, 60),
    (ConnectionFailedError("?", retryable=False), "endpoint", 30, 300),
    (TimedOutError("?"), "endpoint", 1, 60),
    (TlsError("?"), "endpoint", 30, 300),
    (SecretUnavailableError("?"), "key", 1, 60),
    (PluginFailedError("?", exception=ValueError()), "key", 30, 300),
    (DiscoveryError("?"), "key", 5, 300),
    (DiscoveryError("?", retryable=False), "key", 5, 300),
]


@pytest.mark.parametrize(("error", "whom", "first", "longest"), FAILURES)
def test_each_failure_has_its_scope_and_its_schedule(error, whom, first, longest):
    backoffs = Backoffs(lambda: 1.0)
    now, waits = 0.0, []
    for _ in range(12):
        waits.append(backoffs.failed(SCOPES, error, now))
        now += waits[-1]
    assert waits[0] == first
    assert waits[-1] == longest
    assert all(later >= earlier for earlier, later in pairwise(waits))
    now -= 0.001
    assert backoffs.refusal(SCOPES, now)
    assert bool(backoffs.refusal(OTHER_KEY, now)) == (whom != "key")
    assert bool(backoffs.refusal(OTHER_CLIENT, now)) == (whom == "endpoint")
    assert backoffs.refusal(SCOPES, now + 0.002) is None


@pytest.mark.parametrize(("asked", "most"), [(100.0, 110.0), (3_600.0, 3_630.0)])
def test_a_fleet_does_not_come_back_at_the_moment_that_the_server_named(asked, most):
    busy = refused(503, retryable=True, retry_after=asked)
    waits = [Backoffs(lambda c=c: c).failed(SCOPES, busy, 0.0) for c in (0.0, 0.5, 1.0)]
    assert waits == [asked, (asked + most) / 2, most]


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_the_wait_is_of_the_upper_half(chance, share):
    assert Backoffs(lambda: chance).failed(SCOPES, refused(), 0.0) == 30 * share


def test_retry_after_is_the_least_and_holds_against_force():
    backoffs = Backoffs(lambda: 0.0)
    assert backoffs.failed(SCOPES, refused(429, retryable=True, retry_after=20.0), 0.0) == 20
    assert backoffs.refusal(SCOPES, 19.9, force=True)
    assert backoffs.refusal(SCOPES, 20.1, force=True) is None


def test_force_goes_past_our_own_wait():
    backoffs = Backoffs(lambda: 0.0)
    backoffs.failed(SCOPES, refused(), 0.0)
    assert backoffs.refusal(SCOPES, 1.0)
    assert backoffs.refusal(SCOPES, 1.0, force=True) is None


def test_force_waits_for_the_longest_of_what_servers_asked():
    backoffs = Backoffs(lambda: 1.0)
    backoffs.failed(SCOPES, refused(401, "invalid_client", retry_after=5.0), 0.0)
    backoffs.failed(SCOPES, refused(429, retryable=True, retry_after=10.0), 0.0)
    assert backoffs.refusal(SCOPES, 1.0, force=True).server_until == 10


def test_the_longest_wait_of_several_scopes_is_told():
    backoffs = Backoffs(lambda: 1.0)
    backoffs.failed(OTHER_KEY, refused(429, retryable=True), 0.0)
    backoffs.failed(SCOPES, TimedOutError("?"), 0.0)
    assert backoffs.refusal(SCOPES, 0.0).until == 2


def test_one_probe_is_let_out_and_its_end_lets_out_the_next():
    backoffs = Backoffs(lambda: 0.0)
    backoffs.failed(SCOPES, TimedOutError("?"), 0.0)
    assert backoffs.refusal(OTHER_CLIENT, 1.0) is None
    backoffs.claim(SCOPES, 11.0)
    assert backoffs.refusal(OTHER_CLIENT, 1.1).until == 11
    backoffs.release(SCOPES, 1.2)
    assert backoffs.refusal(OTHER_CLIENT, 1.3) is None


def test_releasing_a_probe_keeps_what_the_server_asked():
    backoffs = Backoffs(lambda: 0.0)
    backoffs.failed(SCOPES, refused(429, retryable=True, retry_after=20.0), 0.0)
    backoffs.release(SCOPES, 1.0)
    assert backoffs.refusal(SCOPES, 19.0)


@pytest.mark.parametrize(
    ("error", "answers"),
    [
        (refused(400, "invalid_scope"), True),
        (InvalidTokenResponseError("?"), True),
        (SecretUnavailableError("?"), False),
        (PluginFailedError("?", exception=ValueError()), False),
    ],
)
def test_only_an_answer_forgets_an_endpoints_failures(error, answers):
    backoffs = Backoffs(lambda: 1.0)
    backoffs.failed(SCOPES, TimedOutError("?"), 0.0)
    backoffs.claim(SCOPES, 11.0)
    backoffs.failed(SCOPES, error, 2.0)
    assert backoffs.refusal(OTHER_CLIENT, 2.0) is None
    assert backoffs.failed(OTHER_CLIENT, TimedOutError("?"), 3.0) == (1 if answers else 2)


def test_following_another_flights_failure_waits_as_long_as_that_and_does_not_grow():
    backoffs = Backoffs(lambda: 1.0)
    for _ in range(3):
        error = DiscoveryError("?", retry_after=7.0)
        assert backoffs.follow(SCOPES, error, 0.0) == 7
    assert backoffs.refusal(SCOPES, 6.9).until == 7
    assert backoffs.refusal(OTHER_KEY, 0.0) is None
    assert backoffs.follow(SCOPES, TimedOutError("?"), 0.0) == 0


def test_success_and_a_new_configuration_forget():
    backoffs = Backoffs(lambda: 1.0)
    for forget in (lambda: backoffs.succeeded(SCOPES), backoffs.clear):
        backoffs.failed(SCOPES, refused(), 0.0)
        backoffs.failed(SCOPES, TimedOutError("?"), 0.0)
        forget()
        assert backoffs.refusal(SCOPES, 0.0) is None


def test_what_was_refused_is_remembered_for_the_client():
    backoffs = Backoffs(lambda: 1.0)
    backoffs.failed(SCOPES, refused(401, "invalid_client"), 0.0, {"a", "b"})
    assert backoffs.refused_credential(OTHER_KEY, 1.0).refused == {"a", "b"}
    assert backoffs.refused_credential(OTHER_CLIENT, 1.0) is None
    assert backoffs.refused_credential(SCOPES, 31.0) is None, "everything may be tried again"
    backoffs.failed(SCOPES, TimedOutError("?"), 2.0)
    assert backoffs.refused_credential(SCOPES, 2.5) is None, "something else forbids it"


def test_what_is_long_past_is_forgotten(monkeypatch):
    monkeypatch.setattr(backoff, "PRUNE_FROM", 8)
    backoffs = Backoffs(lambda: 1.0)
    backoffs._prune_at = 8
    for number in range(100):
        backoffs.failed(Scopes(f"key {number}", "client", "endpoint"), refused(), number * 1_000.0)
    assert len(backoffs._by_scope) < 10
