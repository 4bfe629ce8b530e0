"""For every test."""

from __future__ import annotations

import gc


def pytest_collection_finish(session):
    """Leave what was collected, thousands of tests, out of every later garbage collection."""
    gc.collect()
    gc.freeze()
