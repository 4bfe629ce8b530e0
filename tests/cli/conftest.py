"""The command line: exit code, stdout and stderr are what counts."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from oauthreg.cli.app import app
from oauthreg.testing import AuthorizationServer

SECRET = "s3cret-of-the-cli"


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        server.add_client("my-client", SECRET)
        yield server


@pytest.fixture
def settings(server, tmp_path):
    """A settings file of one registration at the test server."""
    path = tmp_path / "settings.toml"
    path.write_text(
        f"""
[registration.my-client]
client-id = "my-client"
client-secret = "{SECRET}"
scope = "read"

[provider.my-provider]
token-uri = "{server.token_uri}"
"""
    )
    return path


@pytest.fixture
def environment():
    """The process's environment without settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OAUTHREG_")}


@dataclass(frozen=True)
class Done:
    """What a program left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def oauthreg(tmp_path, environment, monkeypatch):
    """Run `oauthreg ...` in this process, in an empty working directory, without a terminal."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)

    def run(*arguments, **variables):
        result = CliRunner().invoke(app, [*map(str, arguments)], env=variables)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def program(tmp_path, environment):
    """Run `oauthreg ...` as a program, in an empty working directory, without a terminal."""

    def run(*arguments, **variables):
        return subprocess.run(
            [sys.executable, "-m", "oauthreg.cli", *map(str, arguments)],
            cwd=tmp_path,
            env={**environment, "PYTHONIOENCODING": "utf-8", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )

    return run
