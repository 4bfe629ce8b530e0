"""Nothing is worse than without a store: what it does wrong is a miss and an event."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from oauthreg import AuthorizedClientManager
from oauthreg._errors import SecretUnavailableError, StoreError
from oauthreg._renewal.clocks import Clocks
from oauthreg.events import StoreFailed
from oauthreg.stores import StoreBusyError


class Broken:
    """A store whose every method does the same."""

    def __init__(self, behave):
        self._behave = behave
        self.calls = 0

    def __getattr__(self, name):
        def method(*_args, **_options):
            self.calls += 1
            return self._behave()

        return method

    def close(self):
        pass


def fail():
    raise StoreError("the disk is gone")


def crash():
    raise ZeroDivisionError


@pytest.fixture
def broken(process):
    """A process whose store behaves so."""

    def make(behave, **options):
        one = process(**options)
        one.store = one.core.flights.sharing.access.store._store = Broken(behave)
        return one

    return make


@pytest.mark.parametrize("behave", [fail, crash])
def test_a_store_that_fails_is_left_alone_for_a_while(broken, server, time_, behave):
    one = broken(behave)
    first = one.token()
    calls = one.store.calls
    assert one.token(audience="other")
    assert one.store.calls == calls, "left alone"
    (event,) = [event for event in one.events if isinstance(event, StoreFailed)]
    assert event.operation == "load"
    assert event.retry_after == 0.5
    time_.advance(1)
    assert one.token(audience="third")
    assert one.store.calls == calls + 2, "one flight tries it again, twice as each call"
    assert one.token() == first
    assert server.token_requests == 3


def test_a_store_that_fails_leaves_no_trace_in_the_programs_event_loop(broken, time_):
    one = broken(fail)
    reported = []
    one.loop.set_exception_handler(lambda _loop, context: reported.append(context["message"]))
    for audience in ("first", "second", "third"):
        assert one.token(audience=audience)
        time_.advance(60)
    gc.collect()
    assert reported == []


def test_a_call_that_fails_once_is_made_once_more(process, server):
    process().token()
    one = process()
    shared = one.core.flights.sharing.access.store
    failures = [StoreError("for a moment")]
    load = shared.load

    def flaky(*args, **options):
        if failures:
            raise failures.pop()
        return load(*args, **options)

    shared.load = flaky
    assert one.token()
    assert server.token_requests == 1
    assert "StoreFailed" not in one.seen()


def test_five_cold_registrations_have_their_tokens_while_the_store_hangs(broken, server):
    gate = threading.Event()
    one = broken(lambda: gate.wait(60), store={"timeout": 0.3}, clocks=Clocks())
    begun = time.monotonic()
    for number in range(5):
        assert one.token(audience=str(number))
    assert time.monotonic() - begun < 10
    gate.set()
    assert server.token_requests == 5


def test_a_store_that_is_locked_by_another_program_is_waited_for_and_then_left(
    process, server, tmp_path
):
    process().token()
    one = process(store={"timeout": 0.3}, clocks=Clocks())
    connection = sqlite3.connect(tmp_path / "tokens.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    assert one.token()
    connection.execute("ROLLBACK")
    connection.close()
    assert server.token_requests in {1, 2}  # a reader may still read beside the writer


def test_noise_in_the_place_of_the_store_is_a_miss(process, server, tmp_path):
    process().token()
    one = process()
    for path in tmp_path.glob("tokens.db*"):
        if path.suffix != ".key":
            path.write_bytes(os.urandom(8192))
    assert one.token()
    assert "StoreFailed" in one.seen()


SCRIPT = """
import json, os, sys
from oauthreg import AuthorizedClientManager
from oauthreg.events import RequestSent
manager = AuthorizedClientManager.from_settings(json.loads(sys.argv[1]))
manager.subscribe(RequestSent, lambda event: print("sent", flush=True))
manager.authorize("app")
"""


def test_a_holder_that_was_killed_is_replaced_at_once(process, server, tmp_path):
    import json

    one = process(clocks=Clocks())
    tables = {
        "registration": {
            "app": {
                "client-id": "app",
                "client-secret": "secret",
                "scope": "read",
                "provider": "as",
            }
        },
        "provider": {"as": {"token-uri": server.token_uri}},
        "store": {"type": "sqlite", "path": str(tmp_path / "tokens.db")},
    }
    with server.hold() as gate:
        command = [sys.executable, "-c", SCRIPT, json.dumps(tables)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout.readline() == b"sent\n"
            gate.wait_for(1)
            waiting = one.start()
            time.sleep(0.1)
            child.send_signal(signal.SIGKILL)
            child.wait(10)
        begun = time.monotonic()
        gate.wait_for(2)
        assert time.monotonic() - begun < 3
    assert waiting()
    assert server.token_requests == 2


def test_status_says_whether_the_store_is_in_use(process, server, broken):
    client = {"client-id": "app", "client-secret": "secret", "provider": "as"}
    one = process(registration={"alone": {**client, "shared": False}})
    assert one.do("status")["alone"]["store"] is None
    in_use = {"type": "sqlite", "failure": None, "retry_after": 0.0}
    assert one.do("status")["app"]["store"] == in_use
    other = broken(fail)
    other.token()
    failing = other.do("status")["app"]["store"]
    assert failing["failure"] == "the disk is gone"
    assert 0 < failing["retry_after"] <= 0.5


def test_health_says_since_when_this_process_goes_on_without_the_store(broken, time_):
    one = broken(fail)
    assert one.manager.health()["token_store"]["state"] == "ready"
    begun = time_.clocks.wall()
    one.token()
    time_.advance(60)
    found = one.manager.health()["token_store"]
    assert (found["state"], found["reason"]) == ("degraded", "the disk is gone")
    assert 0 <= found["since"].timestamp() - begun < 30
    assert one.manager.health()["app"]["state"] == "ready"
    one.store._behave = StoreBusyError
    one.core.flights.sharing.access.failure = None
    assert one.manager.health()["token_store"]["state"] == "ready"


def test_the_stores_entry_has_a_name_that_no_registration_can_have(process):
    one = process()
    one.manager.register("token_store", {"provider": "as", "client-id": "x", "client-secret": "y"})
    assert one.manager.health().keys() == {"app", "token-store", "token_store"}


def test_tokens_that_are_bound_to_a_key_of_the_process_stay_there_and_that_is_said(process, caplog):
    one = process({"dpop": "optional"})
    assert one.do("status")["app"]["store"] is None
    one.do("reload")
    (line,) = [line for line in caplog.messages if "DPoP key" in line]
    assert "app: its tokens are not shared" in line
    assert "dpop-key-file" in line
    process({"dpop": "optional", "shared": False})
    assert len([line for line in caplog.messages if "DPoP key" in line]) == 1


@pytest.mark.parametrize("kind", [AuthorizedClientManager])
def test_a_call_that_the_end_overtakes_is_no_failure_of_the_store(process, server, time_, kind):
    one, entered, gate = process(), threading.Event(), threading.Event()
    old = one.token()
    time_.advance(200)
    shared = one.core.flights.sharing.access.store
    load = shared.load

    def slow(*args, **options):
        entered.set()
        gate.wait(10)
        return load(*args, **options)

    shared.load = slow
    assert one.token() == old
    assert entered.wait(10)
    one.do("close")
    gate.set()
    until = time.monotonic() + 10
    while not any(getattr(event, "reason", "") == "the store is closed" for event in one.events):
        assert time.monotonic() < until
        time.sleep(0.001)
    time.sleep(0.2)
    assert "StoreFailed" not in one.seen()


class Occupied:
    """A store whose leases all belong to somebody who never gives them back."""

    def __init__(self, store, time_):
        self._store, self._time = store, time_

    def __getattr__(self, name):
        return getattr(self._store, name)

    def load(self, names, *, lease=None):
        return replace(self._store.load(names, lease=lease), lease_left=10_000 - self._time.offset)


def occupy(one, time_):
    shared = one.core.flights.sharing.access.store
    shared._store = Occupied(shared._store, time_)


def in_time(one, time_, **options):
    """What a call gets for which so much time passes as a lease lasts."""
    call = one.start(timeout=100, **options)
    while "StoreAnswered" not in one.seen():
        time.sleep(0.001)
    time_.advance(5)
    return call()


SHORT = {"default": dict.fromkeys(("connect-timeout", "read-timeout", "total-timeout"), 2)}


def test_a_lease_that_never_ends_is_waited_for_once_and_then_a_miss(process, server, time_):
    one = process(http=SHORT)
    occupy(one, time_)
    old = in_time(one, time_)
    assert "StoreMissed" in one.seen()
    time_.advance(299)
    begun = time.monotonic()
    assert one.token() != old
    assert time.monotonic() - begun < 3
    assert server.token_requests == 2


def test_no_refresh_token_is_sent_because_a_lease_never_ends(web, log_in, server, time_):
    log_in(web())
    one = web(http=SHORT)
    occupy(one, time_)
    time_.advance(299)
    error = in_time(one, time_, principal="alice")
    assert isinstance(error, SecretUnavailableError)
    assert "another process holds the lease" in str(error)
    assert server.token_requests == 1


def test_the_words_of_a_failing_store_stay_on_one_line(broken):
    def forge():
        raise StoreError("gone\nWARNING all is well\x1b[2K" + 5000 * "x")

    one = broken(forge)
    one.token()
    failure = one.do("status")["app"]["store"]["failure"]
    assert failure.startswith("gone WARNING all is well [2K")
    assert len(failure) < 1000


def test_who_needs_the_store_does_not_wait_longer_than_the_others(broken, time_):
    one = broken(fail)
    chances = iter([0.5, 1.0, 0.0])  # a pause; then a second, and half a second, to wait
    access = one.core.flights.sharing.access
    access._clocks = Clocks(
        wall=time_.clocks.wall, monotonic=time_.clocks.monotonic, random=lambda: next(chances, 0.5)
    )
    one.token()
    time_.advance(0.6)
    assert access.is_free
    assert access.available(needed=True)
