"""Registrations that come, change and go while the manager runs."""

from __future__ import annotations

import json
import threading

import pytest

from oauthreg._errors import ConfigurationError, UnknownRegistrationError
from oauthreg._manager.async_manager import AsyncAuthorizedClientManager
from oauthreg._manager.sync_manager import AuthorizedClientManager

CONFIGURATION = "oauthreg/manager/configuration.py"
TABLE = {"provider": "as", "client-id": "app", "client-secret": "secret", "scope": "read"}


@pytest.fixture
def of_file(kind, make, settings, tmp_path):
    """A harness whose settings come from a file, and a function that rewrites it."""
    path = tmp_path / "settings.toml"

    def write(**app):
        tables = settings(app)
        lines = [f'[provider.as]\ntoken-uri = "{tables["provider"]["as"]["token-uri"]}"']
        for id_, table in tables["registration"].items():
            lines.append(f"[registration.{id_}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        path.write_text("\n".join(lines))

    write()
    harness = make()
    build = {"threads": AuthorizedClientManager, "asyncio": AsyncAuthorizedClientManager}[kind]
    harness.manager = build.from_settings(path)
    return harness, write


def test_a_registration_may_be_added(h, server):
    registration = h.do("register", "New_App", TABLE)
    assert registration.registration_id == "new-app"
    assert set(h.manager.registrations) == {"app", "new-app"}
    assert h.token("new-app")


def test_a_registration_with_problems_changes_nothing(h):
    before = h.token()
    with pytest.raises(ConfigurationError) as caught:
        h.do("register", "app", {"provider": "as", "client-idd": "x"})
    assert len(caught.value.problems) >= 1
    assert h.token() == before


def test_a_registration_that_changed_loses_its_tokens(h, server):
    before = {h.token(), h.token(audience="x")}
    h.do("register", "app", {**TABLE, "client-name": "changed"})
    assert h.token() not in before
    assert server.token_requests == 3


def test_one_that_stayed_the_same_keeps_them(h, server):
    before = h.token()
    h.do("register", "app", TABLE)
    assert h.token() == before
    assert server.token_requests == 1


def test_other_registrations_keep_theirs(h, server):
    before = h.token()
    h.do("register", "other", {**TABLE, "scope": "write"})
    h.token("other")
    h.do("remove", "other")
    assert h.token() == before


def test_a_removed_registration_is_unknown(h):
    h.token()
    h.token(audience="x")
    h.do("remove", "APP")
    assert isinstance(h.failure(), UnknownRegistrationError)
    assert isinstance(h.failure(audience="x"), UnknownRegistrationError)
    assert h.manager.registrations == {}
    with pytest.raises(UnknownRegistrationError):
        h.do("remove", "app")


def test_the_mapping_of_registrations_cannot_be_written(h):
    with pytest.raises(TypeError):
        h.manager.registrations["x"] = None


def test_a_flight_finishes_for_the_registration_it_began_for(h, server):
    with server.hold() as gate:
        call = h.start()
        gate.wait_for(1)
        h.do("register", "app", {**TABLE, "scope": "write"})
    old = call.result(5)
    assert old.access_token.scopes == ("read",)
    assert h.authorize().access_token.scopes == ("write",)
    assert h.authorize().registration.scopes == ("write",)


def test_a_caller_of_the_old_configuration_cannot_bring_it_back(h, server, monkeypatch):
    """It reads its options, the configuration changes, and only then does it decide."""
    h.do("register", "other", {**TABLE, "scope": "write"})
    original = h.core.fetch

    def slow(*args, **kwargs):
        fetch = original(*args, **kwargs)
        monkeypatch.setattr(h.core, "fetch", original)
        h.manager.remove("app")
        return fetch

    monkeypatch.setattr(h.core, "fetch", slow)
    h.token()
    assert isinstance(h.failure(), UnknownRegistrationError)


def test_registrations_added_at_once_are_all_there(h):
    barrier = threading.Barrier(8)

    def add(number):
        barrier.wait(5)
        h.manager.register(f"app-{number}", TABLE)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(h.manager.registrations) == 9


def test_reload_takes_what_changed(of_file, server):
    h, write = of_file
    before = h.token()
    h.do("reload")
    assert h.token() == before, "nothing changed"
    write(scope="write")
    assert h.token() == before, "nothing is read by itself"
    h.do("reload")
    assert h.authorize().access_token.scopes == ("write",)
    assert server.token_requests == 2


def test_reload_is_all_or_nothing(of_file):
    h, write = of_file
    before = h.token()
    write(audiance="x", scope="write")
    with pytest.raises(ConfigurationError, match="audience"):
        h.do("reload")
    assert h.token() == before
    assert h.manager.registrations["app"].scopes == ("read",)


def test_reload_keeps_what_was_registered_and_not_what_was_removed(of_file):
    h, write = of_file
    h.do("register", "extra", TABLE)
    h.do("register", "gone", TABLE)
    h.do("remove", "gone")
    write(scope="write")
    h.do("reload")
    assert set(h.manager.registrations) == {"app", "extra"}
    assert h.authorize("extra").access_token.scopes == ("read",)


def test_reload_of_a_manager_without_settings_does_nothing(h):
    before = h.token()
    h.do("reload")
    assert h.token() == before


def test_an_empty_manager_says_where_it_looked(kind, make, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    h = make()
    h.manager = type(h.manager).from_settings()
    error = h.failure("app")
    assert isinstance(error, UnknownRegistrationError)
    assert "settings.toml" in str(error)
