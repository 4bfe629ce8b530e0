"""`oauthreg token`: a token on stdout, everything else on stderr, and an exit code."""

from __future__ import annotations

import pytest

from oauthreg.testing import Fault

SECRET = "s3cret-of-the-cli"


def test_prints_the_bare_token(program, server, settings):
    done = program("token", "my-client")
    (token,) = server.tokens
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{token.value}\n", "")


def test_prints_the_header(oauthreg, server, settings):
    done = oauthreg("token", "my-client", "--header")
    assert done.stdout == f"Authorization: Bearer {server.tokens[0].value}\n"


def test_reads_the_files_it_is_told_to_in_order(oauthreg, server, settings, tmp_path):
    over = tmp_path / "over.toml"
    over.write_text('[registration.my-client]\nscope = "write"\n')
    done = oauthreg("token", "my-client", "--settings", settings, "--settings", over)
    assert done.returncode == 0
    assert server.tokens[0].scope == "write"


def test_reads_a_profile_and_a_named_env_file(oauthreg, server, settings, tmp_path):
    (tmp_path / "settings.test.toml").write_text('[registration.my-client]\nscope = "write"\n')
    env_file = tmp_path / "the.env"
    env_file.write_text("OAUTHREG_REGISTRATION__MY_CLIENT__AUDIENCE=https://api.example\n")
    done = oauthreg("token", "my-client", "--profile", "test", "--env-file", env_file)
    assert done.returncode == 0
    assert server.tokens[0].scope == "write"
    assert ("audience", "https://api.example") in [*server.last_token_request.form]


def test_the_environment_overrides_the_file(oauthreg, server, settings):
    done = oauthreg("token", "my-client", OAUTHREG_REGISTRATION__MY_CLIENT__SCOPE="write")
    assert done.returncode == 0
    assert server.tokens[0].scope == "write"


def test_asks_for_what_the_options_say(oauthreg, server, settings):
    wanted = ("--scope", "read", "--scope", "write", "--audience", "a", "--resource", "urn:b")
    done = oauthreg("token", "my-client", *wanted)
    assert done.returncode == 0
    form = [*server.last_token_request.form]
    assert [pair for pair in form if pair[0] in {"scope", "audience", "resource"}] == [
        ("scope", "read write"),
        ("audience", "a"),
        ("resource", "urn:b"),
    ]


def test_a_refusal_is_exit_1_and_says_why_once(oauthreg, server, settings):
    server.change_secret("my-client", "another")
    done = oauthreg("token", "my-client")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("invalid_client") == 1
    assert SECRET not in done.stderr


def test_a_user_who_has_not_logged_in_is_exit_1(oauthreg, login_settings):
    login_settings()
    done = oauthreg("token", "web", "--principal", "alice")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nobody has logged in as 'alice'" in done.stderr
    assert "`oauthreg login`" in done.stderr


def test_whoever_names_no_user_is_told_how(oauthreg, login_settings):
    login_settings()
    done = oauthreg("token", "web")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--principal" in done.stderr
    assert "registration.web.principal" in done.stderr


def test_an_outage_is_exit_1_and_says_that_it_may_pass(oauthreg, server, settings):
    server.stop()
    done = oauthreg("token", "my-client")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Asking again later may help." in done.stderr


def test_it_waits_no_longer_than_it_is_told_to(oauthreg, server, settings):
    server.inject(Fault(hang=True))
    done = oauthreg("token", "my-client", "--timeout", "0.2")
    assert (done.returncode, done.stdout) == (1, "")
    assert "within 0.2 s" in done.stderr


def test_an_unknown_registration_is_exit_2_with_advice(oauthreg, settings):
    done = oauthreg("token", "my-clint")
    assert (done.returncode, done.stdout) == (2, "")
    assert "configured: my-client" in done.stderr
    assert "Did you mean 'my-client'?" in done.stderr


def test_all_problems_are_told_each_in_a_block(oauthreg, settings):
    settings.write_text(
        """
[registration.one]
provider = "nobody"
client-id = "one"
client-secret = "s3cret-of-the-cli"

[registration.two]
client-idd = "two"
client-id = "two"
client-secret = "s3cret-of-the-cli"

[provider.my-provider]
token-uri = "https://auth.example.com/token"
"""
    )
    done = oauthreg("token", "one")
    assert (done.returncode, done.stdout) == (2, "")
    head, first, second = done.stderr.strip().split("\n\n")
    assert head == "2 problems in the settings:"
    assert first.startswith("registration.one.provider: ")
    assert second.splitlines() == [
        "registration.two.client-idd: there is no such setting",
        "    in settings.toml line 8",
        "    Did you mean 'client-id'?",
    ]
    assert SECRET not in done.stderr


def test_only_leaves_the_problems_of_others_aside(oauthreg, server, settings):
    with settings.open("a") as file:
        file.write('\n[registration.broken]\nclient-idd = "x"\n')
    assert oauthreg("token", "my-client").returncode == 2
    assert oauthreg("token", "my-client", "--only").returncode == 0


@pytest.mark.parametrize(
    "wrong", [["--nope"], [], ["my-client", "--timeout", "soon"], ["my-client", "--timeout", "0"]]
)
def test_a_wrong_call_is_exit_2(oauthreg, settings, wrong):
    done = oauthreg("token", *wrong)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_a_missing_file_is_exit_2(oauthreg, tmp_path):
    done = oauthreg("token", "my-client", "--settings", "gone.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "gone.toml: is not there" in done.stderr
