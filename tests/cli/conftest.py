"""The command line: exit code, stdout and stderr are what counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from typer.testing import CliRunner

from oauthreg._cli import login_ways
from oauthreg._cli.app import app
from oauthreg.testing import DELETE, AuthorizationServer

SECRET = "s3cret-of-the-cli"
LOGIN_GRANTS = (
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
)


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        server.add_client("my-client", SECRET)
        yield server


@pytest.fixture
def login_server(server):
    """The server, with a client that logs users in; alice is at its browser.

    It takes no pushed requests: those would tell it the free port before a test knows it.
    """
    server.device_interval = 0.1
    server.metadata_overrides = {"pushed_authorization_request_endpoint": DELETE}
    server.add_client("web", SECRET, grants=LOGIN_GRANTS, scopes=("openid", "read", "write"))
    return server


class Browser:
    """Called with an address it goes there, through the login and back, and keeps the page."""

    def __init__(self, server):
        self.server = server
        self.before = []
        self.instead = {}
        self.pages = []
        self.hidden = set()
        self.session = requests.Session()
        self.session.trust_env = False
        self.opened = self.asked = self._thread = None

    def __call__(self, url, hidden=()):
        self.opened, self.hidden = url, set(hidden)
        url = self.session.get(url, allow_redirects=False, timeout=10).headers["Location"]
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        back = self.asked["redirect_uri"]
        self.server.add_client(
            "web", SECRET, grants=LOGIN_GRANTS, scopes=("openid", "read"), redirect_uris=(back,)
        )
        if self.instead:
            url = f"{back}?{urlencode({'state': self.asked['state'], **self.instead})}"
        base = back.removesuffix(urlsplit(back).path)
        self._thread = threading.Thread(
            target=self._go, args=([*(base + one for one in self.before), url],)
        )
        self._thread.start()
        return True

    def _go(self, urls):
        self.pages += [self.session.get(url, timeout=10) for url in urls]

    @property
    def page(self):
        """The last page, once it is there."""
        self._thread.join(10)
        return self.pages[-1]


@pytest.fixture
def browser(login_server, monkeypatch):
    browser = Browser(login_server)
    monkeypatch.setattr(login_ways, "open_browser", browser)
    return browser


@pytest.fixture
def login_settings(login_server, tmp_path):
    """`login_settings(**settings)`: a settings file of that client's registration, `web`."""

    def write(**more):
        keys = {"authorization-grant-type": "authorization_code", "scope": "read"}
        keys |= {"client-id": "web", "client-secret": SECRET}
        keys |= {key.replace("_", "-"): value for key, value in more.items()}
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        provider = f'[provider.my-provider]\nissuer-uri = "{login_server.issuer}"'
        text = "\n".join(["[registration.web]", *lines, provider])
        (tmp_path / "settings.toml").write_text(text)

    return write


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

    def run(*arguments, stdin=None, **variables):
        result = CliRunner().invoke(app, [*map(str, arguments)], input=stdin, env=variables)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def program(tmp_path, environment):
    """Run `oauthreg ...` as a program, in an empty working directory, without a terminal."""

    def run(*arguments, **variables):
        return subprocess.run(
            [sys.executable, "-m", "oauthreg._cli", *map(str, arguments)],
            cwd=tmp_path,
            env={**environment, "PYTHONIOENCODING": "utf-8", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )

    return run


@pytest.fixture
def write(tmp_path):
    """`write(text)`: the settings file; text stands as it is."""

    def write(*parts):
        (tmp_path / "settings.toml").write_text("\n".join(parts))

    return write


@pytest.fixture
def found(oauthreg):
    """`found(...)`: run `oauthreg check --json ...`; the results by id, and the exit code."""

    def run(*arguments, **variables):
        done = oauthreg("check", "--json", *arguments, **variables)
        assert SECRET not in done.stdout + done.stderr
        return {one["id"]: one for one in json.loads(done.stdout)}, done.returncode

    return run
