"""The listener that a browser comes back to, and the opening of the browser."""

from __future__ import annotations

import shlex
import sys
from urllib.parse import urlsplit

import pytest
import requests

from oauthreg._cli import browser
from oauthreg._cli.loopback import Loopback


@pytest.mark.parametrize(
    ("registered", "expected"),
    [
        (None, "http://127.0.0.1:{port}/callback"),
        ("https://app.example.com/callback", "http://127.0.0.1:{port}/callback"),
        ("{baseUrl}/login/oauth2/code/{registrationId}", "http://127.0.0.1:{port}/callback"),
        ("https://127.0.0.1/callback", "http://127.0.0.1:{port}/callback"),
        ("http://127.example.com/callback", "http://127.0.0.1:{port}/callback"),
        ("http://127.0.0.1:99999/callback", "http://127.0.0.1:{port}/callback"),
        ("http://127.0.0.1/back", "http://127.0.0.1:{port}/back"),
        ("http://127.0.0.1:0/back?a=b", "http://127.0.0.1:{port}/back?a=b"),
        ("http://localhost/", "http://localhost:{port}/"),
        ("http://[::1]/back", "http://[::1]:{port}/back"),
    ],
)
def test_where_the_browser_comes_back_to(registered, expected):
    with Loopback(registered) as here:
        port = here.port
        assert here.redirect_uri == expected.replace("{port}", str(port))
        answer = requests.get(f"{here.redirect_uri.partition('?')[0]}?state=x", timeout=5)
        assert answer.status_code == 400  # it is there, and knows no such login


@pytest.mark.parametrize("path", ["", "/back"])
def test_a_registered_port_is_kept_and_so_is_the_address(path):
    with Loopback(None) as free:
        port = free.port
    registered = f"http://127.0.0.1:{port}{path}"
    with Loopback(registered) as here:
        assert here.redirect_uri == registered
        assert here.port == port
        answer = requests.get(f"http://127.0.0.1:{port}{path}?state=x", timeout=5)
        assert answer.status_code == 400


def test_an_idle_connection_holds_nobody_up():
    """Browsers open connections ahead of need, and may never use them."""
    import socket

    with Loopback(None) as here, socket.create_connection(("127.0.0.1", here.port)):
        assert requests.get(here.redirect_uri, timeout=5).status_code == 400


def test_a_browser_that_went_away_is_not_worth_a_word(capfd):
    import socket
    import struct

    with Loopback(None) as here:
        connection = socket.create_connection(("127.0.0.1", here.port))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(b"GET ")
        connection.close()
        requests.get(here.redirect_uri, timeout=5)
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def a_browser(tmp_path, monkeypatch):
    """`a_browser(code)`: the user's browser runs this, with the address in `sys.argv[1]`."""

    def set_up(code):
        words = [sys.executable, "-c", code, "%s"]
        monkeypatch.setenv("BROWSER", " ".join(map(shlex.quote, words)))

    return set_up


def test_the_browser_is_opened_at_the_address(a_browser, tmp_path, capfd):
    seen = tmp_path / "seen"
    a_browser(f"import sys; print(1); open({str(seen)!r}, 'w').write(sys.argv[1])")
    url = "http://127.0.0.1:9/authorize?scope=a+b&state=x%2Fy"
    assert browser.open_browser(url) is True
    assert seen.read_text() == url
    assert urlsplit(url).query == "scope=a+b&state=x%2Fy"
    assert capfd.readouterr().out == ""


def test_a_browser_in_the_foreground_is_not_waited_for(a_browser, monkeypatch):
    monkeypatch.setattr(browser, "SECONDS", 0.3)
    a_browser("import time; time.sleep(1)")
    assert browser.open_browser("http://127.0.0.1:9/") is True


def test_a_machine_without_a_browser(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert browser.open_browser("http://127.0.0.1:9/") is False
