"""Servers of stores. One that cannot be had skips its tests, or fails them, like any other."""

import importlib
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def _load(name):
    sys.path.insert(0, str(HERE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(HERE))


programs = _load("programs")


@pytest.fixture(scope="session")
def valkey_programs():
    return _load("valkey_server")


@pytest.fixture(scope="session")
def shared_valkey(valkey_programs, unavailable):
    """One server for all tests that do not break it."""
    try:
        valkey_programs.binary()
    except programs.UnavailableError as why:
        unavailable(str(why))
    with valkey_programs.running() as server:
        yield server


@pytest.fixture
def valkey(shared_valkey, valkey_programs):
    """`valkey(*options)`: a server of its own, for a test that breaks it."""
    with programs.contextlib.ExitStack() as stack:
        yield lambda *options, **how: stack.enter_context(valkey_programs.running(*options, **how))


@pytest.fixture
def proxy():
    """`proxy(target)`: something between a store and its server."""
    with programs.contextlib.ExitStack() as stack:

        def between(target, context=None):
            made = programs.Proxy(target, context)
            stack.callback(made.close)
            return made

        yield between
