"""A store that takes seconds for each answer."""

from __future__ import annotations

import time

import pytest

from oauthreg import AuthorizedClientManager
from oauthreg._shared.seal import new_key
from oauthreg.events import StoreFailed
from oauthreg.testing import AuthorizationServer

DELAY = 3.0  # seconds
APPS = [f"app-{number}" for number in range(5)]
SOON = 0.5


@pytest.fixture(params=["valkey", "postgres"])
def between(request, proxy):
    """What leads to a store, which has an `url` then."""
    if request.param == "valkey":
        between = proxy(str(request.getfixturevalue("shared_valkey").socket))
        between.store = {"type": "redis", "url": f"redis://127.0.0.1:{between.port}/0"}
    else:
        server = request.getfixturevalue("postgres")(tcp=True)
        between = proxy(("127.0.0.1", server.port))
        url = f"postgresql://postgres@127.0.0.1:{between.port}/postgres"
        between.store = {"type": "sql", "url": url}
    between.store |= {"keys": [new_key()], "prefix": "slow"}
    return between


@pytest.fixture
def manager(between):
    """`manager(server, **store)`: one of another process."""
    made = []

    def make(server, **store):
        client = {"client-id": "app", "client-secret": "secret", "provider": "as"}
        settings = {
            "registration": {name: {**client, "refresh-before": 27} for name in APPS},
            "provider": {"as": {"token-uri": server.token_uri}},
            "store": {**between.store, **store},
        }
        made.append(AuthorizedClientManager.from_settings(settings))
        return made[-1]

    yield make
    between.delay = 0.0
    for one in made:
        one.close()


def serving(**options):
    server = AuthorizationServer(**options)
    server.add_client("app", "secret")
    return server


def test_no_cold_start_waits_longer_than_the_timeout_of_the_store(between, manager):
    with serving() as server:
        one, failures = manager(server, timeout=1), []
        one.subscribe(StoreFailed, failures.append)
        between.delay = DELAY
        begun = time.monotonic()
        tokens = {one.authorize(app, audience=app).access_token.token_value for app in APPS}
        assert time.monotonic() - begun < 15
        assert len(tokens) == server.token_requests == len(APPS)
        assert failures
        assert one.health()["token_store"]["state"] == "degraded"


def test_nobody_with_a_valid_token_waits_and_its_renewal_is_shared(between, manager):
    with serving(token_lifetime=30) as server:
        one = manager(server, timeout=20)
        old = token = one.authorize(APPS[0]).access_token.token_value
        between.delay = DELAY / 2  # the renewal calls it five times
        longest = 0.0
        while token == old:
            begun = time.monotonic()
            token = one.authorize(APPS[0]).access_token.token_value
            longest = max(longest, time.monotonic() - begun)
            time.sleep(0.01)
        assert longest < SOON
        between.delay = 0.0
        assert manager(server).authorize(APPS[0]).access_token.token_value == token
        assert server.token_requests == 2
