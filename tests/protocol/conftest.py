"""A flow driven by a script of answers, and a manager on clocks in the test's hands."""

from __future__ import annotations

import json

import pytest

from oauthreg._errors import AuthorizationError
from oauthreg._flow import TokenResponse, run
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._manager.sync_manager import AuthorizedClientManager
from oauthreg._protocol.context import PluginContext
from oauthreg._registration import ClientRegistration, ProviderDetails
from oauthreg._renewal import token_flow
from oauthreg._renewal.clocks import Clocks
from oauthreg._secret_values import Secret
from oauthreg._settings.load import load
from oauthreg.testing import AuthorizationServer


class Time:
    def __init__(self):
        self.wall = 1_800_000_000.0
        self.monotonic = 5_000.0
        self.chance = 1.0

    @property
    def clocks(self):
        return Clocks(
            wall=lambda: self.wall, monotonic=lambda: self.monotonic, random=lambda: self.chance
        )

    def advance(self, seconds):
        self.wall += seconds
        self.monotonic += seconds


class Script:
    """Answers a flow's requests in turn, and keeps them."""

    def __init__(self, answers):
        self._answers = list(answers)
        self.requests = []

    def __call__(self, step):
        self.requests.append(step)
        answer = self._answers.pop(0)
        if isinstance(answer, AuthorizationError):
            raise answer
        return answer

    @property
    def urls(self):
        return [request.url for request in self.requests]


def respond(body=b"", status=200, **headers):
    if not isinstance(body, bytes):
        body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return TokenResponse(status=status, headers=names, body=body)


@pytest.fixture
def answer():
    """Make an answer: `answer(body, status, retry_after="5")`; a body that is no text is JSON."""
    return respond


@pytest.fixture
def drive():
    """Run a flow over answers: `drive(flow, *answers)` gives its result and the script."""

    def drive(flow, *answers):
        script = Script(answers)
        return run(flow, script), script

    return drive


@pytest.fixture
def failing():
    """The same for a flow that fails: its error and the script."""

    def failing(flow, *answers):
        script = Script(answers)
        with pytest.raises(AuthorizationError) as caught:
            run(flow, script)
        return caught.value, script

    return failing


@pytest.fixture
def context():
    """Make a context: `context(secret="s", client_id="id", ...)`."""

    def build(secret="secret", *, endpoints=(("token-uri", "https://as.example/token"),), **fields):
        registration = ClientRegistration(
            **{
                "registration_id": "app",
                "provider": ProviderDetails(name="as", endpoints=dict(endpoints)),
                "client_id": "id",
                "client_authentication_method": "client_secret_basic",
                **fields,
            }
        )
        return PluginContext(
            registration=registration,
            endpoints=dict(endpoints),
            now=0.0,
            new_id=lambda: "fresh-id",
            secret=None if secret is None else Secret(secret),
        )

    return build


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        server.add_client("app", "secret", scopes=("read", "write"))
        yield server


@pytest.fixture
def manager(server, clock, monkeypatch):
    """Make a manager: `manager(app={...}, provider={...})`."""
    monkeypatch.setattr(token_flow, "SHORTEST_PAUSE", 0.001)
    monkeypatch.setattr(token_flow, "PAUSE_SPREAD", 0.0)
    made = []

    def build(app=(), provider=None, registration=(), **others):
        table = {"provider": "as", "client-id": "app", "client-secret": "secret", "scope": "read"}
        tables = {
            "provider": {"as": provider or {"token-uri": server.token_uri}},
            "registration": {"app": {**table, **dict(app)}, **dict(registration)},
            **others,
        }
        manager = AuthorizedClientManager(
            Core(RegistrationRegistry(load(tables)), clocks=clock.clocks)
        )
        made.append(manager)
        return manager

    yield build
    for one in made:
        one.close()
