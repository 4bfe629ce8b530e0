"""`oauthreg list`: what is configured and why, and never a secret."""

from __future__ import annotations

import io
import json
import os
import re
import sys

import pytest
from joserfc.jwk import ECKey

from oauthreg._cli.app import app
from oauthreg._secret_values import MASK

SECRET = "s3cret-of-the-cli"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
FLEET = f"""
[registration.literal]
client-id = "a"
client-secret = "{SECRET}"
scope = ["read", "[bold]write"]
audience = "https://api.example"

[registration.company]
client-id = "b"
client-secret-file = "b.secret"

[registration.reference]
provider = "company"
client-id = "c"
client-secret-ref = "env:SECRET_OF_C"
client-authentication-method = "client_secret_post"

[registration.public]
provider = "company"
client-id = "d"
client-authentication-method = "none"

[provider.company]
issuer-uri = "https://auth.example.com"
"""
KEYS = """
[registration.signing]
client-id = "a"
private-key-file = "key.pem"
[provider.company]
token-uri = "https://auth.example.com/token"
[defaults]
client-authentication-method = "none"
"""


@pytest.fixture(scope="module")
def keys():
    """A private key in PEM."""
    return ECKey.generate_key("P-256").as_pem(private=True).decode()


@pytest.fixture
def fleet(tmp_path):
    (tmp_path / "settings.toml").write_text(FLEET)
    (tmp_path / "b.secret").write_text(SECRET)
    return {"SECRET_OF_C": SECRET}


@pytest.fixture
def here(oauthreg, monkeypatch):
    """`here(stream, variables)`: run `oauthreg list` in this process, onto a stream; exit code."""

    def run(stream, variables):
        monkeypatch.setattr(sys, "stdout", stream)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            app(["list"])
        stream.flush()
        return ended.value.code

    return run


def test_shows_a_row_per_registration_with_the_rule_of_its_provider(oauthreg, fleet):
    done = oauthreg("list", **fleet)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in done.stdout.splitlines()
        if line.startswith("│")
    ]
    by_id = {row[0]: row[1:] for row in rows}
    assert [*by_id] == ["literal", "company", "reference", "public"]
    assert by_id["literal"] == [
        *("client_credentials", "https://auth.example.com"),
        *(f"client-secret {MASK} in settings.toml line 4", "settings.toml line 2"),
        *("company", "the only provider configured", "generic", "as the server says"),
        *("read [bold]write", "https://api.example"),
    ]
    assert by_id["company"][2] == "client-secret-file b.secret in settings.toml line 10"
    assert by_id["company"][5] == "named like the registration"
    assert by_id["reference"][2] == "client-secret-ref env:SECRET_OF_C in settings.toml line 15"
    assert by_id["reference"][5:8] == ["named by the registration", "generic", "client_secret_post"]
    assert (by_id["public"][2], by_id["public"][7]) == ("none", "none")
    assert done.stdout.endswith("\n4 registrations, and no problem in the settings.\n")


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_never_shows_a_secret(oauthreg, fleet, how):
    done = oauthreg("list", *how, **fleet)
    assert SECRET not in done.stdout + done.stderr
    assert MASK in done.stdout


def test_json_is_for_programs(oauthreg, fleet):
    done = oauthreg("list", "--json", **fleet)
    first = json.loads(done.stdout)[0]
    assert first == {
        "id": "literal",
        "provider": "company",
        "plugin": "generic",
        "chosen-by": "the only provider configured",
        "grant": "client_credentials",
        "method": None,
        "client-id": "a",
        "secrets": [MASK],
        "secrets-said-in": "settings.toml line 4",
        "scopes": ["read", "[bold]write"],
        "audience": "https://api.example",
        "issuer-uri": "https://auth.example.com",
        "token-uri": None,
        "credentials": [
            {"setting": "client-secret", "value": MASK, "source": "settings.toml line 4"}
        ],
        "source": "settings.toml line 2",
        "http": "default",
        "urls": [],
        "redirect-uri": None,
    }


def test_says_which_source_a_secret_is_of(oauthreg, fleet):
    name = "OAUTHREG_REGISTRATION__PUBLIC__CLIENT_SECRET"
    done = oauthreg("list", **fleet, **{name: SECRET})
    assert f"{MASK} in environment variable {name}" in done.stdout
    assert "settings.toml line 18, environment │" in done.stdout


def test_says_the_token_endpoint_and_the_keys_of_who_has_them(oauthreg, tmp_path, keys):
    (tmp_path / "key.pem").write_text(keys)
    (tmp_path / "settings.toml").write_text(KEYS)
    done = oauthreg("list", "--json", OAUTHREG_REGISTRATION__ADDED__CLIENT_ID="a")
    signing, added = json.loads(done.stdout)
    assert (signing["token-uri"], signing["issuer-uri"]) == ("https://auth.example.com/token", None)
    assert [(one["setting"], one["value"]) for one in signing["credentials"]] == [
        ("private-key-file", "key.pem")
    ]
    assert added["source"] == "environment"
    assert added["credentials"] == []


def test_the_query_of_an_address_is_not_shown(oauthreg, tmp_path):
    fleet = FLEET.replace("https://auth.example.com", f"https://auth.example.com?key={SECRET}")
    fleet = fleet.replace("issuer-uri", "token-uri")
    (tmp_path / "settings.toml").write_text(fleet)
    (tmp_path / "b.secret").write_text("b")
    for arguments in ([], ["--json"]):
        done = oauthreg("list", *arguments, SECRET_OF_C="c")
        assert "https://auth.example.com?..." in done.stdout
        assert SECRET not in done.stdout


def test_an_empty_configuration_says_where_it_looked(oauthreg):
    done = oauthreg("list")
    assert (done.returncode, done.stdout.count("│")) == (0, 0)
    assert "settings.toml (not there)" in done.stderr
    assert json.loads(oauthreg("list", "--json").stdout) == []


def test_problems_are_exit_2(oauthreg, fleet):
    done = oauthreg("list")  # the environment variable of `reference` is missing
    assert (done.returncode, done.stdout) == (2, "")
    assert "SECRET_OF_C is not set" in done.stderr


def test_works_where_the_output_is_ascii(fleet, here):
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert here(output, fleet) == 0
    assert b"| literal" in output.buffer.getvalue()


def test_a_narrow_terminal_gets_a_block_per_registration(fleet, here):
    pty = pytest.importorskip("pty", reason="there are no pseudo terminals on Windows")
    ours, theirs = pty.openpty()
    try:
        with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
            narrow = {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "xterm"}
            assert here(terminal, {**fleet, **narrow}) == 0
            terminal.flush()
            text = os.read(ours, 65_536).decode()
    finally:
        os.close(ours)
    assert SECRET not in text
    lines = [ANSI.sub("", line).rstrip() for line in text.splitlines()]
    assert [*filter(None, lines)][:2] == ["id          literal", "grant       client_credentials"]
