"""Documents are run: pages.py says how."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest
import stevedore._cache
from stevedore.extension import ExtensionManager


def _load():
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        return importlib.import_module("pages")
    finally:
        sys.path.remove(str(Path(__file__).parent))


pages = _load()


@pytest.fixture
def server():
    with pages.pages_server() as server:
        yield server


@pytest.fixture
def runner(server, tmp_path, monkeypatch):
    """A runner in an empty working directory, with the test server in the examples' place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})  # of what was there before
    monkeypatch.setattr(stevedore._cache._c, "_internal", {})
    for name in [*os.environ]:
        if name.startswith("OAUTHREG_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in pages.VARIABLES.items():
        monkeypatch.setenv(name, value)
    runner = pages.Runner(tmp_path, pages.instead(server))
    yield runner
    runner.close()
