"""`oauthreg check --health`, for an exec probe."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from oauthreg._cli.app import app
from oauthreg.testing import AuthorizationServer, Fault

SETTINGS = """
[registration.good]
client-id = "good"
client-secret = "s"
[registration.user]
client-id = "good"
client-secret = "s"
authorization-grant-type = "authorization_code"
redirect-uri = "https://app.example/callback"
[provider.p]
token-uri = "{issuer}/token"
authorization-uri = "{issuer}/authorize"
[store]
type = "sqlite"
path = "{folder}/tokens"
"""


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        server.add_client("good", "s")
        yield server


@pytest.fixture
def run(server, tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(SETTINGS.format(issuer=server.issuer, folder=tmp_path))

    def run(*arguments):
        return CliRunner().invoke(app, ["check", "--health", "-s", str(path), *arguments])

    return run


def test_one_line_each_and_one_request_for_all_probes_where_there_is_a_store(run, server):
    for _ in range(3):
        done = run()
        assert done.exit_code == 0
        assert done.stdout.split() == ["ready", "good", "ready", "user", "ready", "token_store"]
    assert server.token_requests == 1


def test_it_ends_with_1_where_a_registration_is_down(run, server):
    server.inject(Fault(status=400, body={"error": "unauthorized_client"}))
    done = run()
    assert done.exit_code == 1
    assert done.stdout.splitlines()[0].startswith("down     good  ")
    assert "unauthorized_client" in done.stdout
    found = json.loads(run("--json").stdout)
    assert found["good"]["state"] == "down"
    assert found["good"]["since"].endswith("+00:00")
    assert found["user"] == {"state": "ready", "reason": None, "since": None}


def test_only_those_that_are_named(run):
    assert "user" not in run("good").stdout
