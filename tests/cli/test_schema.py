"""`oauthreg schema`."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from oauthreg._cli.app import app


def run(*arguments):
    return CliRunner().invoke(app, ["schema", *arguments])


def test_the_schema_is_printed_with_every_installed_plugin():
    done = run()
    assert done.exit_code == 0
    definitions = json.loads(done.stdout)["definitions"]
    assert {"provider-generic", "provider-keycloak", "provider-okta"} <= definitions.keys()
    assert "provider-keycloak" not in json.loads(run("--bare").stdout)["definitions"]


def test_the_schema_is_written_to_a_file(tmp_path):
    path = tmp_path / "settings.schema.json"
    assert run("-o", str(path)).exit_code == 0
    assert json.loads(path.read_text("utf-8"))["title"] == "Settings of oauthreg"


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    done = run("-o", str(tmp_path / "not" / "there.json"))
    assert done.exit_code == 1
    assert "cannot be written: No such file or directory" in done.stderr
