"""What every command takes and does alike: where options stand, JSON, failures, pipes, help."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest
import typer

from oauthreg._cli import main
from oauthreg._cli.app import Commands, app
from oauthreg._cli.common import failures_reported
from oauthreg._cli.exits import EXIT_CODES
from oauthreg._cli.options import CommonOptions
from oauthreg._errors import PluginError, StoreError

SECRET = "s3cret-of-the-cli"


def names(*arguments, run):
    return [one["id"] for one in json.loads(run(*arguments).stdout)]


@pytest.fixture
def other(settings, tmp_path):
    """Another settings file, of one registration `other`."""
    path = tmp_path / "other.toml"
    path.write_text(settings.read_text().replace("registration.my-client", "registration.other"))
    return path


@pytest.mark.parametrize("before", [True, False])
def test_options_stand_before_the_command_or_after_it(oauthreg, settings, other, before):
    (other.parent / "other.test.toml").write_text('[registration.other]\naudience = "a"\n')
    (other.parent / "the.env").write_text("OAUTHREG_REGISTRATION__OTHER__SCOPE=write\n")
    secrets = other.parent / "secrets"
    secrets.mkdir()
    (secrets / "REGISTRATION__OTHER__CLIENT_ID").write_text("by-secrets-dir")
    given = ["--settings", other, "--profile", "test", "--env-file", other.parent / "the.env"]
    given += ["--secrets-dir", secrets, "--json"]
    done = oauthreg(*given, "list") if before else oauthreg("list", *given)
    (row,) = json.loads(done.stdout)
    found = (row["id"], row["audience"], row["scopes"], row["client-id"])
    assert found == ("other", "a", ["write"], "by-secrets-dir")


def test_an_option_after_the_command_overrides_the_one_before(oauthreg, settings, other):
    found = names("--json", "-s", settings, "list", "-s", other, run=oauthreg)
    assert found == ["other"]


def test_options_reach_a_command_of_a_group(oauthreg, tmp_path):
    path = tmp_path / "sql.toml"
    path.write_text('[store]\ntype = "sql"\nurl = "postgresql://h/d"\nencryption = "off"\n')
    assert "CREATE TABLE" in oauthreg("-s", path, "store", "schema").stdout


def test_a_failure_as_json_stands_on_stdout_with_its_problems(oauthreg, settings):
    text = settings.read_text().replace("client-id =", "client-idd =")
    settings.write_text(text)
    done = oauthreg("token", "my-client", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (2, False)
    problem = found["error"]["problems"][0]
    assert problem["path"] == "registration.my-client.client-idd"
    assert problem["remedy"] == "Did you mean 'client-id'?"
    assert "1 problem" in done.stderr


def test_a_refusal_as_json_says_the_class_and_the_code(oauthreg, server, settings):
    server.change_secret("my-client", "another")
    done = oauthreg("--json", "token", "my-client")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["type"]) == (1, "TokenEndpointError")
    assert (error["error"], error["retryable"]) == ("invalid_client", False)
    assert SECRET not in done.stdout


def test_without_any_settings_it_says_where_it_looked_and_what_makes_some(oauthreg):
    done = oauthreg("token", "my-client")
    assert (done.returncode, done.stdout) == (2, "")
    assert "settings.toml (not there)" in done.stderr
    assert "oauthreg init" in done.stderr


def test_a_misspelt_command_is_exit_2_with_advice(oauthreg):
    done = oauthreg("tokn", "my-client")
    assert done.returncode == 2
    assert "Did you mean 'token'?" in done.stderr
    assert "There are: " in oauthreg("qqqq").stderr


@pytest.mark.parametrize(("error", "code"), [(StoreError("gone"), 1), (PluginError("gone"), 2)])
def test_each_class_of_error_has_its_exit_code(error, code, capsys):
    with pytest.raises(typer.Exit) as ended, failures_reported():
        raise error
    assert ended.value.exit_code == code
    assert code in EXIT_CODES
    assert capsys.readouterr().err == "gone\n"


def test_ctrl_c_ends_any_command_with_130(oauthreg, monkeypatch, settings):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(CommonOptions, "configuration", interrupted)
    done = oauthreg("list")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_ctrl_c_while_a_command_is_imported_is_130_too(oauthreg, monkeypatch):
    def interrupted(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(Commands, "get_command", interrupted)
    assert oauthreg("list").returncode == 130


def test_a_reader_that_went_away_is_exit_141_without_a_word(environment, settings):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "oauthreg._cli", "list"],
        cwd=settings.parent,
        env=environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("shell", "code", "words"),
    [
        ("cd gone && rmdir ../gone && {0} list --settings {1}", 0, ""),
        ("cd gone && rmdir ../gone && {0} list --settings other.toml", 2, "is not there"),
        ("{0} introspect my-client - <&-", 2, "there is no token on stdin"),
    ],
)
def test_no_place_is_too_odd_to_end_without_a_traceback(environment, settings, shell, code, words):
    (settings.parent / "gone").mkdir()
    command = f'"{sys.executable}" -m oauthreg._cli'
    done = subprocess.run(
        ["sh", "-c", shell.format(command, settings)],
        cwd=settings.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "fault" not in done.stderr


def test_a_full_disk_is_reported(monkeypatch, capsys):
    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("oauthreg._cli.app.app", full)
    monkeypatch.setattr("oauthreg._cli.common.drop_output", lambda: None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "The output cannot be written: No space left on device.\n"


def test_without_stdout_and_with_an_ascii_terminal_it_ends_well(environment, settings):
    command = f'"{sys.executable}" -m oauthreg._cli list'
    for shell in (f"{command} >&-", f"PYTHONIOENCODING=ascii {command}"):
        done = subprocess.run(
            ["sh", "-c", shell],
            cwd=settings.parent,
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_help_is_shown_without_importing_what_commands_need(environment):
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from oauthreg._cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'pydantic', 'requests', 'joserfc', 'httpx2', 'rich.console'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", Commands.rows)
def test_the_summary_of_a_command_is_the_first_line_of_its_help(name):
    found = typer.main.get_command(app).get_command(None, name)
    assert Commands.rows[name].summary == found.help.partition("\n")[0]


def test_the_shell_completes_ids(oauthreg, settings, other):
    variables = {"_OAUTHREG_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    found = oauthreg(COMP_WORDS="oauthreg token my", **variables)
    assert found.stdout.split() == ["my-client"]
    variables["COMP_CWORD"] = "4"
    found = oauthreg(COMP_WORDS=f"oauthreg token -s {other} ot", **variables)
    assert found.stdout.split() == ["other"]


@pytest.mark.parametrize(
    "options",
    [
        ["--scope", 'a"b'],
        ["--resource", "no-address"],
        ["--principal", ""],
        ["--audience", ""],
    ],
)
def test_an_option_of_a_wrong_kind_is_exit_2(oauthreg, settings, options):
    done = oauthreg("token", "my-client", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"the option {options[0][2:]} must be" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_id_that_is_no_text_is_exit_2(oauthreg, settings):
    done = oauthreg("token", "\udcff")
    assert done.returncode == 2
    assert "surrogate" in done.stderr


def test_the_shell_completes_nothing_where_settings_cannot_be_read(oauthreg, tmp_path):
    variables = {"_OAUTHREG_COMPLETE": "complete_bash", "COMP_CWORD": "4"}
    done = oauthreg(COMP_WORDS=f"oauthreg token -s {tmp_path}/gone.toml a", **variables)
    assert done.stdout.split() == []
