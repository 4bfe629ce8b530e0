"""Failures that a server said to one process: which others wait, and for how long."""

from __future__ import annotations

from oauthreg._errors import TokenEndpointError
from oauthreg.testing import Fault


def test_a_refused_credential_is_sent_once_for_all(process, server):
    errors = [process({"client-secret": "wrong"}).failure() for _ in range(4)]
    assert {type(error) for error in errors} == {TokenEndpointError}
    assert {error.error for error in errors} == {"invalid_client"}
    assert server.token_requests == 1
    assert process().token(), "the right secret is not held back"


def test_a_retry_after_counts_for_all(process, server, time_):
    with server.inject(Fault(status=429, retry_after=60)):
        process().failure()
    error = process().failure()
    assert error.status == 429
    assert 50 < error.retry_after < 70
    assert server.token_requests == 1
    time_.advance(70)
    assert process().token()


def test_who_may_not_ask_takes_what_another_process_fetched(process, server, time_):
    time_.chance = 1.0
    first, second = process(), process()
    with server.inject(Fault(status=500)):
        first.failure()
    token = second.token()
    assert first.token() == token
    time_.advance(200)
    with server.inject(Fault(status=500)):
        assert first.token() == token
        first.settled()
    new = second.token(min_ttl=200)
    assert new != token
    first.token()
    first.settled()
    assert first.token() == new
    assert server.token_requests == 5


def test_who_may_not_ask_looks_seldom_and_still_does_not_ask(process, server, time_):
    time_.chance = 1.0
    one = process()
    with server.inject(Fault(status=500)):
        one.failure()
        time_.advance(2.1)
        one.failure()
        asked = server.token_requests
        shared = one.core.flights.sharing.access.store
        calls = []
        load = shared.load
        shared.load = lambda *args, **options: calls.append(1) or load(*args, **options)
        for _ in range(12):
            assert one.failure().backing_off
            time_.advance(0.1)
    assert server.token_requests == asked
    assert 2 <= len(calls) <= 3


def test_a_plain_server_error_stays_with_the_process_that_got_it(process, server):
    with server.inject(Fault(status=503)):
        process().failure()
    assert process().token()


def test_what_others_were_told_does_not_make_a_process_wait_longer_each_time(
    process, server, time_
):
    time_.chance = 1.0
    others, one = [process() for _ in range(5)], process()
    for other in others:
        with server.inject(Fault(status=429, retry_after=1)):
            assert other.failure().status == 429
        assert one.failure().retry_after < 1.5
        time_.advance(1.2)
    asked = server.token_requests
    assert one.token()
    assert server.token_requests == asked + 1


def test_a_token_that_another_process_got_later_ends_the_wait_after_an_answer(
    process, server, time_
):
    time_.chance = 1.0
    one = process()
    for _ in range(4):
        with server.inject(Fault(status=500)):
            one.failure()
        time_.advance(15)
    with server.inject(Fault(status=500)):
        assert one.failure().retry_after > 10
    time_.advance(0.5)
    old = process().token()
    time_.advance(0.5)
    assert one.token() == old
    one.do("invalidate", "app")
    assert one.token() != old


def test_a_token_that_another_process_got_leaves_the_wait_after_a_broken_connection(
    process, server, time_
):
    time_.chance = 1.0
    one, other = process(), process()
    for _ in range(4):
        with server.inject(Fault(reset=True)):
            one.failure()
        time_.advance(15)
    with server.inject(Fault(reset=True)):
        one.failure()
    time_.advance(0.5)
    old = other.token()
    time_.advance(0.5)
    assert one.token() == old
    assert one.failure(audience="other").backing_off
    assert other.token(audience="other")


def test_who_left_a_renewal_to_another_process_makes_it_while_the_token_lives(
    process, server, time_
):
    patient = {"default": {"total-timeout": 60}}
    one, other = process(http=patient), process(http=patient)
    old = one.token()
    assert other.token() == old
    time_.advance(200)
    with server.inject(Fault(status=500)), server.hold() as gate:
        one.token()
        gate.wait_for(1)
        assert other.token() == old
        other.settled()
        gate.open()
        one.settled()
    time_.advance(25)
    assert other.token() == old
    other.settled()
    assert other.token() != old
