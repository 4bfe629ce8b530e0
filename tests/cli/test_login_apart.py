"""A login by the browser is only the browser's that `oauthreg login` opened (RFC 9700 section 4.7).

Others on the machine see the arguments of every process, and reach every port.
"""

from __future__ import annotations

import os
import shlex
import socket
import sys
from ast import literal_eval

import pytest
import requests

from oauthreg._cli import browser, login_ways
from oauthreg._cli.loopback import Loopback
from oauthreg._errors import AuthorizationError

LOGIN = "https://auth.example.com/authorize?state=the-state&code_challenge=abc"


def get(url, **cookies):
    return requests.get(url, cookies=cookies, allow_redirects=False, timeout=5)


@pytest.fixture
def here():
    with Loopback(None) as here:
        here.address = here.start(LOGIN, "the-state")
        here.callback = f"{here.redirect_uri}?code=c&state=the-state"
        yield here


def test_the_address_that_is_opened_says_nothing_of_the_login(here):
    opened = get(here.address)
    assert (opened.status_code, opened.headers["Location"]) == (303, LOGIN)
    assert opened.headers["Cache-Control"] == "no-store"
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    assert opened.headers["Set-Cookie"].endswith("; HttpOnly; SameSite=Lax")
    for secret in ("the-state", "abc", "auth.example.com"):
        assert secret not in here.address


def test_nothing_is_begun_before_there_is_a_login():
    with Loopback(None) as here:
        origin = here.redirect_uri.removesuffix("/callback")
        assert get(origin + here._start_path).status_code == 404


def test_a_callback_of_another_browser_counts_for_nothing(here):
    cookies = get(here.address).cookies
    name, value = cookies.items()[0]
    for wrong in ({}, {name: "x"}, {name: ""}, {"oauthreg-x": value}, {name[:-1]: value}):
        assert get(here.callback, **wrong).status_code == 400
    with pytest.raises(AuthorizationError, match="no browser came back"):
        here.wait(0.05)


def test_a_callback_before_the_address_was_opened_counts_for_nothing(here):
    assert get(here.callback).status_code == 400


def test_the_browser_may_open_the_address_twice(here):
    cookies = get(here.address).cookies
    assert (
        requests.get(here.address, cookies=cookies, allow_redirects=False, timeout=5).headers[
            "Location"
        ]
        == LOGIN
    )


def test_two_browsers_end_the_login(here):
    get(here.address)
    second = get(here.address)
    assert (second.status_code, "Set-Cookie" in second.headers) == (403, False)
    assert "Another browser" in second.text
    with pytest.raises(AuthorizationError, match="two browsers or programs opened") as caught:
        here.wait(5)
    assert "--no-browser" in caught.value.hint


def test_the_command_ends_where_somebody_else_was_first(oauthreg, login_settings, monkeypatch):
    def open_after_another(url, _hidden):
        get(url)
        get(url)
        return True

    login_settings()
    monkeypatch.setattr(login_ways, "open_browser", open_after_another)
    done = oauthreg("login", "web")
    assert (done.returncode, done.stdout) == (1, "")
    assert "two browsers or programs opened the address of this login" in done.stderr


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_nobody_else_can_listen_beside_it(host):
    """`localhost` may be either address, and a browser tries both."""
    with Loopback(f"http://{host}/callback") as here:
        for address in ("127.0.0.1", "::1"):
            with pytest.raises(OSError, match="in use"):
                socket.create_server((address, here.port), family=family(address))
            with socket.create_connection((address, here.port), timeout=5):
                pass


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_localhost_is_refused_where_somebody_listens_at_one_of_its_addresses(address):
    with socket.create_server((address, 0), family=family(address)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AuthorizationError, match="cannot listen at http://localhost"):
            Loopback(f"http://localhost:{port}/callback")


def test_a_port_that_is_taken_at_the_other_address_is_no_matter_for_one_by_number():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        with Loopback(f"http://127.0.0.1:{port}/callback") as here:
            assert here.port == port


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@pytest.fixture
def report(tmp_path, monkeypatch):
    """What the user's browser finds: its environment, and the arguments of who started it."""
    path = tmp_path / "report"
    code = (
        "import os, pathlib, subprocess, sys\n"
        "parent = pathlib.Path(f'/proc/{os.getppid()}/cmdline')\n"
        "ps = ['ps', '-o', 'args=', '-p', str(os.getppid())]\n"
        "parent = parent.read_text() if parent.exists() else"
        " subprocess.run(ps, capture_output=True, text=True).stdout\n"
        f"open({str(path)!r}, 'w').write(repr((dict(os.environ), parent, sys.argv[1])))"
    )
    words = [sys.executable, "-c", code, "%s"]
    monkeypatch.setenv("BROWSER", " ".join(map(shlex.quote, words)))
    return path


def test_the_browser_is_given_no_credential_in_its_environment(report, monkeypatch):
    for name in ("OAUTHREG_REGISTRATION__A__CLIENT_SECRET", "oauthreg_profile", "SPRING_X", "MINE"):
        monkeypatch.setenv(name, "planted")
    monkeypatch.setenv("OTHER", "stays")
    assert browser.open_browser("http://127.0.0.1:9/start", ["MINE"]) is True
    environment, parent, argument = literal_eval(report.read_text())
    assert [name for name, value in environment.items() if value == "planted"] == []
    assert (environment["OTHER"], environment["PATH"]) == ("stays", os.environ["PATH"])
    assert argument == "http://127.0.0.1:9/start"
    assert "127.0.0.1" not in parent


def test_the_variable_of_a_registrations_secret_is_not_given_to_the_browser(
    oauthreg, login_server, tmp_path, monkeypatch
):
    (tmp_path / "settings.toml").write_text(
        '[registration.web]\nclient-id = "web"\nclient-secret-ref = "env:MY_SECRET"\n'
        'authorization-grant-type = "authorization_code"\n'
        f'[provider.p]\nissuer-uri = "{login_server.issuer}"\n'
    )
    hidden = []
    monkeypatch.setattr(login_ways, "open_browser", lambda _url, names: hidden.extend(names))
    oauthreg("login", "web", "--timeout", "0.05", MY_SECRET="s3cret-of-the-cli")
    assert hidden == ["MY_SECRET"]
