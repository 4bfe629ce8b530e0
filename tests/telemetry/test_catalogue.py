"""The catalogue, the dashboard and the alerts name what a real exporter shows."""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path

import pytest
import yaml
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from oauthreg import AuthorizationError
from oauthreg.telemetry import instrument
from oauthreg.telemetry._catalogue import (
    ATTRIBUTES,
    FETCH_SPAN,
    METRICS,
    OF_FETCH_SPAN,
    OF_REQUEST_SPAN,
    document,
)
from oauthreg.testing import Fault

DOCS = Path(__file__).parents[2] / "docs"
GENERATED = re.compile(r"(<!-- generated [^\n]* -->\n)(.*?)(<!-- end -->)", re.DOTALL)
NAME = re.compile(r"\boauthreg_[a-z_]+|\b(?:error_type|server_address|http_\w+)\b")
KINDS = {"Sum": "counter", "Histogram": "histogram", "Gauge": "gauge"}


def exercise(manager, server, gate_telemetry, clock):
    """Do everything that has a metric; return what the gauges of a waiting caller show."""
    server.script("token", [None, Fault(status=503), Fault(status=503)])
    manager.authorize("app")
    clock.now += 1000
    with pytest.raises(AuthorizationError):
        manager.authorize("app")
    clock.now += 60
    manager.authorize("app")
    manager.reject("app", manager.authorize("app").access_token.token_value)
    with server.hold() as gate:
        caller = threading.Thread(target=manager.authorize, args=["app"], kwargs={"scope": "read"})
        caller.start()
        gate.wait_for(1)
        seen = gate_telemetry()
    caller.join()
    return seen


@pytest.fixture
def readers():
    return [PrometheusMetricReader()]


@pytest.fixture
def used(build, telemetry, server, clock, tmp_path):
    """An SDK's metrics after everything happened, and the page of a Prometheus exporter."""
    manager = build(store={"type": "sqlite", "path": str(tmp_path / "tokens")})
    instrument(manager, served=True, **telemetry.providers)
    waiting = exercise(
        manager, server, lambda: (telemetry.metrics(), generate_latest(REGISTRY)), clock
    )
    server.inject(Fault(status=401, body={"error": "invalid_client"}))
    clock.now += 1000
    with pytest.raises(AuthorizationError):
        manager.authorize("app", force=True)
    return [waiting, (telemetry.metrics(), generate_latest(REGISTRY))]


def test_what_an_sdk_exports_is_the_catalogue(used):
    seen = {}
    for metrics, _ in used:
        for name, metric in metrics.items():
            attributes = {key for p in metric.data.data_points for key in p.attributes}
            kind = KINDS[type(metric.data).__name__]
            known = seen.setdefault(name, (kind, metric.unit, metric.description, set()))
            known[3].update(attributes)
    assert seen == {m.name: (m.kind, m.unit, m.description, set(m.attributes)) for m in METRICS}


def test_what_spans_have_is_the_catalogue(used, telemetry):
    found = {True: set(), False: set()}
    for span in telemetry.finished():
        found[span.name == FETCH_SPAN].update(span.attributes)
    assert found[True] == set(OF_FETCH_SPAN)
    assert found[False] == set(OF_REQUEST_SPAN)


def test_every_attribute_of_the_catalogue_is_explained_and_used():
    used = {name for m in METRICS for name in m.attributes} | {*OF_FETCH_SPAN, *OF_REQUEST_SPAN}
    assert used == ATTRIBUTES.keys()


def test_the_page_has_the_catalogue():
    """`WRITE_REFERENCES=1 pytest tests/telemetry` writes it anew."""
    page = DOCS / "metrics.md"
    text = page.read_text("utf-8")
    wanted = GENERATED.sub(lambda found: f"{found[1]}{document()}{found[3]}", text)
    if os.environ.get("WRITE_REFERENCES"):
        page.write_text(wanted, "utf-8")
    assert page.read_text("utf-8") == wanted


def names_and_labels(pages):
    """Return every name of a sample, and every label, on the pages of an exporter."""
    samples = [
        sample
        for page in pages
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if sample.name.startswith("oauthreg")
    ]
    return {s.name for s in samples}, {label for s in samples for label in s.labels}


def expressions():
    rules = yaml.safe_load((DOCS / "monitoring/alerts.yml").read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"] + " ".join(rule["annotations"].values())
    board = json.loads((DOCS / "monitoring/grafana.json").read_text("utf-8"))
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"] + target["legendFormat"]
    for variable in board["templating"]["list"]:
        yield variable["name"], variable["query"]


def test_dashboard_and_alerts_use_names_that_an_exporters_page_has(used):
    names, labels = names_and_labels([page for _, page in used])
    assert {m.in_prometheus for m in METRICS} <= {name.removesuffix("_bucket") for name in names}
    seen = set()
    for place, text in expressions():
        found = set(NAME.findall(text))
        assert found <= names | labels, f"{place}: {found - names - labels}"
        seen |= found & names
    assert {name.removesuffix("_bucket") for name in seen} == {m.in_prometheus for m in METRICS}


def test_every_panel_has_a_place_of_its_own():
    board = json.loads((DOCS / "monitoring/grafana.json").read_text("utf-8"))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in board["panels"]}) == len(places)
