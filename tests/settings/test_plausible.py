"""Values that nobody can have meant are refused at load, with what to write instead."""

from __future__ import annotations

import pytest

PROVIDER = '[provider.p]\ntoken-uri = "https://sso.example.com/token"\n'
ID = 'client-id = "id"\n'
GOOD = f'{ID}client-secret = "a-secret"\n'


@pytest.fixture
def problem(problems):
    """Return the one problem of a registration."""

    def problem(text):
        (found,) = problems(f"[registration.a]\n{text}\n{PROVIDER}").values()
        return found

    return problem


@pytest.mark.parametrize(
    "value", ["${NAME}", "a-${NAME}", "${NAME:-x}", "{{ NAME }}", "$(NAME)", "%NAME%", "$NAME"]
)
@pytest.mark.parametrize("leaf", ["client-secret", "password", "refresh-token", "private-key"])
def test_a_credential_is_never_a_placeholder(problem, leaf, value):
    secret = "" if leaf == "client-secret" else 'client-secret = "s"\n'
    found = problem(f'{ID}{secret}{leaf} = "{value}"')
    assert "has a placeholder for NAME" in found.message
    assert found.remedy == f'Write {leaf}-ref = "env:NAME".'


@pytest.mark.parametrize(
    "line",
    [
        'audience = "https://{tenant}.example.com"',
        'audience = "<audience>"',
        'scope = ["read", "<scope>"]',
        'username = "<name>"',
        'parameters = { tenant = "${TENANT}" }',
        'headers = { X-Tenant = "{{ tenant }}" }',
        'redirect-uri = "https://<host>/callback"',
    ],
)
def test_nothing_that_is_sent_is_a_placeholder(problem, line):
    key = line.partition(" ")[0]
    assert problem(f"{GOOD}{line}").path.startswith(f"registration.a.{key}")


@pytest.mark.parametrize(
    "line",
    [
        "parameters = { claims = '{\"id_token\": {}}' }",
        'headers = { X-Pattern = "{id}" }',
        'client-name = "<b>Shop</b> {x}"',
        'scope = "patient/*.rs?category={x}"',
        'username = "a<b>c"',
        'client-secrets = ["p$ss{w}ord<x>", "100%ok%", "a:b", "$ecret"]',
    ],
)
def test_what_may_be_a_value_is_one(loaded, line):
    secret = "" if "client-secrets" in line else 'client-secret = "s"\n'
    assert loaded(f"[registration.a]\n{ID}{secret}{line}\n{PROVIDER}").entries


@pytest.mark.parametrize("char", [r"\n", r"\t", r"\u0007", r"\u200b", r"\u00a0"])
@pytest.mark.parametrize("leaf", ["client-id", "client-secret", "audience", "key-id"])
def test_what_nobody_sees_stands_in_no_id_secret_or_audience(problem, leaf, char):
    lines = {"client-id": "id", "client-secret": "s"} | {leaf: f"a{char}b"}
    found = problem("".join(f'{key} = "{value}"\n' for key, value in lines.items()))
    assert found.path == f"registration.a.{leaf}"
    assert found.message.startswith("must not have ")


def test_a_blank_may_stand_in_a_password_and_in_a_client_id_but_in_no_key_id(loaded, problem):
    allow = 'authorization-grant-type = "password"\nallow-insecure-grants = true\nusername = "u"\n'
    client = 'client-id = "a b"\nclient-secret = "s"\n'
    text = f'[registration.a]\n{client}{allow}password = "correct horse"\n{PROVIDER}'
    registration = loaded(text).entries["a"].registration
    assert registration.password.read().get_secret_value() == "correct horse"
    assert registration.client_id == "a b"
    assert "must not have a blank in it" in problem(f'{client}key-id = "a b"').message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("read, write", ("read", "write")),
        ("read ,write", ("read", "write")),
        ("read\nwrite\n", ("read", "write")),
        ("read,\nwrite,", ("read", "write")),
        ("read,write", ("read", "write")),
        ("a,b c", ("a,b", "c")),
    ],
)
def test_scopes_are_written_in_many_ways(loaded, written, meant):
    text = f'[registration.a]\n{GOOD}scope = """{written}"""\n{PROVIDER}'
    assert loaded(text).entries["a"].registration.scopes == meant


@pytest.mark.parametrize("name", ["client-secret-basic", "CLIENT_SECRET_POST", "Private-Key-JWT"])
def test_a_methods_case_and_hyphens_make_no_difference(loaded, tmp_path, name):
    line = f'client-authentication-method = "{name}"'
    (tmp_path / "assertion").write_text("a.b.c")
    text = f'[registration.a]\n{GOOD}assertion-file = "assertion"\n{line}\n{PROVIDER}'
    method = loaded(text).entries["a"].registration.client_authentication_method
    assert method == name.lower().replace("-", "_")


@pytest.mark.parametrize("path", ["~/secret", "~nobody-of-this-name/secret"])
def test_a_home_folder_that_is_not_there_is_a_problem(problem, monkeypatch, path):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _uid: (_ for _ in ()).throw(KeyError))
    found = problem(f'{ID}client-secret-file = "{path}"')
    assert found.path == "registration.a.client-secret-file"


def test_a_client_id_with_a_colon_cannot_be_sent_raw(problem):
    found = problem('client-id = "urn:a"\nclient-secret = "s"\nbasic-encoding = "raw"')
    assert found.path == "registration.a.basic-encoding"
    assert "RFC 7617" in found.message
