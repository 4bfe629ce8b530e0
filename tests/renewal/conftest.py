"""The engine without threads or a network: what it decides, on clocks in the test's hands."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from oauthreg._registration import HttpProfile
from oauthreg._renewal.backoff import FailureScopes
from oauthreg._renewal.cache_entry import CachedValue
from oauthreg._renewal.clocks import Clocks
from oauthreg._renewal.engine import Engine
from oauthreg._renewal.engine_state import EngineState
from oauthreg._renewal.fetches import token_digest
from oauthreg._renewal.token_records import TokenRecords
from oauthreg._tokens import life


def pytest_configure(config):
    config.addinivalue_line("markers", "killed_by(path, old, new): the mutation this test notices")


class Time:
    def __init__(self):
        self.wall = self.monotonic = 1_000.0
        self.chance = 0.0

    @property
    def clocks(self):
        return Clocks(
            wall=lambda: self.wall, monotonic=lambda: self.monotonic, random=lambda: self.chance
        )

    def advance(self, seconds):
        self.wall += seconds
        self.monotonic += seconds


class Fetch:
    """A key, and what its failures may concern."""

    audience = None
    grant = "client_credentials"
    endpoint = "https://as.example/token"
    refresh_chain = None
    own = True
    only_refreshes = False
    settling = 0.0
    http = HttpProfile()

    def __init__(self, name="app", *, has_local_credential=False):
        self.key = self.name = name
        self.provider = "as"
        self.has_local_credential = has_local_credential
        self.failure_scopes = FailureScopes(f"key {name}", f"client {name}", "endpoint")

    def client(self, cached):
        return SimpleNamespace(fetch=self, cached=cached)


class Rig:
    """An engine, and a server that answers as the test says."""

    def __init__(self, clock):
        self.clock = clock
        self.events = []
        self.state = EngineState(clock.clocks, self.events.append)
        self.engine = Engine(self.state)
        self.records = TokenRecords(self.state)
        self.fetch = Fetch()
        self.served = 0

    def decide(self, fetch=None, **options):
        """Decide for a caller; a flight that is started has its request slot at once."""
        decision = self.engine.decide(fetch or self.fetch, **options)
        if decision.start:
            self.engine.begin(decision.flight)
        return decision

    def cached(self, lifetime=300.0):
        self.served += 1
        value = SimpleNamespace(token_value=f"token-{self.served}", scopes=("read",))
        stale, expired = life(lifetime, spread=self.clock.chance)
        now, digest = self.clock.clocks.now(), token_digest(value.token_value)
        return CachedValue(value, now, lifetime, stale, expired, digest=digest)

    def land(self, flight, lifetime=300.0):
        cached = self.cached(lifetime)
        self.engine.land(flight, cached)
        return cached

    def seen(self):
        """The names of the events but that of a flight's start."""
        names = [type(event).__name__ for event in self.events]
        return [name for name in names if name not in {"FlightStarted", "FlightEnded"}]


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def rig(clock):
    return Rig(clock)


@pytest.fixture
def fetch():
    """Make a fetch: `fetch("name")`."""
    return Fetch


@pytest.fixture(scope="session")
def simulation():
    """The fleet that the benchmark measures too: test modules are imported without a path."""
    path = Path(__file__).parents[1] / "bench" / "simulation.py"
    spec = importlib.util.spec_from_file_location("oauthreg_tests_simulation", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
