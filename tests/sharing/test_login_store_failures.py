"""A login outlives calls of the store that fail while it is renewed, wherever that happens."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from oauthreg._errors import LoginRequiredError, SecretUnavailableError
from oauthreg._renewal import shared_login
from oauthreg._shared.entries import LoginEntry
from oauthreg.stores import StoreError

SHORT = {
    "http": {"default": dict.fromkeys(("connect-timeout", "read-timeout", "total-timeout"), 0.5)}
}


class Failing:
    """A store some of whose calls fail: those whose numbers, from 0 on, are chosen.

    With `lost`, the call does its work and only the answer is lost.
    """

    def __init__(self, store, chosen, *, lost=False):
        self._store, self._chosen, self._lost = store, chosen, lost
        self._lock = threading.Lock()
        self.calls = 0

    def __getattr__(self, name):
        method = getattr(self._store, name)
        if name == "close":
            return method

        def call(*args, **options):
            with self._lock:
                number, self.calls = self.calls, self.calls + 1
            chosen = self._chosen(number, name)
            if chosen and not self._lost:
                raise StoreError("the network is gone")
            answer = method(*args, **options)
            if chosen:
                raise StoreError("the answer is lost")
            return answer

        return call


def break_store(process, chosen, *, lost=False):
    shared = process.core.flights.sharing.access.store
    shared._store = Failing(shared._store, chosen, lost=lost)


def refresh_tokens(server):
    forms = [dict(request.form) for request in server.requests_to("token")]
    return [form["refresh_token"] for form in forms if "refresh_token" in form]


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(shared_login, "SAVED_AGAIN_AFTER", 0.001)


CASES = [(number, lost) for number in range(8) for lost in (False, True)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_any_one_call_of_a_renewal_may_fail(web, log_in, server, time_, case):
    number, lost = case
    log_in(web(**SHORT))
    time_.advance(291)
    one = web(**SHORT)
    break_store(one, lambda at, _name: at == number, lost=lost)
    assert one.token(principal="alice")
    time_.advance(291)
    assert web(**SHORT).token(principal="alice", timeout=10)
    sent = refresh_tokens(server)
    assert len(sent) == len(set(sent))


def test_what_could_not_be_saved_is_saved_by_the_next_renewal(web, log_in, server, time_):
    log_in(web())
    time_.advance(291)
    broken = [True]
    one = web(store={"timeout": 0.05})
    saves = []

    def chosen(_number, name):
        saves.append(name)
        return broken[0] and name == "save" and saves.count("save") > 1

    break_store(one, chosen)
    assert one.token(principal="alice")
    assert saves.count("save") > 2, "it is tried more than once"
    assert "give_back" not in saves, "nobody else may send the token that was answered"
    broken[0] = False
    time_.advance(291)
    free_lease(one)
    assert one.token(principal="alice")
    time_.advance(291)
    assert web().token(principal="alice")
    sent = refresh_tokens(server)
    assert len(sent) == len(set(sent)) == 3


def free_lease(process):
    """Let the lease that a process kept run out."""
    store = process.core.flights.sharing.access.store._store._store
    with store._open() as connection:
        connection.execute("DELETE FROM leases")


def test_a_new_process_does_not_take_a_store_that_fails_for_no_login(web, log_in, server):
    log_in(web())
    one = web()
    break_store(one, lambda _number, _name: True)
    error = one.failure(principal="alice")
    assert isinstance(error, SecretUnavailableError)
    assert "the network is gone" in str(error)


def test_a_store_that_fails_a_login_holds_no_other_client_of_the_server_back(web, log_in, server):
    log_in(web())
    plain = {"client-id": "app", "client-secret": "secret", "provider": "as"}
    one = web(registration={"plain": plain})
    break_store(one, lambda _number, _name: True)
    error = one.failure(principal="alice")
    assert error.retry_after > 0
    assert one.token("plain")
    log_in(one, "bob")
    assert one.token(principal="bob")


def test_the_settings_refresh_token_is_not_sent_while_the_store_fails(web, log_in, process, server):
    first = log_in(web()).refresh_token.token_value
    job = {"authorization-grant-type": "refresh_token", "refresh-token": first}
    assert process(job).token()
    before = len(refresh_tokens(server))
    one = process(job)
    break_store(one, lambda _number, _name: True)
    assert isinstance(one.failure(), SecretUnavailableError)
    assert len(refresh_tokens(server)) == before


def test_fields_of_a_later_version_outlive_a_renewal(web, log_in, server, time_):
    log_in(web())
    time_.advance(291)
    one = web()
    shared = one.core.flights.sharing.access.store
    saved = []
    real = shared.save

    def save(name, entry, **options):
        if isinstance(entry, LoginEntry):
            saved.append(entry)
        return real(name, entry, **options)

    name = shared.names().login(server.issuer, "app", "alice")
    stored = shared.load([name]).entries[name]
    shared.save(name, replace(stored.content, rest={"new": 1}), after=stored.after)
    shared.save = save
    assert one.token(principal="alice")
    assert [entry.rest for entry in saved] == [{"new": 1}, {"new": 1}]


def test_a_login_whose_token_was_refused_stays_ended_if_saving_that_fails_once(
    web, log_in, server, time_
):
    log_in(web())
    server.revoke_all()
    time_.advance(291)
    one = web()
    saves = []

    def chosen(_number, name):
        saves.append(name)
        return name == "save" and saves.count("save") == 2

    break_store(one, chosen)
    one.failure(principal="alice")
    assert isinstance(web().failure(principal="alice"), LoginRequiredError)
    assert len(refresh_tokens(server)) == 1


def test_who_cannot_go_on_without_the_store_tries_it_once_a_second(web, log_in, server, time_):
    time_.chance = 1.0
    log_in(web())
    plain = {"client-id": "app", "client-secret": "secret", "provider": "as"}
    one = web(registration={"plain": plain})
    broken = [True]
    break_store(one, lambda _number, _name: broken[0])
    for wait in (1, 2, 4, 8):
        one.token("plain", audience=str(wait))
        time_.advance(wait)
    one.token("plain")
    broken[0] = False
    calls = one.core.flights.sharing.access.store._store
    before = calls.calls
    assert one.failure(principal="alice").retry_after <= 1
    time_.advance(1)
    one.token("plain", audience="last")
    assert calls.calls == before, "the others leave it alone"
    assert one.token(principal="alice")
