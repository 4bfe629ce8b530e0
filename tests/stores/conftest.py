"""Valkey, which comes with the development tools."""

import importlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
try:
    fixtures = importlib.import_module("store_fixtures")
finally:
    sys.path.remove(str(Path(__file__).parent))

session_stack = fixtures.session_stack
started = fixtures.started
shared_valkey = fixtures.shared_valkey
valkey = fixtures.valkey
proxy = fixtures.proxy


@pytest.fixture(scope="session")
def unavailable():
    return pytest.fail
