"""Settings said one by one: the environment, a .env file, a secrets directory."""

from __future__ import annotations

import os

import pytest

R = "OAUTHREG_REGISTRATION__A__"


def test_names_are_taken_apart_and_values_are_text(folder):
    environ = {
        "OAUTHREG_REGISTRATION__MY_CLIENT__CLIENT_ID": "0123",
        "OAUTHREG_PROVIDER__P__TOKEN_URI": "https://as/token",
        "OAUTHREG_HTTP__DEFAULT__READ_TIMEOUT": "3",
        "OAUTHREG_STORE__TYPE": "true",
        "OAUTHREG_DEFAULTS__HEADERS__X-Tenant": "[not JSON]",
        "OTHER": "1",
        "REGISTRATION__A__B": "1",
    }
    assert folder.values(environ=environ) == {
        "registration": {"my-client": {"client-id": "0123"}},
        "provider": {"p": {"token-uri": "https://as/token"}},
        "http": {"default": {"read-timeout": "3"}},
        "store": {"type": "true"},
        "defaults": {"headers": {"X-Tenant": "[not JSON]"}},
    }


@pytest.mark.parametrize("leaf", ["SCOPE", "RESOURCE", "URLS", "AUTHORIZATION_DETAILS"])
def test_lists_may_be_json(folder, leaf):
    values = folder.values(environ={R + leaf: ' ["a", "b"]'})
    assert list(values["registration"]["a"].values()) == [["a", "b"]]


def test_lists_may_be_text_and_other_leaves_are_never_json(folder):
    environ = {R + "SCOPE": "a b", R + "CLIENT_SECRET": '{"a": 1}', R + "CLIENT_ID": "[x"}
    leaves = {"scope": "a b", "client-secret": '{"a": 1}', "client-id": "[x"}
    assert folder.values(environ=environ) == {"registration": {"a": leaves}}


def test_tables_are_json_or_said_by_key_in_the_users_own_spelling(folder):
    environ = {
        R + "PARAMETERS": '{"One": "1"}',
        R + "PARAMETERS__Two_2": "2",
        R + "PARAMETERS__a__b": "3",
    }
    result = folder.read(environ=environ)
    entries = result.tree["registration"]["a"]["parameters"]
    said = {key: (entry.value, entry.origin.name) for key, entry in entries.items()}
    assert said == {
        "One": ("1", R + "PARAMETERS"),
        "Two_2": ("2", R + "PARAMETERS__Two_2"),
        "a__b": ("3", R + "PARAMETERS__a__b"),
    }


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({R + "SCOPE": '["s3cr3t'}, f"registration.a.scope (environment variable {R}SCOPE): "),
        ({R + "SCOPE": "[" * 100_000}, "begins like JSON, but is not valid"),
        ({R + "HEADERS": "s3cr3t"}, "registration.a.headers"),
        ({R + "HEADERS": '["s3cr3t"]'}, "must be a table of names and values"),
        ({R + "HEADERS": '{"a": "1"}', R + "HEADERS__a": "2"}, "registration.a.headers.a"),
        ({R + "CLIENT_ID": "1", R.lower() + "client_id": "2"}, "is set twice, by OAUTHREG_"),
        ({R + "CLIENT_SECRET": "1", R + "CLIENT_SECRET_FILE": "2"}, "client-secret-file stand"),
    ],
)
def test_contradictions_and_bad_json_are_problems_naming_the_variable(folder, environ, text):
    problem = folder.problem(environ=environ)
    assert text in problem
    assert R in problem
    assert "s3cr3t" not in problem


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("OAUTHREG_SETTING", "Did you mean OAUTHREG_SETTINGS?"),
        ("OAUTHREG_PROFIL", "Did you mean OAUTHREG_PROFILE?"),
        ("oauthreg_settings", "Did you mean OAUTHREG_SETTINGS?"),
        ("OAUTHREG_REGISTRATION__A", "Did you mean OAUTHREG_REGISTRATION__<ID>__<SETTING>?"),
        ("OAUTHREG_REGISTRATIONS__A__B", "Did you mean OAUTHREG_REGISTRATION__<ID>__<SETTING>?"),
        ("OAUTHREG_REGISTRATION_A_B", "Did you mean OAUTHREG_REGISTRATION__<ID>__<SETTING>?"),
        ("OAUTHREG_REGISTRATION____B", "Did you mean OAUTHREG_REGISTRATION__<ID>__<SETTING>?"),
        ("OAUTHREG_REGISTRATION__A__CLIENT__ID", "Did you mean OAUTHREG_REGISTRATION__<ID>"),
        ("OAUTHREG_REGISTRATION__A__HEADERS__", "Did you mean OAUTHREG_REGISTRATION__<ID>"),
        ("OAUTHREG_PROVDER__A__B", "Did you mean OAUTHREG_PROVIDER__<ID>__<SETTING>?"),
        ("OAUTHREG_STORE", "Did you mean OAUTHREG_STORE__<SETTING>?"),
        ("OAUTHREG_QQQQ", "Known: OAUTHREG_SETTINGS, OAUTHREG_PROFILE,"),
    ],
)
def test_an_unknown_name_is_a_problem_with_a_suggestion(folder, name, meant):
    text = f"environment variable {name}: is not the name of a setting\n    {meant}"
    assert folder.problem(environ={name: "s3cr3t"}).startswith(text)
    folder.write("some.env", f"{name}=s3cr3t")
    said = folder.problem(env_file="some.env")
    assert said.startswith(f"{name} (some.env line 1): is not the name of a setting")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OAUTHREG_REGISTRATION__\udcff__CLIENT_ID", "x"),
        ("OAUTHREG_REGISTRATION__A__SCOPE", "s3cr3t\udcff"),
    ],
)
def test_a_variable_that_is_no_text_is_a_problem(folder, name, value):
    shown = name.replace("\udcff", "\\udcff")
    problem = folder.problem(environ={name: value})
    assert problem == f"environment variable {shown}: is not UTF-8 text"


def test_an_empty_value_counts_as_unset(folder):
    folder.write(
        "some.env", "OAUTHREG_STORE__TYPE=\nOAUTHREG_NOTHING\nOAUTHREG_REGISTRATION__A__SCOPE="
    )
    folder.write("secrets/store__type", "\n")
    folder.write("secrets/registration__a__client_secret", "\ufeff\r\n")
    environ = {"OAUTHREG_STORE__TYPE": " ", "OAUTHREG_SETTINGS": "", "OAUTHREG_WRONG": "\u200b"}
    assert folder.values([], environ, env_file="some.env", secrets_dir="secrets") == {}


def test_a_dot_env_is_read_without_interpolation_and_its_last_word_counts(folder):
    folder.write(
        "some.env",
        """
        # a comment
        OTHER=1
        export OAUTHREG_STORE__TYPE='a b'
        OAUTHREG_STORE__URL=first
        OAUTHREG_STORE__URL=${OTHER}
        """,
    )
    assert folder.values(env_file="some.env") == {"store": {"type": "a b", "url": "${OTHER}"}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "\nOAUTHREG_SETTINGS=x",
            "OAUTHREG_SETTINGS (.env line 2): is read from",
        ),
        ("A=1\nOAUTHREG_STORE__TYPE='s3cr3t", ".env line 2: has a line that is not NAME="),
    ],
)
def test_what_a_dot_env_may_not_say(folder, text, problem):
    folder.write(".env", text)
    assert folder.problem(env_file=".env").startswith(problem)


def test_a_broken_line_about_something_else_is_not_looked_at(folder):
    folder.write(".env", "OTHER='no end\nOAUTHREG_STORE__TYPE=memory")
    assert folder.values(env_file=".env") == {"store": {"type": "memory"}}


def test_a_secrets_directory_says_one_setting_per_file_in_any_case(folder):
    secret = folder.write("s/registration__my_client__CLIENT_SECRET", "a-secret\r\n")
    folder.write("s/REGISTRATION__MY_CLIENT__SCOPE", '["a"]\n')
    folder.write("s/registration__my_client__parameters__Key", "v")
    folder.write("s/db_password", "other")
    folder.write("s/db__password", "other")
    folder.write("s/..data/registration__x__client_id", "no file of the directory itself")
    result = folder.read(secrets_dir="s")
    assert result.problems == ()
    leaves = result.tree["registration"]["my-client"]
    assert leaves["client-secret"].leaf == "client-secret-file"
    assert leaves["client-secret"].value == str(secret)
    assert leaves["scope"].value == ["a"]
    assert leaves["parameters"]["Key"].value == "v"
    assert leaves["scope"].origin.name == str(folder.path / "s/REGISTRATION__MY_CLIENT__SCOPE")
    assert leaves["scope"].origin.base == folder.path / "s"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OAUTHREG_STORE__TYPE", "must not begin with OAUTHREG_\n    Call it STORE__TYPE."),
        ("registration__a", "is not the name of a setting"),
    ],
)
def test_a_misnamed_secrets_file_is_a_problem(folder, name, text):
    path = folder.write(f"s/{name}", "s3cr3t")
    problem = folder.problem(secrets_dir="s")
    assert f"secrets file {path.relative_to(folder.path)}" in problem
    assert text in problem


def test_a_secrets_file_or_directory_that_cannot_be_read_is_a_problem(folder):
    path = folder.write("s/store__type", "")
    path.write_bytes(b"\xff")
    assert folder.problem(secrets_dir="s").startswith("s/store__type: is not UTF-8 text")
    assert folder.problem(secrets_dir="s/store__type") == (
        "s/store__type: cannot be read: Not a directory"
    )


@pytest.mark.parametrize("service", ["", "TEST_SERVER_"])
def test_what_kubernetes_sets_for_a_service_of_our_name_is_left_alone(folder, service):
    address = "tcp://10.0.0.1:8080"
    environ = {
        "SERVICE_HOST": "10.0.0.1",
        "SERVICE_PORT": "8080",
        "SERVICE_PORT_HTTP": "8080",
        "PORT": address,
        "PORT_8080_TCP": address,
        "PORT_8080_TCP_PROTO": "tcp",
        "PORT_8080_TCP_PORT": "8080",
        "PORT_8080_TCP_ADDR": "10.0.0.1",
        "PORT_53_UDP": "udp://10.0.0.1:53",
    }
    named = {f"OAUTHREG_{service}{name}": text for name, text in environ.items()}
    assert folder.values(environ=named) == {}


def test_a_port_that_kubernetes_did_not_set_is_no_setting(folder):
    assert "is not the name of a setting" in folder.problem(environ={"OAUTHREG_PORT": "x"})


def test_a_credential_of_a_secrets_directory_may_be_large_or_binary_until_it_is_read(folder):
    """Its file is what the setting holds, so that only its reader judges it."""
    folder.write("s/REGISTRATION__A__PRIVATE_KEY", "").write_bytes(b"\xff\x00")
    folder.write("s/REGISTRATION__A__PASSWORD", "p" * 70_000)
    result = folder.read([], secrets_dir="s")
    assert result.tree["registration"]["a"]["private-key"].leaf == "private-key-file"
    (problem,) = result.problems
    assert "PASSWORD: cannot be read: Larger than 64 KiB" in str(problem).replace("\n", " ")


def test_invisible_characters_at_the_ends_of_values_are_dropped_in_every_source(folder):
    folder.write(
        "a.toml",
        """
        [registration.a]
        client-id = " \\uFEFFid\\n"
        scope = ["read\\r\\n", "\\u00A0write"]
        parameters = { Key = "x\\u200B" }
        """,
    )
    environ = {"OAUTHREG_REGISTRATION__A__AUDIENCE": "\ufeffapi\n"}
    assert folder.values("a.toml", environ) == {
        "registration": {
            "a": {
                "client-id": "id",
                "scope": ["read", "write"],
                "parameters": {"Key": "x"},
                "audience": "api",
            }
        }
    }


def test_what_is_named_like_a_setting_and_is_no_file_is_a_problem(folder):
    (folder.path / "s").mkdir()
    os.mkfifo(folder.path / "s/REGISTRATION__A__CLIENT_ID")
    (folder.path / "s/REGISTRATION__A__CLIENT_SECRET").symlink_to("nowhere")
    first, second = map(str, folder.read([], secrets_dir="s").problems)
    assert first.endswith("CLIENT_ID: cannot be read: Not a regular file")
    assert second.endswith("CLIENT_SECRET: cannot be read: No such file or directory")
