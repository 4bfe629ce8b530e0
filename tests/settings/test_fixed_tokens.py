"""`OAUTHREG_FIXED_TOKENS`: for laptops and CI, where there is neither a server nor a secret."""

from __future__ import annotations

import logging

import pytest
from typer.testing import CliRunner

from oauthreg import AuthorizationError, AuthorizedClientManager, ConfigurationError
from oauthreg._cli.app import app

SETTINGS = """
[registration.my-client]
client-id = "my-client"
client-secret-file = "not-there.secret"
scope = "read"
[registration.signed]
client-id = "signed"
private-key-ref = "env:NOT_SET"
client-authentication-method = "private_key_jwt"
assertion-audience = "endpoint"
dpop = true
[registration.user]
client-id = "user"
client-secret-ref = "env:NOT_SET"
authorization-grant-type = "authorization_code"
redirect-uri = "https://app.example/callback"
[provider.p]
token-uri = "https://auth.example/token"
authorization-uri = "https://auth.example/authorize"
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "settings.toml"
    path.write_text(SETTINGS)
    monkeypatch.setenv("OAUTHREG_FIXED_TOKENS", "my-client=abc SIGNED=a.b-c== , user=xyz")
    return path


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("the network was used")

    monkeypatch.setattr("socket.socket.connect", refuse)


def problems(path="settings.toml", **options):
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(path, **options)
    return [str(problem) for problem in caught.value.problems]


def test_fixed_tokens_are_served_without_a_request_and_without_a_secret(settings, caplog):
    with AuthorizedClientManager.from_settings() as manager:
        assert manager.authorize("my-client").authorization == "Bearer abc"
        assert manager.authorize("my_client").access_token.scopes == ("read",)
        assert manager.authorize("signed", audience="x").access_token.token_value == "a.b-c=="
        assert manager.authorize("user").access_token.token_value == "xyz"
        assert manager.health()["my-client"]["state"] == "ready"
    (record,) = [r for r in caplog.records if "FIXED_TOKENS" in r.message]
    assert record.levelno == logging.WARNING
    assert "my-client, signed, user" in record.message
    assert "abc" not in caplog.text


def test_nothing_is_asked_about_a_fixed_token(settings):
    with AuthorizedClientManager.from_settings() as manager:
        for ask in (manager.introspect, manager.revoke, manager.authorization_request):
            with pytest.raises(AuthorizationError):
                ask("user")


@pytest.mark.parametrize(
    "command", [["check"], ["list"], ["token", "my-client"], ["explain", "user"]]
)
def test_no_command_sends_anything_for_them_or_shows_them(settings, command):
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert ("abc" in done.stdout) == (command[0] == "token")
    assert "xyz" not in done.output
    if command[0] == "check":
        assert done.stdout.count("fixed by OAUTHREG_FIXED_TOKENS") == 3


@pytest.mark.parametrize("word", ["production", "Production", " PRODUCTION "])
def test_they_are_refused_in_production(settings, word):
    settings.write_text(f'environment = "{word}"\n{SETTINGS}')
    found = problems()
    assert found[0].startswith("OAUTHREG_FIXED_TOKENS: is set, and the settings say environment")
    assert "abc" not in "".join(found)


def test_other_environments_may_have_them(settings):
    settings.write_text(f'environment = "staging"\n{SETTINGS}')
    AuthorizedClientManager.from_settings().close()


def test_production_can_be_said_by_the_environment(settings, monkeypatch):
    monkeypatch.setenv("OAUTHREG_ENVIRONMENT", "production")
    assert "FIXED_TOKENS" in problems()[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("my-clint=t0ken", "there is no such registration: my-clint"),
        ("t0ken", "has an item that is not ID=TOKEN"),
        ("my-client=", "has an item that is not ID=TOKEN"),
        ("=t0ken", "has an item that is not ID=TOKEN"),
        ("my-client=t0kén", "has an item that is not ID=TOKEN"),
    ],
)
def test_what_is_no_fixed_token_is_a_problem_without_the_token(
    settings, monkeypatch, text, problem
):
    monkeypatch.setenv("OAUTHREG_FIXED_TOKENS", text)
    found = [one for one in problems() if "OAUTHREG_FIXED_TOKENS" in one]
    assert len(found) == 1
    assert problem in found[0]
    assert "t0k" not in found[0]


def test_other_registrations_stay_as_they_are(settings, monkeypatch):
    monkeypatch.setenv("OAUTHREG_FIXED_TOKENS", "my-client=abc")
    assert len([one for one in problems() if "NOT_SET" in one]) == 2
    with AuthorizedClientManager.from_settings(only="my-client") as manager:
        assert manager.authorize("my-client").authorization == "Bearer abc"


def test_a_mapping_of_settings_reads_no_fixed_tokens(settings):
    tables = {
        "registration": {"my-client": {"client-id": "a", "client-secret": "b"}},
        "provider": {"p": {"token-uri": "https://auth.example/token"}},
    }
    with AuthorizedClientManager.from_settings(tables) as manager:
        assert manager._core.fixed_token("my-client") is None


def test_an_override_goes_before_and_reload_reads_them_again(settings, monkeypatch):
    with AuthorizedClientManager.from_settings(only="my-client") as manager:
        manager.override("my-client", "mine")
        assert manager.authorize("my-client").authorization == "Bearer mine"
        manager.override("my-client", None)
        assert manager.authorize("my-client").authorization == "Bearer abc"
        monkeypatch.setenv("OAUTHREG_FIXED_TOKENS", "my-client=def")
        manager.reload()
        assert manager.authorize("my-client").authorization == "Bearer def"


def test_a_dot_env_file_cannot_name_them(settings, monkeypatch):
    monkeypatch.delenv("OAUTHREG_FIXED_TOKENS")
    settings.with_name(".env").write_text("OAUTHREG_FIXED_TOKENS=my-client=abc\n")
    assert "is read from the environment only" in problems(None)[0]
