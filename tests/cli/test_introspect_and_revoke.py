"""`oauthreg introspect` and `oauthreg revoke`: a token named, piped, or the registration's own."""

from __future__ import annotations

import json

import pytest

from oauthreg.testing import Fault


@pytest.fixture
def discovered(server, tmp_path):
    """Settings whose provider says its addresses by metadata."""
    path = tmp_path / "settings.toml"
    path.write_text(
        f"""
[registration.my-client]
client-id = "my-client"
client-secret = "s3cret-of-the-cli"
scope = "read"

[provider.my-provider]
issuer-uri = "{server.issuer}"
"""
    )
    return path


@pytest.fixture
def token(oauthreg, discovered):
    return oauthreg("token", "my-client").stdout.strip()


def test_introspects_a_token_of_the_command_line_or_of_stdin(oauthreg, server, token):
    named = oauthreg("introspect", "my-client", token)
    piped = oauthreg("introspect", "my-client", "-", stdin=f"{token}\n")
    assert named == piped
    assert (named.returncode, named.stderr) == (0, "")
    answer = json.loads(named.stdout)
    assert (answer["active"], answer["client_id"], answer["scope"]) == (True, "my-client", "read")


def test_introspects_the_registrations_own_token(oauthreg, server, discovered):
    done = oauthreg("introspect", "my-client", "--only", "--settings", discovered)
    assert json.loads(done.stdout)["active"] is True
    assert server.token_requests == 1


def test_an_ended_token_is_an_answer_like_any_other(oauthreg, discovered):
    done = oauthreg("introspect", "my-client", "garbage")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"active": False})


def test_an_answer_cannot_steer_the_terminal(oauthreg, server, discovered):
    answer = {"active": True, "username": "a\u009b2J\x7f\u202eb\u2028\U000e0041\u00fc"}
    server.inject(Fault(body=answer), path="introspection")
    done = oauthreg("introspect", "my-client", "garbage")
    assert json.loads(done.stdout) == answer
    assert "\u00fc" in done.stdout
    assert all(sign.isprintable() for line in done.stdout.splitlines() for sign in line)


def test_revokes_a_token(oauthreg, server, token):
    done = oauthreg("revoke", "my-client", "-", "--only", stdin=token)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not server.token(token).live


def test_a_token_that_the_server_does_not_know_is_revoked_already(oauthreg, discovered):
    assert oauthreg("revoke", "My_Client", "garbage").returncode == 0


def test_without_a_token_there_is_nothing_to_revoke(oauthreg, server, discovered):
    done = oauthreg("revoke", "my-client")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Name the token" in done.stderr
    assert server.requests == []


@pytest.mark.parametrize("command", ["introspect", "revoke"])
def test_nothing_on_stdin_is_a_wrong_call(oauthreg, discovered, command):
    done = oauthreg(command, "my-client", "-", stdin="\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no token on stdin" in done.stderr


@pytest.mark.parametrize("command", ["introspect", "revoke"])
def test_an_unknown_registration_is_exit_2_with_advice(oauthreg, discovered, command):
    done = oauthreg(command, "my-clint", "x")
    assert done.returncode == 2
    assert "Did you mean 'my-client'?" in done.stderr


@pytest.mark.parametrize("command", ["introspect", "revoke"])
def test_a_server_without_such_an_endpoint_is_exit_1(oauthreg, settings, command):
    done = oauthreg(command, "my-client", "the-token")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{'introspection' if command == 'introspect' else 'revocation'}-uri" in done.stderr
    assert "the-token" not in done.stderr


@pytest.mark.parametrize("command", ["introspect", "revoke"])
def test_an_empty_token_is_not_the_registrations_own(oauthreg, server, discovered, command):
    done = oauthreg(command, "my-client", "")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the token is empty" in done.stderr
    assert server.token_requests == 0
