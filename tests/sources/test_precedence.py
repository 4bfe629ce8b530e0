"""Which sources are looked at, and which of two wins."""

from __future__ import annotations

import os
from itertools import combinations

import pytest

SOURCES = ["file", "later file", "profile", "secrets", ".env", "environment", "arguments"]
VARIABLE = "OAUTHREG_REGISTRATION__MY_CLIENT__CLIENT_SECRET"


def said_by(folder, *names):
    """Let the named sources say a client secret, and return what `read` is told."""
    toml = '[registration.my-client]\nclient-secret = "{}"'
    told = {"settings": [], "environ": {}}
    files = {"file": "a.toml", "later file": "b.toml", "profile": "b.prod.toml"}
    for name in ("file", "later file"):
        folder.write(files[name], toml.format(name) if name in names else "")
        told["settings"].append(files[name])
    for name in names:
        match name:
            case "profile":
                folder.write(files[name], toml.format(name))
                told["profile"] = "prod"
            case "secrets":
                folder.write("secrets/registration__my_client__client_secret", f"{name}\n")
                told["secrets_dir"] = "secrets"
            case ".env":
                folder.write("some.env", f"{VARIABLE}={name}")
                told["env_file"] = "some.env"
            case "environment":
                told["environ"] = {VARIABLE: name}
            case "arguments":
                told["arguments"] = {"registration": {"my_client": {"client_secret": name}}}
    return told


@pytest.mark.parametrize(("low", "high"), [*combinations(SOURCES, 2)])
def test_of_two_sources_the_higher_wins(folder, low, high):
    file = str(folder.path / "secrets/registration__my_client__client_secret")
    values = folder.values(**said_by(folder, low, high))
    secret = file if high == "secrets" else high
    assert values == {"registration": {"my-client": {"client-secret": secret}}}


def test_of_all_sources_arguments_win_and_each_is_listed(folder):
    result = folder.read(**said_by(folder, *SOURCES))
    assert result.tree["registration"]["my-client"]["client-secret"].value == "arguments"
    assert result.looked_at == (
        "a.toml",
        "b.toml",
        "b.prod.toml",
        "secrets",
        "some.env",
        "environment OAUTHREG_*",
        "arguments",
    )


@pytest.mark.parametrize("leaf", ["client-secret-file", "client-secret-ref", "client-secrets"])
def test_the_highest_source_that_names_any_alternative_wins_whole(folder, leaf):
    told = said_by(folder, "file")
    told["environ"] = {f"OAUTHREG_REGISTRATION__MY_CLIENT__{leaf.upper().replace('-', '_')}": "x"}
    (leaves,) = folder.read(**told).tree["registration"].values()
    assert {key: said.leaf for key, said in leaves.items()} == {"client-secret": leaf}


def test_lists_replace_and_tables_merge(folder):
    folder.write(
        "a.toml", '[registration.a]\nscope = ["x", "y"]\nparameters = { one = "1", two = "1" }'
    )
    folder.write("b.toml", '[registration.a]\nscope = ["z"]\nparameters = { two = "2" }')
    environ = {"OAUTHREG_REGISTRATION__A__PARAMETERS__three": "3"}
    parameters = {"one": "1", "two": "2", "three": "3"}
    assert folder.values(["a.toml", "b.toml"], environ) == {
        "registration": {"a": {"scope": ["z"], "parameters": parameters}}
    }


def test_the_environment_can_make_a_registration(folder):
    assert folder.values(environ={"OAUTHREG_REGISTRATION__NEW__CLIENT_ID": "x"}) == {
        "registration": {"new": {"client-id": "x"}}
    }


def test_arguments_override_a_dict_too(folder):
    given = {"registration": {"a": {"client-id": "x", "scope": "s"}}}
    arguments = {"registration": {"a": {"client-id": "y"}}}
    result = folder.values(given, arguments=arguments)
    assert result == {"registration": {"a": {"client-id": "y", "scope": "s"}}}


def test_nothing_anywhere_is_no_problem(folder):
    result = folder.read()
    assert result.problems == ()
    assert result.looked_at == (
        "settings.toml (not there)",
        "pyproject.toml (not there)",
        "environment OAUTHREG_*",
    )


def test_the_process_gives_environment_and_directory(folder, monkeypatch):
    from oauthreg._sources import read

    monkeypatch.setenv("OAUTHREG_STORE__TYPE", "memory")
    folder.write("settings.toml", '[registration.a]\nclient-id = "x"')
    tree = read().tree
    assert tree["store"]["type"].value == "memory"
    assert tree["registration"]["a"]["client-id"].origin.base == folder.path


def test_the_default_file_has_a_dot_env_beside_it(folder):
    folder.write("settings.toml", "")
    folder.write(".env", "OAUTHREG_STORE__TYPE=memory")
    assert folder.values() == {"store": {"type": "memory"}}


def test_a_dot_env_lying_about_does_not_reach_a_program_without_a_settings_file(folder):
    folder.write(".env", "OAUTHREG_HTTP__DEFAULT__PROXY=http://evil.example:1")
    environ = {"OAUTHREG_STORE__TYPE": "memory"}
    assert folder.values(environ=environ) == {"store": {"type": "memory"}}


def test_pyproject_is_read_where_there_is_no_settings_file(folder):
    folder.write("pyproject.toml", '[project]\nname = "x"\n[tool.oauthreg.store]\ntype = "memory"')
    folder.write(".env", "OAUTHREG_STORE__URL=x")
    assert folder.values() == {"store": {"type": "memory", "url": "x"}}
    assert folder.values("pyproject.toml") == {"store": {"type": "memory"}}
    folder.write("settings.toml", '[store]\ntype = "sqlite"')
    assert folder.values() == {"store": {"type": "sqlite", "url": "x"}}


@pytest.mark.parametrize("text", ["", "[tool.other]\noauthreg = 1", "this is not TOML"])
def test_a_pyproject_of_somebody_else_is_left_alone(folder, text):
    folder.write("pyproject.toml", text)
    result = folder.read()
    assert result.problems == ()
    assert "pyproject.toml (not there)" in result.looked_at


def test_a_pyproject_that_is_named_must_have_the_table(folder):
    folder.write("pyproject.toml", '[registration.a]\nclient-id = "x"')
    assert folder.problem("pyproject.toml").startswith(
        "pyproject.toml: has no [tool.oauthreg] table\n    Settings in it stand below ["
    )


@pytest.mark.parametrize("name", ["settings.json", "settings.INI", "settings.xml"])
def test_a_file_of_a_format_that_is_not_read_says_so(folder, name):
    folder.write(name, "{}")
    problem = folder.problem(name)
    assert "which settings are not read from" in problem
    assert "Settings are read from TOML, and from Spring's .yml, .yaml and .properties" in problem


def test_settings_that_are_no_path_at_all_are_a_mistake_of_the_caller(folder):
    with pytest.raises(TypeError, match="a path, several paths, a dict, or None"):
        folder.read(5)


def test_files_that_the_environment_names_have_one_too(folder):
    folder.write("etc/a.toml", '[store]\ntype = "a"\nx = 1')
    folder.write("etc/b.toml", '[store]\ntype = "b"')
    folder.write("etc/.env", "OAUTHREG_STORE__Y=2")
    listed = os.pathsep.join(["etc/a.toml", "", "etc/b.toml\n"])
    values = folder.values(environ={"OAUTHREG_SETTINGS": listed})
    assert values == {"store": {"type": "b", "x": 1, "y": "2"}}


@pytest.mark.parametrize("settings", ["a.toml", ["a.toml"], []])
def test_a_dot_env_lying_about_does_not_reach_a_file_that_was_passed(folder, settings):
    folder.write("a.toml", "")
    folder.write(".env", "OAUTHREG_STORE__TYPE=memory")
    assert folder.values(settings) == {}
    named = {"OAUTHREG_ENV_FILE": ".env"}
    assert folder.values(settings, named) == {"store": {"type": "memory"}}


def test_a_path_object_and_a_home_directory_are_paths(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.path))
    path = folder.write("a.toml", '[store]\ntype = "memory"')
    assert folder.values(path) == folder.values("~/a.toml") == {"store": {"type": "memory"}}


def test_the_environment_names_profile_and_secrets_directory(folder):
    folder.write("settings.prod.toml", '[store]\ntype = "memory"')
    folder.write("secrets/STORE__PREFIX", "app")
    environ = {"OAUTHREG_PROFILE": "prod\n", "OAUTHREG_SECRETS_DIR": "\ufeffsecrets "}
    assert folder.values(environ=environ) == {"store": {"type": "memory", "prefix": "app"}}


def test_an_argument_beats_the_environments_word_for_the_same(folder):
    folder.write("settings.test.toml", '[store]\ntype = "memory"')
    values = folder.values(environ={"OAUTHREG_PROFILE": "prod"}, profile="test")
    assert values == {"store": {"type": "memory"}}


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"settings": "no.toml"}, "no.toml: is not there"),
        ({"settings": "no.yml"}, "no.yml: is not there"),
        (
            {"environ": {"OAUTHREG_SETTINGS": "no.toml"}},
            "no.toml (OAUTHREG_SETTINGS): is not there",
        ),
        ({"profile": "prod"}, "settings.prod.toml (profile): is not there"),
        ({"profile": "prod", "settings": []}, "settings.prod.toml (profile): is not there"),
        ({"profile": "../x"}, "settings.../x.toml (profile): is not there"),
        (
            {"environ": {"OAUTHREG_PROFILE": "p"}},
            "settings.p.toml (OAUTHREG_PROFILE): is not there",
        ),
        ({"env_file": "no.env"}, "no.env: is not there"),
        ({"environ": {"OAUTHREG_ENV_FILE": "no"}}, "no (OAUTHREG_ENV_FILE): is not there"),
        ({"secrets_dir": "no"}, "no: is not there"),
        ({"environ": {"OAUTHREG_SECRETS_DIR": "no"}}, "no (OAUTHREG_SECRETS_DIR): is not there"),
    ],
)
def test_what_is_named_must_be_there(folder, told, text):
    assert folder.problem(**told).startswith(f"{text}\n    It was looked for in {folder.path}")


def test_a_profile_without_a_file_names_those_that_have_one(folder):
    folder.write("settings.prod.toml", "")
    folder.write("settings.test.toml", "")
    assert folder.problem(profile="prd").endswith("Did you mean 'settings.prod.toml'?")
    assert folder.problem(profile="xyz-1-2-3-4-5-6-7-8-9-10").endswith(
        "There are: settings.prod.toml, settings.test.toml."
    )
    folder.write("application.yml", "")
    assert "SPRING_PROFILES_ACTIVE" in folder.problem("application.yml", profile="prod")


def test_a_file_is_read_from_its_own_table_alone(folder):
    folder.write("settings.toml", '[tool]\nx = 1\n[oauthreg.store]\ntype = "memory"')
    result = folder.read()
    assert result.problems == ()
    assert result.tree["store"]["type"].origin.key == "oauthreg.store.type"
    folder.write("settings.toml", "oauthreg = 1")
    assert folder.problem() == "oauthreg (settings.toml line 1): must be a table"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a = ", "settings.toml: is not valid TOML: Invalid value (at end of document)"),
        (b"a = 1\nb c", "settings.toml line 2, column 3: is not valid TOML: Expected '='"),
        (
            b"[registration.a]\nclient-id = orders",
            'is not valid TOML: Invalid value\n    Text stands in quotes: client-id = "...".',
        ),
        (b" " * 1_050_000, "settings.toml: cannot be read: Larger than 1024 KiB"),
        (b"a = '\xff'", "settings.toml: is not UTF-8 text"),
        (b"a = " + b"[" * 5000, "settings.toml: is not usable TOML"),
        (b"a = " + b"9" * 5000, "settings.toml: is not usable TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_problem(folder, content, text):
    (folder.path / "settings.toml").write_bytes(content)
    assert text in folder.problem()
    assert folder.read().looked_at[0] == "settings.toml (not usable)"


def test_a_directory_or_an_impossible_path_is_a_problem(folder):
    (folder.path / "settings.toml").mkdir()
    assert folder.problem() == "settings.toml: cannot be read: Is a directory"
    assert "cannot be read: Not the path of a file" in folder.problem("a\0b")


def test_a_pipe_or_a_device_is_refused_at_once(folder):
    os.mkfifo(folder.path / "pipe.toml")
    assert folder.problem("pipe.toml") == "pipe.toml: cannot be read: Not a regular file"
    assert folder.problem("/dev/zero") == "/dev/zero: cannot be read: Not a regular file"


def test_a_byte_order_mark_is_no_part_of_the_settings(folder):
    (folder.path / "settings.toml").write_bytes(b'\xef\xbb\xbf[store]\ntype = "memory"')
    assert folder.values() == {"store": {"type": "memory"}}


def test_problems_of_all_sources_are_collected(folder):
    folder.write("settings.toml", "registrations = 1")
    folder.write(".env", "OAUTHREG_SOMETHING=1")
    result = folder.read(environ={"OAUTHREG_X": "1"}, profile="no")
    assert len(result.problems) == 4
    assert not result.complete
