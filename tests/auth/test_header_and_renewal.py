"""The token on every request, and what becomes of a 401: the same for every library."""

from __future__ import annotations

import io
import json

import pytest

from oauthreg import TokenEndpointError, UnknownRegistrationError
from oauthreg.testing import Fault

INSUFFICIENT = Fault(
    status=401, headers={"WWW-Authenticate": 'Bearer realm="x", error="insufficient_scope"'}
)


@pytest.fixture
def revoked(caller, server):
    """A caller whose token is fresh by its own clock, and revoked at the server."""
    made = caller()
    made.authorize()
    server.revoke_all()
    server.reset_counters()
    return made


def test_the_header_is_set(caller, server):
    reply = caller().call("GET", server.api_uri)
    assert reply.status == 200
    assert json.loads(reply.text)["client"] == "id"
    assert (server.token_requests, server.api_requests) == (1, 1)


def test_options_reach_every_authorize(caller, server):
    reply = caller(options={"scope": "read"})
    assert json.loads(reply.call("GET", server.api_uri).text)["scope"] == "read"
    server.revoke_all()
    assert json.loads(reply.call("GET", server.api_uri).text)["scope"] == "read"


def test_the_callers_own_header_wins_and_its_401_is_the_callers(revoked, server, tokens_seen):
    reply = revoked.call("GET", server.api_uri, headers={"Authorization": "Bearer mine"})
    assert reply.status == 401
    assert tokens_seen(server) == ["Bearer mine"]
    assert server.token_requests == 0


def test_a_401_is_renewed_once_and_replayed(revoked, server, tokens_seen):
    reply = revoked.call("POST", server.api_uri, body=b"text")
    assert reply.status == 200
    assert json.loads(reply.text)["body"] == "text"
    assert server.token_requests == 1
    first, second = tokens_seen(server)
    assert first != second
    assert revoked.call("GET", server.api_uri).status == 200
    assert server.token_requests == 1


def test_a_burst_of_401s_makes_one_token_request(revoked, server):
    replies = revoked.calls(50, server.api_uri)
    assert {reply.status for reply in replies} == {200}
    assert server.token_requests == 1


def test_text_is_replayed(revoked, server):
    reply = revoked.call("POST", server.api_uri, body="text")
    assert json.loads(reply.text)["body"] == "text"


def test_a_stream_is_not_replayed_but_its_token_is_renewed(revoked, server):
    body = revoked.stream([b"one", b"two"])
    reply = revoked.call("POST", server.api_uri, body=body)
    assert reply.status == 401
    assert (server.api_requests, server.token_requests) == (1, 0)
    assert revoked.call("GET", server.api_uri).status == 200


# An asynchronous httpx client takes no file as a body, and httpx 0.28 no file that has been read.
@pytest.mark.parametrize(
    ("library", "position"),
    [("requests", 4), ("httpx", 0), ("httpx2", 4), ("aiohttp", 4)],
    indirect=["library"],
)
def test_a_file_is_replayed_from_where_it_stood(revoked, server, tmp_path, position):
    path = tmp_path / "body"
    path.write_bytes(b"skip"[:position] + b"sent" * 1000)
    with path.open("rb") as file:
        file.seek(position)
        reply = revoked.call("POST", server.api_uri, body=file)
    assert reply.status == 200
    assert json.loads(reply.text)["body"] == "sent" * 1000
    assert server.api_requests == 2


class Unseekable(io.RawIOBase):
    """A pipe: it can be read, once."""

    def __init__(self, content):
        self.content = content

    def readable(self):
        return True

    def readinto(self, buffer):
        chunk, self.content = self.content[: len(buffer)], self.content[len(buffer) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)


@pytest.mark.parametrize("library", ["requests", "httpx", "httpx2", "aiohttp"], indirect=True)
def test_a_pipe_is_not_replayed(revoked, server):
    reply = revoked.call("POST", server.api_uri, body=Unseekable(b"text"))
    assert reply.status == 401
    assert (server.api_requests, server.token_requests) == (1, 0)


def test_insufficient_scope_is_not_renewed(caller, server):
    made = caller()
    assert made.call("GET", f"{server.api_uri}/forbidden").status == 403
    with server.inject(INSUFFICIENT, path="api"):
        assert made.call("GET", server.api_uri).status == 401
    assert made.call("GET", server.api_uri).status == 200
    assert server.token_requests == 1


def test_an_api_that_refuses_every_token_gets_one_replay_then_none(caller, server):
    made = caller()
    assert made.call("GET", f"{server.api_uri}/always-401").status == 401
    assert (server.api_requests, server.token_requests) == (2, 2)
    for _ in range(5):
        assert made.call("GET", f"{server.api_uri}/always-401").status == 401
    assert (server.api_requests, server.token_requests) == (7, 2)


def test_a_failed_renewal_hands_the_401_to_the_caller(revoked, server):
    server.inject(Fault(status=503))
    reply = revoked.call("GET", server.api_uri)
    assert reply.status == 401
    assert "invalid_token" in reply.text
    assert server.api_requests == 1


def test_a_failed_first_fetch_sends_nothing(caller, server):
    server.disable_client("id")
    made = caller()
    with pytest.raises(TokenEndpointError):
        made.call("GET", server.api_uri)
    assert server.api_requests == 0


def test_a_registration_that_is_gone_is_an_error(revoked, server):
    revoked.manager.remove("my-client")
    with pytest.raises(UnknownRegistrationError):
        revoked.call("GET", server.api_uri)
