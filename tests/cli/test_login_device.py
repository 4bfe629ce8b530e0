"""`oauthreg login` by another device: the code is shown, and polling goes on until it is used."""

from __future__ import annotations

import json
import re

import pytest
import requests

from oauthreg._cli import login_ways
from oauthreg.testing import Fault

CODE = re.compile(r"^\n    (\S+)\n$")
COMPLETE = re.compile(r"has the code in it: (\S+)")


@pytest.fixture
def told(monkeypatch):
    """`told(pattern, act)`: act on what the user is told, as soon as that is said."""
    acts = []
    say = login_ways.say

    def listening(line="", style=""):
        say(line, style)
        for pattern, act in acts:
            if found := pattern.search(line):
                act(found[1])

    monkeypatch.setattr(login_ways, "say", listening)
    return lambda pattern, act: acts.append((pattern, act))


def test_shows_code_and_address_and_waits_for_the_user(
    oauthreg, login_server, login_settings, told
):
    login_settings(authorization_grant_type="device_code")
    codes = []
    told(CODE, codes.append)
    told(COMPLETE, lambda url: requests.get(url, timeout=5))
    done = oauthreg("login", "web", "--token", LOGNAME="bob")
    assert done.returncode == 0
    assert done.stdout == f"{login_server.tokens[0].value}\n"
    assert f"Open {login_server.verification_uri} on any device" in done.stderr
    assert f"\n    {codes[0]}\n" in done.stderr
    assert "Waiting for the login, until" in done.stderr
    assert "Logged in as bob." in done.stderr


def test_device_is_for_any_registration_with_a_login(oauthreg, login_server, login_settings, told):
    login_settings(authorization_grant_type="authorization_code")
    told(CODE, login_server.approve_device)
    done = oauthreg("login", "WEB", "--device", "--timeout", "60")
    assert (done.returncode, done.stdout) == (0, "")


def test_an_address_with_the_code_in_it_need_not_be(oauthreg, login_server, login_settings, told):
    login_settings(authorization_grant_type="device_code")
    body = {"device_code": "a", "user_code": "B-C", "verification_uri": "https://v.example.com/"}
    fault = Fault(body={**body, "expires_in": 60, "interval": 0.05})
    login_server.inject(fault, path="device_authorization")
    done = oauthreg("login", "web")
    assert done.returncode == 1
    assert "\n    B-C\n" in done.stderr
    assert "has the code in it" not in done.stderr
    assert "invalid_" in done.stderr


def test_a_refusal_is_exit_1(oauthreg, login_server, login_settings, told):
    login_settings(authorization_grant_type="device_code")
    told(CODE, login_server.deny_device)
    done = oauthreg("login", "web")
    assert (done.returncode, done.stdout) == (1, "")
    assert "access_denied" in done.stderr


def test_it_waits_no_longer_than_it_is_told_to(oauthreg, login_server, login_settings):
    login_settings(authorization_grant_type="device_code")
    done = oauthreg("login", "web", "--timeout", "0.3")
    assert done.returncode == 1
    assert "nobody logged in" in done.stderr
    assert login_server.token_requests >= 1


def test_as_json_a_login_says_what_it_got_and_the_tokens_only_where_asked_for(
    oauthreg, login_server, login_settings, told
):
    login_settings(authorization_grant_type="device_code")
    told(CODE, login_server.approve_device)
    found = json.loads(oauthreg("login", "web", "--json", "--principal", "bob").stdout)
    assert (found["ok"], found["principal"], found["scope"]) == (True, "bob", "read")
    assert not {"access_token", "refresh_token"} & found.keys()
    shown = ("--token", "--show-refresh-token")
    found = json.loads(oauthreg("login", "web", "--json", *shown).stdout)
    assert found["access_token"] in {token.value for token in login_server.tokens}
    assert found["refresh_token"]
