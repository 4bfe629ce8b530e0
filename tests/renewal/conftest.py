"""The engine without threads or a network: what it decides, on clocks in the test's hands."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from oauthreg._registration import HttpProfile
from oauthreg._renewal.backoff import Scopes
from oauthreg._renewal.clocks import Clocks
from oauthreg._renewal.engine import Engine
from oauthreg._renewal.slots import Held
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


class Order:
    """A key, and whom its failures concern."""

    audience = None
    http = HttpProfile()

    def __init__(self, name="app", *, has_local_credential=False):
        self.key = self.name = name
        self.provider = "as"
        self.has_local_credential = has_local_credential
        self.scopes = Scopes(f"key {name}", f"client {name}", "endpoint")

    def client(self, held):
        return SimpleNamespace(order=self, held=held)


class Rig:
    """An engine, and a server that answers as the test says."""

    def __init__(self, clock):
        self.clock = clock
        self.events = []
        self.engine = Engine(clock.clocks, self.events.append)
        self.order = Order()
        self.served = 0

    def decide(self, order=None, **options):
        return self.engine.decide(order or self.order, **options)

    def held(self, lifetime=300.0):
        self.served += 1
        value = SimpleNamespace(token_value=f"token-{self.served}", scopes=("read",))
        stale, expired = life(lifetime, spread=self.clock.chance)
        return Held(value, self.clock.clocks.now(), lifetime, stale, expired)

    def land(self, flight, lifetime=300.0):
        held = self.held(lifetime)
        self.engine.land(flight, held)
        return held

    def told(self):
        return [type(event).__name__ for event in self.events]


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def rig(clock):
    return Rig(clock)


@pytest.fixture
def order():
    """Make an order: `order("name")`."""
    return Order


@pytest.fixture(scope="session")
def simulation():
    """The fleet that the benchmark measures too: test modules are imported without a path."""
    path = Path(__file__).parents[1] / "bench" / "simulation.py"
    spec = importlib.util.spec_from_file_location("oauthreg_tests_simulation", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
