"""Managers that share a store, as processes do: each has a core of its own over one file."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress

import pytest
import requests

from oauthreg import AsyncAuthorizedClientManager, AuthorizedClientManager
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._renewal import token_flow
from oauthreg._renewal.clocks import Clocks
from oauthreg._settings.load import load
from oauthreg.events import Event
from oauthreg.testing import AuthorizationServer

WAIT = 20.0
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
REDIRECT = "http://127.0.0.1:9/callback"


class Time:
    """Clocks that run, and can be moved on."""

    def __init__(self):
        self.offset = 0.0
        self.chance = 0.0

    @property
    def clocks(self):
        return Clocks(
            wall=lambda: time.time() + self.offset,
            monotonic=lambda: time.monotonic() + self.offset,
            random=lambda: self.chance,
        )

    def advance(self, seconds):
        self.offset += seconds


class Process:
    """One process's manager, called from a test that knows no async."""

    def __init__(self, kind, tables, clocks):
        self.core = Core(RegistrationRegistry(load(tables)), clocks=clocks)
        self.events = []
        self.core.subscribe(Event, self.events.append)
        self.kind = kind
        self.manager = kind(self.core)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, method, *args, **kwargs):
        result = getattr(self.manager, method)(*args, **kwargs)
        if asyncio.iscoroutine(result):
            return asyncio.run_coroutine_threadsafe(result, self.loop).result(WAIT)
        return result

    def end(self):
        with suppress(Exception):
            self.do("close")
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(WAIT)
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def token(self, registration_id="app", **options):
        return self.do("authorize", registration_id, **options).access_token.token_value

    def failure(self, registration_id="app", **options):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the test looks at it
            self.token(registration_id, **options)
        return caught.value

    def start(self, registration_id="app", **options):
        """Call in a thread of its own; a function that waits for the result."""
        results = []

        def work():
            try:
                results.append(self.token(registration_id, **options))
            except Exception as error:  # noqa: BLE001 - the test looks at it
                results.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()

        def result():
            thread.join(WAIT)
            return results[0]

        return result

    def seen(self):
        return [type(event).__name__ for event in self.events]

    def settled(self):
        end = time.monotonic() + WAIT
        entries = self.core.state.cache.entries
        while any(entry.flight for entry in list(entries.values())):
            assert time.monotonic() < end, "a flight does not end"
            time.sleep(0.002)


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        server.add_client(
            "app",
            "secret",
            grants=("client_credentials", "authorization_code", "refresh_token", EXCHANGE),
            scopes=("read", "write", "openid"),
            redirect_uris=(REDIRECT,),
        )
        server.add_user("alice", "her-password")
        yield server


@pytest.fixture
def time_():
    return Time()


@pytest.fixture(params=[AuthorizedClientManager, AsyncAuthorizedClientManager], ids=["s", "a"])
def kind(request):
    return request.param


@pytest.fixture
def process(server, tmp_path, kind, time_, monkeypatch):
    """Make a process: `process(app={...}, store={...})`; all share the store of the test."""
    monkeypatch.setattr(token_flow, "SHORTEST_PAUSE", 0.001)
    monkeypatch.setattr(token_flow, "PAUSE_SPREAD", 0.0)
    made = []

    def make(app=(), *, store=(), registration=(), provider=(), clocks=None, **tables):
        table = {"client-id": "app", "client-secret": "secret", "scope": "read", "provider": "as"}
        one = Process(
            kind,
            {
                "registration": {"app": {**table, **dict(app)}, **dict(registration)},
                "provider": {"as": {"token-uri": server.token_uri, **dict(provider)}},
                "store": {"type": "sqlite", "path": str(tmp_path / "tokens.db"), **dict(store)},
                **tables,
            },
            clocks or time_.clocks,
        )
        made.append(one)
        return one

    tmp_path.chmod(0o700)
    yield make
    for one in made:
        one.end()


WEB = {
    "authorization-grant-type": "authorization_code",
    "redirect-uri": REDIRECT,
    "scope": "read",
}


@pytest.fixture
def web(process, server):
    """Make a process with a registration for logins by the browser."""

    def make(app=(), **options):
        return process({**WEB, **dict(app)}, provider={"issuer-uri": server.issuer}, **options)

    return make


@pytest.fixture
def log_in():
    """Log a user in by the browser."""

    def follow(one, principal="alice"):
        request = one.do("authorization_request", "app")
        answer = requests.get(request.url, allow_redirects=False, timeout=5)
        return one.do(
            "complete", "app", answer.headers["Location"], request=request, principal=principal
        )

    return follow
