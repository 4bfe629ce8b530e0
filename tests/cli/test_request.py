"""`oauthreg request` and `oauthreg token --decode`: what a program with oauthreg would send."""

from __future__ import annotations

import io
import json
import sys

import pytest

from oauthreg._cli.app import app
from oauthreg.testing import Fault

SECRET = "s3cret-of-the-cli"


def test_the_body_of_the_api_stands_on_stdout(oauthreg, server, settings):
    done = oauthreg("request", "my-client", server.api_uri)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)
    (request,) = server.requests_to("api")
    assert request.method == "GET"
    assert request.headers["authorization"] == f"Bearer {server.tokens[0].value}"


def test_method_body_and_header_fields_are_sent(oauthreg, server, settings):
    sent = oauthreg("request", "my-client", "put", server.api_uri, "-d", "a=1", "-H", "X-One: 1")
    piped = oauthreg("request", "my-client", server.api_uri, "-d", "-", stdin="from stdin")
    assert (sent.returncode, piped.returncode) == (0, 0)
    first, second = server.requests_to("api")
    assert (first.method, first.body, first.headers["x-one"]) == ("PUT", b"a=1", "1")
    assert (second.method, second.body) == ("POST", b"from stdin")


def test_as_json_status_header_fields_and_body_are_apart(oauthreg, server, settings):
    server.inject(Fault(body={"items": [1]}), path="api", times=1)
    done = oauthreg("request", "my-client", server.api_uri, "--json")
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["body"]) == (200, {"items": [1]})
    assert answer["headers"]["content-type"] == "application/json"
    server.inject(Fault(body="plain"), path="api")
    assert json.loads(oauthreg("--json", "request", "my-client", server.api_uri).stdout)[
        "body"
    ] == ("plain")


def test_status_and_header_fields_come_first_where_they_are_asked_for(oauthreg, server, settings):
    server.inject(Fault(body="the body", headers={"X-Odd": "1"}), path="api")
    lines = oauthreg("request", "my-client", server.api_uri, "-i").stdout.splitlines()
    assert lines[0] == "200 OK"
    assert "X-Odd: 1" in lines
    assert lines[-2:] == ["", "the body"]


def test_a_refusal_of_the_api_is_exit_1_after_its_body(oauthreg, server, settings):
    server.inject(Fault(status=404, body="no such order"), path="api")
    done = oauthreg("request", "my-client", server.api_uri)
    assert (done.returncode, done.stdout) == (1, "no such order")
    assert "The API answered 404" in done.stderr


def test_the_token_goes_to_the_urls_of_the_registration_only(oauthreg, server, settings):
    text = settings.read_text().replace('"read"', '"read"\nurls = ["https://api.example.com"]')
    settings.write_text(text)
    done = oauthreg("request", "my-client", server.api_uri)
    assert (done.returncode, done.stdout) == (1, "")
    assert "urls" in done.stderr
    assert server.api_requests == 0


def test_a_dpop_token_is_sent_with_its_proof(oauthreg, server, settings):
    settings.write_text(settings.read_text().replace('"read"', '"read"\ndpop = true'))
    assert oauthreg("request", "my-client", server.api_uri).returncode == 0
    assert server.requests_to("api")[-1].headers["dpop"]


def test_an_api_that_is_not_there_is_exit_1_in_a_line(oauthreg, settings):
    done = oauthreg("request", "my-client", "http://127.0.0.1:1/orders")
    assert (done.returncode, done.stdout) == (1, "")
    assert "http://127.0.0.1:1/orders cannot be asked" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "wrong", [["GET", "x", "http://a/"], ["http://a/", "http://b/"], ["http://a/", "-H", "nope"]]
)
def test_a_wrong_call_is_exit_2(oauthreg, server, settings, wrong):
    done = oauthreg("request", "my-client", *wrong)
    assert (done.returncode, done.stdout) == (2, "")
    assert server.requests == []


def test_a_token_as_json_has_its_expiry(oauthreg, server, settings):
    found = json.loads(oauthreg("token", "my-client", "--json", "--header").stdout)
    token = server.tokens[0].value
    assert found["access_token"] == token
    assert 290 < found["expires_in"] <= 300
    assert found["expires_at"].endswith("+00:00")
    assert (found["token_type"], found["scope"]) == ("Bearer", "read")
    assert found["headers"] == {"Authorization": f"Bearer {token}"}


JWT = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJhcGkiLCJzdWIiOiJtZSJ9.c2ln"


def test_a_jwt_is_decoded_without_being_shown(oauthreg, server, settings):
    answer = {"access_token": JWT, "token_type": "Bearer", "expires_in": 300}
    server.inject(Fault(body=answer))
    done = oauthreg("token", "my-client", "--decode")
    decoded = json.loads(done.stdout)
    assert decoded == {"header": {"alg": "none"}, "claims": {"aud": "api", "sub": "me"}}
    whole = json.loads(oauthreg("token", "my-client", "--decode", "--json").stdout)
    assert whole["claims"] == decoded["claims"]
    assert 290 < whole["expires_in"] <= 300
    assert "access_token" not in whole


@pytest.mark.parametrize("value", ["opaque", "a.b.c", "W10.W10.W10"])
def test_a_token_that_is_no_jwt_cannot_be_decoded(oauthreg, server, settings, value):
    server.inject(Fault(body={"access_token": value, "token_type": "Bearer"}))
    done = oauthreg("token", "my-client", "--decode")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no JWT" in done.stderr


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_an_api_sends_cannot_steer_the_terminal(oauthreg, server, settings, monkeypatch):
    server.inject(Fault(body="one\x1b[2Jtwo\nthree"), path="api")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(SystemExit, match="0"):
        app(["request", "my-client", server.api_uri])
    assert terminal.getvalue() == "one?[2Jtwo\nthree\n"
