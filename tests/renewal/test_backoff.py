"""Backoff: who waits for how long."""

from __future__ import annotations

from itertools import pairwise

import pytest

from oauthreg._errors import (
    CallbackError,
    ConnectionFailedError,
    DiscoveryError,
    InvalidTokenResponseError,
    LoginRequiredError,
    PluginFailedError,
    SecretUnavailableError,
    TimedOutError,
    TlsError,
    TokenEndpointError,
)
from oauthreg._renewal import backoff
from oauthreg._renewal.backoff import Backoffs, FailureScopes

SCOPES = FailureScopes("key", "client", "endpoint")
OTHER_KEY = FailureScopes("other key", "client", "endpoint")
OTHER_CLIENT = FailureScopes("other key", "other client", "endpoint")


def failed(backoffs, error, now, scopes=SCOPES, **options):
    """Note the failure of a request that was sent at that moment."""
    return backoffs.failed(scopes, error, now, launched=options.pop("launched", now), **options)


def refused(status=400, error=None, **fields):
    return TokenEndpointError("no", status=status, error=error, **fields)


FAILURES = [
    # the failure, its scope, the first wait and the longest, while callers are served
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


@pytest.mark.parametrize(("error", "scope", "first", "longest"), FAILURES)
def test_each_failure_has_its_scope_and_its_schedule(error, scope, first, longest):
    backoffs = Backoffs(lambda: 1.0)
    now, waits = 0.0, []
    for _ in range(12):
        waits.append(failed(backoffs, error, now, needed=False))
        now += waits[-1]
    assert waits[0] == first
    assert waits[-1] == longest
    assert all(later >= earlier for earlier, later in pairwise(waits))
    now -= 0.001
    assert backoffs.refusal(SCOPES, now)
    assert bool(backoffs.refusal(OTHER_KEY, now)) == (scope != "key")
    assert bool(backoffs.refusal(OTHER_CLIENT, now)) == (scope == "endpoint")
    assert backoffs.refusal(SCOPES, now + 0.002) is None


@pytest.mark.parametrize(("asked", "most"), [(100.0, 110.0), (3_600.0, 3_630.0)])
def test_a_fleet_does_not_come_back_at_the_moment_that_the_server_named(asked, most):
    busy = refused(503, retryable=True, retry_after=asked)
    waits = [failed(Backoffs(lambda c=c: c), busy, 0.0) for c in (0.0, 0.5, 1.0)]
    assert waits == [asked, (asked + most) / 2, most]


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_the_wait_is_of_the_upper_half(chance, share):
    assert failed(Backoffs(lambda: chance), refused(), 0.0) == 30 * share


def test_retry_after_is_the_least_and_holds_against_force():
    backoffs = Backoffs(lambda: 0.0)
    assert failed(backoffs, refused(429, retryable=True, retry_after=20.0), 0.0) == 20
    assert backoffs.refusal(SCOPES, 19.9, force=True)
    assert backoffs.refusal(SCOPES, 20.1, force=True) is None


def test_force_goes_past_our_own_wait():
    backoffs = Backoffs(lambda: 0.0)
    failed(backoffs, refused(), 0.0)
    assert backoffs.refusal(SCOPES, 1.0)
    assert backoffs.refusal(SCOPES, 1.0, force=True) is None


def test_force_waits_for_the_longest_of_what_servers_asked():
    backoffs = Backoffs(lambda: 1.0)
    failed(backoffs, refused(401, "invalid_client", retry_after=5.0), 0.0)
    failed(backoffs, refused(429, retryable=True, retry_after=10.0), 0.0)
    assert backoffs.refusal(SCOPES, 1.0, force=True).until == 10


def test_the_longest_wait_of_several_scopes_counts():
    backoffs = Backoffs(lambda: 1.0)
    failed(backoffs, refused(429, retryable=True), 0.0, OTHER_KEY)
    failed(backoffs, TimedOutError("?"), 0.5)
    assert backoffs.refusal(SCOPES, 0.5).until == 2.5


def test_one_probe_is_let_out_and_its_end_lets_out_the_next():
    backoffs = Backoffs(lambda: 0.0)
    failed(backoffs, TimedOutError("?"), 0.0)
    assert backoffs.refusal(OTHER_CLIENT, 1.0) is None
    backoffs.claim(SCOPES, 11.0)
    assert backoffs.refusal(OTHER_CLIENT, 1.1).until == 11
    backoffs.release(SCOPES, 1.2)
    assert backoffs.refusal(OTHER_CLIENT, 1.3) is None


def test_releasing_a_probe_keeps_what_the_server_asked():
    backoffs = Backoffs(lambda: 0.0)
    failed(backoffs, refused(429, retryable=True, retry_after=20.0), 0.0)
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
    failed(backoffs, TimedOutError("?"), 0.0)
    backoffs.claim(SCOPES, 11.0)
    failed(backoffs, error, 2.0)
    assert backoffs.refusal(OTHER_CLIENT, 2.0) is None
    assert failed(backoffs, TimedOutError("?"), 3.0, OTHER_CLIENT) == (1 if answers else 2)


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
    for forget in (lambda: backoffs.succeeded(SCOPES, 1.0, launched=1.0), backoffs.clear):
        failed(backoffs, refused(), 0.0)
        failed(backoffs, TimedOutError("?"), 0.0)
        forget()
        assert backoffs.refusal(SCOPES, 0.0) is None


def test_what_was_refused_is_remembered_for_the_client():
    backoffs = Backoffs(lambda: 1.0)
    failed(backoffs, refused(401, "invalid_client"), 0.0, refused={"a", "b"})
    assert backoffs.refused_credential(OTHER_KEY, 1.0).refused == {"a", "b"}
    assert backoffs.refused_credential(OTHER_CLIENT, 1.0) is None
    assert backoffs.refused_credential(SCOPES, 31.0) is None, "everything may be tried again"
    failed(backoffs, TimedOutError("?"), 2.0)
    assert backoffs.refused_credential(SCOPES, 2.5) is None, "something else forbids it"


def test_what_is_long_past_is_forgotten(monkeypatch):
    monkeypatch.setattr(backoff, "PRUNE_FROM", 8)
    backoffs = Backoffs(lambda: 1.0)
    backoffs._prune_at = 8
    for number in range(100):
        scopes = FailureScopes(f"key {number}", "client", "endpoint")
        failed(backoffs, refused(), number * 1_000.0, scopes)
    assert len(backoffs._by_scope) < 10


BUSY = refused(429, retryable=True, retry_after=600.0)


@pytest.mark.parametrize(
    "other",
    [
        refused(503, retryable=True),
        refused(400, "invalid_scope"),
        refused(429, retryable=True),
        refused(429, retryable=True, retry_after=3.0),
        TimedOutError("?"),
        ConnectionFailedError("?"),
        TlsError("?"),
        None,
    ],
)
def test_a_retry_after_outlives_the_result_of_an_older_request(other):
    backoffs = Backoffs(lambda: 0.0)
    failed(backoffs, BUSY, 10.0)
    if other is None:
        backoffs.succeeded(OTHER_CLIENT, 11.0, launched=9.0)
    else:
        failed(backoffs, other, 11.0, OTHER_CLIENT, launched=9.0)
    assert backoffs.refusal(SCOPES, 609.0, force=True)
    assert backoffs.refusal(SCOPES, 611.0, force=True) is None


@pytest.mark.parametrize(
    "answer", [refused(400, "invalid_scope"), refused(429, retryable=True, retry_after=3.0), None]
)
def test_an_answer_to_a_later_request_ends_a_retry_after(answer):
    backoffs = Backoffs(lambda: 0.0)
    failed(backoffs, BUSY, 10.0)
    if answer is None:
        backoffs.succeeded(OTHER_CLIENT, 13.0, launched=12.0)
    else:
        failed(backoffs, answer, 13.0, OTHER_CLIENT, launched=12.0)
    assert backoffs.refusal(SCOPES, 17.0, force=True) is None


def test_a_later_request_without_an_answer_ends_no_retry_after():
    backoffs = Backoffs(lambda: 0.0)
    failed(backoffs, BUSY, 10.0)
    failed(backoffs, TimedOutError("?"), 22.0, OTHER_CLIENT, launched=12.0)
    assert backoffs.refusal(SCOPES, 600.0, force=True)


def test_requests_that_fail_together_count_as_one_failure():
    backoffs = Backoffs(lambda: 1.0)
    for number in range(10):
        scopes = FailureScopes(f"key {number}", "client", "endpoint")
        wait = failed(backoffs, ConnectionFailedError("?"), 5.0, scopes, launched=1.0)
    assert wait == 1


def test_the_wait_is_shorter_while_callers_have_no_token():
    backoffs, now = Backoffs(lambda: 1.0), 0.0
    for _ in range(12):
        now += failed(backoffs, refused(503, retryable=True), now, needed=False)
    failed(backoffs, refused(503, retryable=True), now)
    assert backoffs.refusal(SCOPES, now).until == now + 60
    assert backoffs.refusal(SCOPES, now, needed=True).until == now + 15


def test_a_success_lets_the_endpoints_other_keys_ask_within_five_seconds():
    backoffs, now = Backoffs(lambda: 1.0), 0.0
    for _ in range(12):
        now += failed(backoffs, refused(503, retryable=True), now, OTHER_KEY)
    failed(backoffs, refused(503, retryable=True), now, OTHER_KEY)
    permanent = FailureScopes("third key", "client", "endpoint")
    failed(backoffs, refused(400, "invalid_scope"), now, permanent)
    backoffs.succeeded(SCOPES, now, launched=now)
    assert backoffs.refusal(OTHER_KEY, now).until == now + 5
    assert backoffs.refusal(permanent, now).until == now + 30
    elsewhere = FailureScopes("fourth key", "client", "other endpoint")
    failed(backoffs, refused(503, retryable=True), now, elsewhere)
    backoffs.succeeded(SCOPES, now, launched=now)
    assert backoffs.refusal(elsewhere, now)


@pytest.mark.parametrize(
    "error",
    [
        LoginRequiredError("?"),
        CallbackError("?"),
        ConnectionFailedError("no descriptor", local=True),
    ],
)
def test_what_says_nothing_about_the_server_backs_nobody_off(error):
    backoffs = Backoffs(lambda: 1.0)
    assert failed(backoffs, error, 0.0) == 0
    assert backoffs.refusal(SCOPES, 0.0) is None


def test_a_failure_is_kept_as_data_without_its_frames():
    backoffs = Backoffs(lambda: 1.0)
    with pytest.raises(TimedOutError) as caught:
        raise TimedOutError("?") from ValueError("cause")
    failed(backoffs, caught.value, 0.0)
    kept = backoffs.refusal(SCOPES, 0.0).backoff.error
    assert (kept.__traceback__, kept.__cause__, kept.__context__) == (None, None, None)
