"""A user at every real server, by plain requests: the ground under the library's own logins."""

import base64
import hashlib
import secrets
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

CALLBACK = "http://127.0.0.1:9/callback"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
METHODS = ("basic", "post", "none", "secret-jwt", "key-rsa", "key-ec")


@pytest.mark.parametrize("name", METHODS)
def test_a_code_with_pkce_is_redeemed_once(server, browser, ask, name):
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "client_id": server.clients[name].client_id,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "read",
        "state": "state-1",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    callback = browser(server).log_in(f"{server.authorization_uri}?{urlencode(asked)}")
    fields = parse_qs(urlsplit(callback).query)
    assert fields["state"] == ["state-1"]
    form = {
        "grant_type": "authorization_code",
        "code": fields["code"][0],
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }
    answer = ask(server, name, **form)
    assert answer.status_code == 200, answer.text
    again = ask(server, name, **form)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_refresh_token_is_rotated(server, browser, ask):
    token = _logged_in(server, browser, ask)
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    answer = ask(server, "device", **form)
    assert answer.status_code == 200, answer.text
    assert answer.json()["refresh_token"] != token["refresh_token"]


def test_a_device_waits_until_somebody_agrees(server, browser, ask):
    assert _logged_in(server, browser, ask)["access_token"]


def _logged_in(server, browser, ask):
    started = ask(server, "device", url=server.device_authorization_uri, scope="read")
    device = started.json()
    form = {"grant_type": DEVICE_CODE, "device_code": device["device_code"]}
    waiting = ask(server, "device", **form)
    assert (waiting.status_code, waiting.json()["error"]) == (400, "authorization_pending")
    browser(server).approve(device["verification_uri_complete"], device["user_code"])
    time.sleep(device.get("interval", 0))
    answer = ask(server, "device", **form)
    assert answer.status_code == 200, answer.text
    return answer.json()
