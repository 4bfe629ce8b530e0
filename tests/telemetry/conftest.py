"""Managers that report to a real OpenTelemetry SDK, in memory."""

from __future__ import annotations

import threading

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from oauthreg import AuthorizedClientManager
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._renewal.clocks import Clocks
from oauthreg._settings.load import load
from oauthreg.telemetry import instrument
from oauthreg.testing import AuthorizationServer


class Time:
    def __init__(self):
        self.now = 1_800_000_000.0

    @property
    def clocks(self):
        return Clocks(wall=lambda: self.now, monotonic=lambda: self.now, random=lambda: 0.0)


class Telemetry:
    """What an SDK has: points by metric and attributes, and finished spans."""

    def __init__(self, *readers):
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader, *readers])
        self.spans = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.spans))

    @property
    def providers(self):
        return {"meter_provider": self.meters, "tracer_provider": self.tracers}

    def metrics(self):
        data = self.reader.get_metrics_data()
        resources = data.resource_metrics if data is not None else ()
        found = [m for r in resources for s in r.scope_metrics for m in s.metrics]
        return {metric.name: metric for metric in found}

    def points(self, name):
        """Return (attributes, value) of every point of a metric; counts of a histogram."""
        metric = self.metrics().get(name)
        points = metric.data.data_points if metric is not None else ()
        return [
            (dict(p.attributes), getattr(p, "value", getattr(p, "count", None))) for p in points
        ]

    def value(self, name, **attributes):
        """Return the sum of the points with these attributes (`error_type` is `error.type`)."""
        wanted = {key.replace("_", "."): value for key, value in attributes.items()}
        return sum(value for found, value in self.points(name) if wanted.items() <= found.items())

    def finished(self):
        return self.spans.get_finished_spans()


@pytest.fixture
def readers():
    """Further readers of the metrics."""
    return []


@pytest.fixture
def telemetry(readers):
    telemetry = Telemetry(*readers)
    yield telemetry
    telemetry.meters.shutdown()
    telemetry.tracers.shutdown()


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        server.add_client("app", "secret", grants=("client_credentials", "password"))
        server.add_user("alice", "hers")
        yield server


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def settings(server):
    app = {"provider": "as", "client-id": "app", "client-secret": "secret"}
    return {
        "provider": {"as": {"token-uri": server.token_uri}},
        "registration": {
            "app": app,
            "users": {
                **app,
                "authorization-grant-type": "password",
                "username": "alice",
                "password": "hers",
                "allow-insecure-grants": True,
            },
        },
    }


@pytest.fixture
def build(settings, clock):
    """Build a manager on the test's clock: `build(store={...})`."""
    made = []

    def build(**tables):
        core = Core(RegistrationRegistry(load({**settings, **tables})), clocks=clock.clocks)
        made.append(AuthorizedClientManager(core))
        return made[-1]

    yield build
    for manager in made:
        manager.close()


@pytest.fixture
def manager(build, telemetry):
    manager = build()
    instrument(manager, **telemetry.providers)
    return manager


@pytest.fixture
def settled():
    """Return when no flight of a manager is in progress."""

    def wait(manager):
        core = manager._core
        done = threading.Event()
        for _ in range(2_000):
            if not any(entry.flight for entry in list(core.state.cache.entries.values())):
                return
            done.wait(0.005)
        raise TimeoutError

    return wait
