"""The probes of docs/health.md, asked as a cluster asks them."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import django
import pytest
from django.conf import settings
from django.test import Client
from fastapi.testclient import TestClient

from oauthreg.testing import Fault

SETTINGS = """
[registration.my-client]
client-id = "my-client"
client-secret = "a secret"
[provider.as]
token-uri = "https://auth.example.com/token"
"""
UNAUTHORIZED = Fault(status=400, body={"error": "unauthorized_client"})


@pytest.fixture
def page(runner):
    """What the page defines, with a manager of its own."""
    (runner.folder / "settings.toml").write_text(runner.replaced(SETTINGS))
    runner.run("docs/health.md")
    return runner.namespace


def ask_fastapi(page, path):
    answer = TestClient(page["api"]).get(path)
    return answer.status_code, answer.json()


def ask_flask(page, path):
    answer = page["web"].test_client().get(path)
    return answer.status_code, answer.get_json(silent=True)


def ask_django(page, path):
    urls = ModuleType("health_page_urls")
    urls.urlpatterns = page["urlpatterns"]
    sys.modules[urls.__name__] = urls
    if not settings.configured:
        settings.configure(ROOT_URLCONF=urls.__name__, ALLOWED_HOSTS=["testserver"])
        django.setup()
    django.urls.clear_url_caches()
    answer = Client().get(path)
    return answer.status_code, json.loads(answer.content) if path == "/ready" else None


@pytest.mark.parametrize("ask", [ask_fastapi, ask_flask, ask_django])
def test_readiness_follows_the_state_and_liveness_does_not(page, server, ask):
    assert ask(page, "/ready") == (
        200,
        {"my-client": {"state": "ready", "reason": None, "since": None}},
    )
    server.inject(UNAUTHORIZED)
    with pytest.raises(page["AuthorizationError"]):
        page["manager"].authorize("my-client")
    status, found = ask(page, "/ready")
    assert (status, found["my-client"]["state"]) == (503, "down")
    assert "unauthorized_client" in found["my-client"]["reason"]
    assert ask(page, "/alive")[0] == 200
    assert server.token_requests == 1, "a probe asks no more than the wait allows"


def test_readiness_does_not_fail_while_there_is_a_valid_token(page, server):
    client = page["manager"].authorize("my-client")
    server.inject(UNAUTHORIZED)
    with pytest.raises(page["AuthorizationError"]):
        page["manager"].authorize("my-client", force=True)
    assert page["manager"].health()["my-client"]["state"] == "degraded"
    assert page["manager"].authorize("my-client").access_token == client.access_token
    assert ask_flask(page, "/ready")[0] == 200


def test_a_probe_ends_an_outage_by_itself(page, server):
    server.inject(UNAUTHORIZED)
    with pytest.raises(page["AuthorizationError"]):
        page["manager"].authorize("my-client")
    server.heal()
    assert not page["ready"]()
    page["manager"]._core.state.configuration_changed()  # which ends the wait
    assert page["ready"]()
    assert page["report"]()["my-client"]["state"] == "ready"
