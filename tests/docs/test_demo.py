"""The demo does what it says, in the words that it always says it in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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

3. a token that lives 10 s gets stale; its renewal is held up at the server
    -> 1 token request
    400 calls got the old token without waiting, later ones the new one

4. the authorization server is stopped; the token at hand gets stale
    the renewal failed; 200 calls got the valid token all the same
    -> 1 token request
    the server is back: renewed, and no call failed

5. the token is revoked behind our back; the API answers 401
    -> 1 token request, 2 API requests
    the program saw one answer: 200

Every line above was checked before it was printed.
"""


def demo(*arguments, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "oauthreg.testing.demo", *arguments],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_the_demo_shows_what_it_says(monkeypatch):
    monkeypatch.setenv("OAUTHREG_PROFILE", "of-the-developer")  # which the demo must not read
    done = demo()
    assert done.stderr == ""
    assert done.stdout == EXPECTED
    assert done.returncode == 0


def test_the_demo_fails_where_its_settings_cannot_be_used(tmp_path):
    done = demo("gone.toml", cwd=tmp_path)
    assert done.returncode == 1
    assert "The demo failed." in done.stderr
    assert "gone.toml" in done.stderr


def test_the_demo_fails_where_a_step_does_not_do_what_it_says(tmp_path):
    """The server has no scope of this name, so that the very first step fails."""
    settings = tmp_path / "settings.toml"
    text = (ROOT / "settings.example.toml").read_text("utf-8")
    settings.write_text(text.replace('scope = ["read", "write"]', 'scope = "unknown"'))
    done = demo(str(settings))
    assert done.returncode == 1
    assert "The demo failed." in done.stderr
    assert "Traceback" not in done.stderr
