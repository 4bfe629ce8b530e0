"""The Python of the reference pages runs; of the others their own tests say so."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from oauthreg.stores._memory import MemoryStore

ROOT = Path(__file__).parents[2]
SETTINGS = """
[registration.my-client]
client-id = "my-client"
client-secret = "a secret"
[provider.as]
token-uri = "https://auth.example.com/token"
"""
HERE = ("events.md", "metrics.md")
ELSEWHERE = {"health.md", "plugins.md", "testing.md"}
"""Run by test_health_page, test_documents and test_testing_page."""


@pytest.mark.parametrize("page", HERE)
def test_the_page_does_what_it_says(runner, page):
    (runner.folder / "settings.toml").write_text(runner.replaced(SETTINGS))
    runner.run(f"docs/{page}")
    assert runner.managers


def test_the_kit_of_the_page_about_stores_takes_a_store(runner, monkeypatch):
    module = ModuleType("my_store")
    module.MyStore = MemoryStore
    monkeypatch.setitem(sys.modules, "my_store", module)
    runner.run("docs/fleet.md")
    kit = runner.namespace["TestMyStore"]
    assert [name for name in dir(kit) if name.startswith("test_")]


def test_every_page_with_python_in_it_is_run_somewhere():
    pages = {path.name for path in ROOT.glob("docs/*.md") if "\n```python" in path.read_text()}
    assert pages == {*HERE, *ELSEWHERE, "fleet.md"}
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert all(re.search(rf"docs/{re.escape(page)}\"", tests) for page in ELSEWHERE)
