"""One access token for all processes of a store."""

from __future__ import annotations

import threading
import time

import pytest

from oauthreg._renewal.clocks import Clocks
from oauthreg.testing import Fault


def test_a_second_process_takes_the_token_of_the_first(process, server):
    first, second = process(), process()
    assert first.token() == second.token()
    assert server.token_requests == 1
    assert "LoadedFromStore" in second.seen()


def test_processes_at_once_make_one_request(process, server):
    processes = [process() for _ in range(8)]
    with server.hold() as gate:
        calls = [one.start() for one in processes]
        gate.wait_for(1)
    assert len({call() for call in calls}) == 1
    assert server.token_requests == 1


def test_at_its_expiry_one_process_fetches_for_all(process, server, time_):
    processes = [process() for _ in range(4)]
    old = {one.token() for one in processes}
    time_.advance(291)
    new = {one.token() for one in processes}
    assert len(old) == len(new) == 1
    assert old != new
    assert server.token_requests == 2


def test_a_stale_token_is_served_while_another_process_renews(process, server, time_):
    first, second = process(), process()
    old = first.token()
    assert second.token() == old
    time_.advance(200)
    with server.hold() as gate:
        assert first.token() == old
        gate.wait_for(1)
        assert second.token() == old
        second.settled()
        assert second.token() == old
    first.settled()
    assert server.token_requests == 2


def test_who_is_behind_takes_the_renewed_token_when_it_looks_again(process, server, time_):
    first, second = process(), process()
    old = first.token()
    second.token()
    time_.advance(200)
    first.token()
    first.settled()
    second.token()
    second.settled()
    assert first.token() == second.token() != old
    assert server.token_requests == 2


def test_different_scopes_and_secrets_are_different_tokens(process, server):
    process().token()
    process({"scope": "write"}).token()
    process().token(audience="other")
    assert server.token_requests == 3


def test_a_setting_that_changes_no_token_changes_no_name(process, server):
    process().token()
    process({"eager": False, "urls": ["https://api.example"], "client-name": "x"}).token()
    assert server.token_requests == 1


def test_a_registration_may_stay_out(process, server):
    process().token()
    process({"shared": False}).token()
    assert server.token_requests == 2


def test_a_callers_subject_token_is_not_shared_unless_the_settings_say_so(process, server):
    exchange = {"authorization-grant-type": "token-exchange"}
    subject = process().token()
    for shared, requests in (({}, 2), ({"shared": True}, 1)):
        before = server.token_requests
        for _ in range(2):
            process({**exchange, **shared}).token(subject_token=subject)
        assert server.token_requests - before == requests


def test_force_fetches_a_token_that_all_take(process, server):
    first, second = process(), process()
    old = first.token()
    new = second.token(force=True)
    assert new != old
    assert process().token() == new
    assert server.token_requests == 2


def test_min_ttl_is_kept_with_stored_tokens_too(process, server, time_):
    process().token()
    time_.advance(100)
    assert process().token(min_ttl=150)
    assert server.token_requests == 1
    process().token(min_ttl=250)
    assert server.token_requests == 2


def test_what_was_invalidated_is_not_taken_from_the_store_again(process, server):
    one = process()
    old = one.token()
    one.do("invalidate", "app")
    assert one.token() != old
    assert process().token() == one.token()
    assert server.token_requests == 2


def test_a_rejected_token_is_taken_by_nobody(process, server):
    first, second = process(), process()
    old = first.token()
    assert second.token() == old
    second.do("reject", "app", old)
    new = second.token()
    assert new != old
    assert process().token() == new
    first.do("reject", "app", old)
    assert first.token() == new
    assert server.token_requests == 2


def test_a_rejected_token_is_not_taken_from_a_slow_store_either(process, server, monkeypatch):
    one = process()
    token = one.token()
    shared = one.core.flights.sharing.access.store
    observe = shared._observe

    def slow(call):
        answer, clock = observe(call)
        shared._clock = clock = clock._replace(sent=clock.sent - 5.0)
        return answer, clock

    monkeypatch.setattr(shared, "_observe", slow)
    one.do("reject", "app", token)
    assert one.token() != token
    assert server.token_requests == 2


def test_a_rejection_is_told_at_the_end_of_a_process(process, server):
    first = process()
    old = first.token()
    first.do("reject", "app", old)
    first.do("close")
    assert process().token() != old


def test_an_api_that_rejects_every_token_costs_few_requests(process, server, time_):
    time_.chance = 1.0
    processes = [process() for _ in range(4)]
    for _ in range(20):
        for one in processes:
            one.do("reject", "app", one.token())
        time_.advance(0.5)
    assert server.token_requests <= 6


def test_a_new_process_is_served_a_stale_token_and_renews_it_behind(process, server, time_):
    old = process().token()
    time_.advance(200)
    one = process()
    with server.inject(Fault(status=429, retry_after=5)):
        assert one.token() == old
        assert one.token() == old
        one.settled()
        other = process()
        assert other.token() == old, "the server asks for no request yet"
        other.settled()
    assert server.token_requests == 2
    time_.advance(10)
    one.token()
    one.settled()
    assert process().token() == one.token() != old
    assert server.token_requests == 3


def test_after_a_failed_request_another_process_gets_the_lease_at_once(process, server):
    with server.inject(Fault(status=400, body={"error": "invalid_scope"})):
        process().failure()
    assert process(clocks=Clocks()).token(timeout=3)


def test_a_thread_and_a_process_share_with_many_keys_at_once(process, server):
    processes = [process() for _ in range(3)]
    results = []

    def work(one, number):
        results.append((number, one.token(audience=str(number))))

    threads = [
        threading.Thread(target=work, args=(one, number))
        for one in processes
        for number in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(set(results)) == 10
    assert server.token_requests == 10


@pytest.mark.parametrize("lifetime", [5, 60, 3600])
def test_no_expired_token_is_taken_from_the_store(process, server, time_, lifetime):
    server.token_lifetime = lifetime
    first = process().token()
    time_.advance(lifetime)
    assert process().token() != first


def test_clocks_that_are_ten_minutes_apart_waste_no_token_and_serve_no_expired_one(
    process, server, time_
):
    def clocks(ahead):
        real = time_.clocks
        return Clocks(
            wall=lambda: real.wall() + ahead, monotonic=real.monotonic, random=real.random
        )

    processes = [process(clocks=clocks(ahead)) for ahead in (300, 0, -300)]
    old = {one.token() for one in processes}
    assert len(old) == server.token_requests == 1
    time_.advance(140)
    assert {process(clocks=clocks(300)).token(), process(clocks=clocks(-300)).token()} == old
    time_.advance(151)
    new = {one.token() for one in processes}
    assert len(new) == 1
    assert new != old
    assert server.token_requests == 2


def test_a_call_waits_a_minute_at_most_for_another_process_that_saves_nothing(
    process, server, time_
):
    holder, one = process(), process()
    with server.hold() as gate:
        holder.start()
        gate.wait_for(1)
        call = one.start(timeout=1000)
        while not one.core.flights.waiting:
            time.sleep(0.001)
        time_.advance(60)
        assert "another process holds the lease" in str(call())
    assert server.token_requests == 1
