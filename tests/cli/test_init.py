"""`oauthreg init`: a settings file that loads, and no secret in it."""

from __future__ import annotations

import json
import stat
import tomllib

import pytest
import typer

from oauthreg._cli.new_settings import default_secret_file
from oauthreg._settings.load import load

SECRET = "s3cret-of-the-cli"
ISSUER = ("--issuer-uri", "https://auth.example.com")
KEYCLOAK = ("--type", "keycloak", "--set", "base-url=https://sso.example.com", "--set", "realm=r")
CALLS = {
    "issuer": (*ISSUER, "--scope", "read", "--scope", "write"),
    "token endpoint": ("--token-uri", "https://auth.example.com/token", "--id", "Odd.é"),
    "plugin": KEYCLOAK,
    "public": (*ISSUER, "--public", "--grant", "device_code"),
    "login": (*ISSUER, "--grant", "authorization_code", "--redirect-uri", "https://a.example/cb"),
    "keyring": (*ISSUER, "--secret-ref", "keyring:a/b"),
    "odd words": (*ISSUER, "--provider", "my.own", "--secret-file", "a b.secret"),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_it_writes_loads(oauthreg, tmp_path, name):
    done = oauthreg("init", "--client-id", "orders", *CALLS[name])
    assert (done.returncode, done.stdout) == (0, ""), done
    configuration = load(tmp_path / "settings.toml")
    (registration,) = configuration.registrations.values()
    assert registration.client_id == "orders"
    assert "oauthreg check" in done.stderr
    text = (tmp_path / "settings.toml").read_text()
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("\n#") > 10
    uncommented = "\n".join(
        line.removeprefix("# ") for line in text.splitlines() if "=" in line or "# [" in line
    )
    assert tomllib.loads(uncommented)  # what is commented out is right, too


def test_the_file_for_the_secret_is_for_its_owner_only(oauthreg, tmp_path):
    done = oauthreg("init", "--client-id", "orders", *ISSUER)
    path = tmp_path / "my-client.secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Put the client secret into my-client.secret" in done.stderr


def test_a_secret_that_is_there_stays_as_it_is(oauthreg, tmp_path):
    (tmp_path / "mine.secret").write_text(SECRET)
    done = oauthreg("init", "--client-id", "orders", *ISSUER, "--secret-file", "mine.secret")
    assert done.returncode == 0
    assert (tmp_path / "mine.secret").read_text() == SECRET
    assert SECRET not in (tmp_path / "settings.toml").read_text()


def test_it_asks_for_what_the_flags_do_not_say(oauthreg, tmp_path):
    answers = ["shop", "orders", "https://auth.example.com", "read write", SECRET]
    done = oauthreg("init", stdin="\n".join([*answers, ""]))
    assert done.returncode == 0, done
    (registration,) = load(tmp_path / "settings.toml").registrations.values()
    found = (registration.registration_id, registration.client_id, registration.scopes)
    assert found == ("shop", "orders", ("read", "write"))
    assert registration.client_secrets[0].read().get_secret_value() == SECRET
    assert SECRET not in done.stdout + done.stderr + (tmp_path / "settings.toml").read_text()


def test_without_metadata_it_asks_for_the_token_endpoint(oauthreg, tmp_path):
    answers = ["", "", "", "https://auth.example.com/token", "", ""]
    done = oauthreg("init", stdin="\n".join([*answers, ""]))
    assert done.returncode == 0, done
    (registration,) = load(tmp_path / "settings.toml").registrations.values()
    assert registration.provider.token_uri == "https://auth.example.com/token"
    assert registration.client_id == "my-client"


def test_who_cannot_answer_is_told_of_the_flags(oauthreg, tmp_path):
    done = oauthreg("init", "--client-id", "orders", stdin="")
    assert done.returncode == 2
    assert "--issuer-uri" in done.stderr
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ((*ISSUER, "--grant", "client_credential"), "client_credentials"),
        (("--issuer-uri", "http://auth.example.com"), "https"),
        (("--type", "keycloakk"), "keycloak"),
        ((*ISSUER, "--set", "nothing"), "KEY=VALUE"),
        ((*KEYCLOAK, "--set", "realmm=x"), "realm"),
    ],
)
def test_what_would_not_load_is_not_written(oauthreg, tmp_path, wrong, word):
    done = oauthreg("init", "--client-id", "orders", *wrong)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr
    assert not [*tmp_path.iterdir()]


def test_a_file_that_is_there_is_kept(oauthreg, tmp_path):
    (tmp_path / "settings.toml").write_text("# mine\n")
    done = oauthreg("init", "--client-id", "orders", *ISSUER)
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert (tmp_path / "settings.toml").read_text() == "# mine\n"
    assert oauthreg("init", "--client-id", "orders", *ISSUER, "--replace").returncode == 0


def test_as_json_it_says_what_it_wrote(oauthreg, tmp_path):
    done = oauthreg("init", "--json", "--client-id", "orders", *ISSUER, "-o", "other.toml")
    found = {"ok": True, "id": "my-client", "settings": "other.toml"}
    assert json.loads(done.stdout) == found | {"secret-file": "my-client.secret"}


@pytest.mark.parametrize(
    ("name", "file"),
    [("My_Client", "my-client.secret"), ("a/b", "a-b.secret"), ("..", "client.secret")],
)
def test_the_name_of_the_secrets_file_is_a_plain_one(name, file):
    assert default_secret_file(name) == file


def test_ctrl_c_at_a_question_is_exit_130(oauthreg, tmp_path, monkeypatch):
    def interrupted(*_arguments, **_options):
        abort = typer.Abort()
        abort.__context__ = KeyboardInterrupt()  # as typer's own
        raise abort

    monkeypatch.setattr("typer.prompt", interrupted)
    done = oauthreg("init")
    assert (done.returncode, done.stderr) == (130, "Interrupted.\n")
    assert not [*tmp_path.iterdir()]
