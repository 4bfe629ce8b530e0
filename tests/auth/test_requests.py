"""What only requests does."""

from __future__ import annotations

import pytest
import requests

import oauthreg.auth.requests
from oauthreg import AuthorizedClientManager, UrlNotAllowedError
from oauthreg.testing import Fault


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_requests_takes_a_synchronous_manager(async_manager):
    with pytest.raises(TypeError, match="needs an AuthorizedClientManager, not Async"):
        oauthreg.auth.requests.Auth(async_manager, "my-client")


def test_requests_judges_an_unfollowed_redirect_when_it_is_sent(settings, session, server, other):
    with AuthorizedClientManager.from_settings(settings(urls=[server.base_uri])) as manager:
        session.auth = manager.auth("my-client")
        where = f"{server.api_uri}/redirect?to="
        away = session.get(where + other.api_uri, allow_redirects=False, timeout=5)
        with pytest.raises(UrlNotAllowedError):
            session.send(away.next, timeout=5)
        near = session.get(where + server.api_uri, allow_redirects=False, timeout=5)
        assert session.send(near.next, timeout=5).status_code == 200
    assert other.requests == []


def test_requests_keeps_the_401_in_the_history_and_its_hooks(manager, session, server):
    session.auth = manager.auth("my-client")
    session.get(server.api_uri, timeout=5)
    server.revoke_all()
    seen = []
    answer = session.get(
        server.api_uri, hooks={"response": lambda r, **_: seen.append(r.status_code)}, timeout=5
    )
    assert [hop.status_code for hop in answer.history] == [401]
    assert seen == [200]


def test_a_prepared_request_may_be_sent_again(manager, session, server):
    prepared = session.prepare_request(
        requests.Request("GET", server.api_uri, auth=manager.auth("my-client"))
    )
    assert session.send(prepared, timeout=5).status_code == 200
    server.revoke_all()
    assert session.send(prepared, timeout=5).status_code == 200
    assert session.send(prepared, timeout=5).status_code == 200
    assert server.token_requests == 2


def test_requests_streams_a_401_that_was_not_renewed(manager, session, server):
    session.auth = manager.auth("my-client")
    session.get(server.api_uri, timeout=5)
    server.revoke_all()
    server.inject(Fault(status=503))
    with session.get(server.api_uri, stream=True, timeout=5) as answer:
        assert b"invalid_token" in answer.raw.read()


def test_requests_hooks_may_be_replaced(manager, session, server):
    prepared = session.prepare_request(
        requests.Request("GET", server.api_uri, auth=manager.auth("my-client"))
    )
    prepared.hooks = {"response": []}
    server.revoke_all()
    assert session.send(prepared, timeout=5).status_code == 401


class Lines:
    """A body that tells where it stands, and cannot go back there."""

    def __init__(self):
        self.left = [b"one", b"two"]

    def __iter__(self):
        while self.left:
            yield self.left.pop(0)

    def tell(self):
        return 0


def numbers():
    yield b"one"
    yield b"two"


@pytest.mark.parametrize("body", [Lines, numbers])
def test_requests_does_not_replay_a_body_that_cannot_seek(manager, session, server, body):
    session.auth = manager.auth("my-client")
    session.get(server.api_uri, timeout=5)
    server.revoke_all()
    server.reset_counters()
    answer = session.post(server.api_uri, data=body(), timeout=5)
    assert answer.status_code == 401
    assert (server.api_requests, server.token_requests) == (1, 0)


def test_requests_takes_the_callers_credentials_for_a_redirect(manager, session, server):
    session.auth = manager.auth("my-client")
    where = f"{server.api_uri}/redirect?to={server.api_uri}"
    following = session.get(where, allow_redirects=False, timeout=5).next
    following.prepare_auth(("me", "password"))
    assert session.send(following, timeout=5).status_code == 401
    assert server.requests_to("api")[-1].headers["Authorization"].startswith("Basic ")
