"""The demo does what it says, in the words that it always says it in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from oauthreg.testing import _demo as demo

ROOT = Path(__file__).parents[2]
EXPECTED = """\
An authorization server and an API run in this process.
Settings: settings.example.toml, with the server's address laid over.

1. manager.authorize("my-client")
    -> 1 metadata request, 1 token request
    AccessToken(Bearer **********, scopes='read write')

2. 200 threads, and no token yet
    -> 1 token request
    all 200 got the same token

3. a token that lives 6 s gets stale; its renewal is held up at the server
    -> 1 token request
    400 calls got the old token without waiting, later ones the new one

4. the authorization server is stopped; the cached token gets stale
    the renewal failed; 200 calls got the valid token all the same
    -> 1 token request
    the server is back: renewed, and no call failed

5. the token is revoked behind our back; the API answers 401
    -> 1 token request, 2 API requests
    the program saw one answer: 200

Every line above was checked before it was printed.
"""


@pytest.fixture
def fails(monkeypatch, tmp_path):
    """`fails(settings)`: run the demo in this process; what it says as it fails."""
    monkeypatch.chdir(tmp_path)

    def run(settings):
        monkeypatch.setattr(sys, "argv", ["demo", str(settings)])
        with pytest.raises(SystemExit) as ended:
            demo.main()
        return ended.value.code

    return run


def test_the_demo_shows_what_it_says():
    done = subprocess.run(
        [sys.executable, "-m", "oauthreg.testing._demo"],
        cwd=ROOT,
        env={**os.environ, "OAUTHREG_PROFILE": "of-the-developer"},  # which it must not read
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == EXPECTED


def test_the_demo_fails_where_its_settings_cannot_be_used(fails):
    said = fails("gone.toml")
    assert said.startswith("The demo failed.")
    assert "gone.toml" in said


def test_the_demo_fails_where_a_step_does_not_do_what_it_says(fails, tmp_path):
    """The server has no scope of this name, so that the very first step fails."""
    text = (ROOT / "settings.example.toml").read_text("utf-8")
    settings = tmp_path / "wrong.toml"
    settings.write_text(text.replace('scope = ["read", "write"]', 'scope = "unknown"'))
    said = fails(settings)
    assert said.startswith("The demo failed.")
    assert "invalid_scope" in said
