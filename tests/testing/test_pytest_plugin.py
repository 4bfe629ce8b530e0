"""The pytest plugin, as a project's own tests use it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import requests

from oauthreg import AuthorizedClientManager, TokenEndpointError
from oauthreg.testing import Fault, assert_token_requests

pytest_plugins = ["pytester"]


def token(manager, **options):
    return manager.authorize("my-client", **options).access_token.token_value


@pytest.fixture
def manager(oauthreg_settings):
    with AuthorizedClientManager.from_settings(oauthreg_settings) as manager:
        yield manager


def test_the_settings_lead_to_the_server(oauthreg_server, manager):
    answer = requests.get(oauthreg_server.api_uri, auth=manager.auth("my-client"), timeout=5)
    assert answer.status_code == 200
    assert_token_requests(oauthreg_server, 1)


def test_the_server_has_faults(oauthreg_server, manager):
    oauthreg_server.inject(Fault(status=400, body={"error": "invalid_scope"}))
    with pytest.raises(TokenEndpointError):
        token(manager)


def test_the_server_has_a_clock_that_moves_managers_too(oauthreg_server, manager):
    first = token(manager)
    oauthreg_server.advance(299)
    assert not oauthreg_server.token(first).is_expired()
    assert token(manager) != first
    oauthreg_server.advance(2)
    assert oauthreg_server.token(first).is_expired()
    assert_token_requests(oauthreg_server, 2)


def test_the_clock_moves_managers_of_both_kinds_and_their_hit_path(oauthreg_server, manager):
    plain = manager.as_async()
    first = token(manager)
    assert token(manager) == first
    oauthreg_server.advance(250)
    assert manager.status()["my-client"]["state"] == "stale"
    assert plain.status()["my-client"]["seconds_left"] == pytest.approx(50, abs=5)


def test_token_requests_that_are_not_as_expected_are_listed_without_a_secret(
    oauthreg_server, manager
):
    assert_token_requests(oauthreg_server, 0)
    token(manager, audience="https://api.example")
    token(manager, scope="read")
    with pytest.raises(AssertionError) as caught:
        assert_token_requests(oauthreg_server, 1)
    text = str(caught.value)
    assert text.startswith("expected 1 token requests, the server had 2:\n  grant_type=")
    assert "audience=https://api.example" in text
    assert "secret" not in text


def test_fixed_tokens_of_a_manager_end_with_the_test(pytester, oauthreg_settings):
    pytester.makepyfile(
        """
        from oauthreg import AuthorizedClientManager
        from oauthreg.testing import assert_token_requests

        MANAGERS = []

        def test_fixed(oauthreg_server, oauthreg_settings, oauthreg_fixed_tokens):
            manager = AuthorizedClientManager.from_settings(oauthreg_settings)
            MANAGERS.append(manager)
            oauthreg_fixed_tokens({"my-client": "abc"}, manager)
            assert manager.authorize("my-client").authorization == "Bearer abc"
            assert_token_requests(oauthreg_server, 0)

        def test_ended():
            (manager,) = MANAGERS
            assert manager._core.fixed_token("my-client") is None
            manager.close()
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_fixed_tokens_count_for_managers_that_are_built_afterwards(
    oauthreg_fixed_tokens, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.toml").write_text(
        '[registration.orders]\nclient-id = "orders"\nclient-secret-file = "none"\n'
        '[provider.p]\ntoken-uri = "https://auth.example/token"\n'
    )
    oauthreg_fixed_tokens({"orders": "abc"})
    with AuthorizedClientManager.from_settings() as manager:
        assert manager.authorize("orders").authorization == "Bearer abc"


def test_loading_the_plugin_costs_nothing():
    code = (
        "import pytest, sys; before = set(sys.modules); import oauthreg._pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["oauthreg", "oauthreg._pytest_plugin"]


def test_pytest_finds_the_plugin_by_its_entry_point(pytestconfig):
    assert pytestconfig.pluginmanager.get_plugin("oauthreg").__name__ == "oauthreg._pytest_plugin"


def test_time_machine_moves_a_manager_and_the_server(oauthreg_server, manager):
    import time

    import time_machine

    first = token(manager)
    with time_machine.travel(time.time() + 1000):
        assert manager.status()["my-client"]["state"] == "none"
        assert token(manager) != first
    assert_token_requests(oauthreg_server, 2)


def test_freezegun_does_not_move_a_manager(oauthreg_server, manager):
    """As docs/testing.md says; nothing breaks by it."""
    import freezegun

    first = token(manager)
    with freezegun.freeze_time("2040-01-01"):
        assert token(manager) == first
        assert token(manager, force=True) != first
