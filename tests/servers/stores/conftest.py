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
def databases():
    return _load("databases")


@pytest.fixture(scope="session")
def session_stack():
    with programs.contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def started(session_stack, unavailable):
    """`started(context_manager)`: a server for all tests that do not break it."""

    def start(server):
        try:
            return session_stack.enter_context(server)
        except programs.UnavailableError as why:
            return unavailable(str(why))

    return start


@pytest.fixture(scope="session")
def shared_valkey(valkey_programs, started):
    return started(valkey_programs.running())


@pytest.fixture(scope="session")
def shared_postgres(databases, started):
    return started(databases.postgres())


@pytest.fixture(scope="session")
def shared_pgbouncer(databases, started, shared_postgres):
    return started(databases.pgbouncer(shared_postgres))


@pytest.fixture(scope="session")
def shared_mariadb(databases, started):
    return started(databases.mariadb())


@pytest.fixture
def valkey(shared_valkey, valkey_programs):
    """`valkey(*options)`: a server of its own, for a test that breaks it."""
    with programs.contextlib.ExitStack() as stack:
        yield lambda *options, **how: stack.enter_context(valkey_programs.running(*options, **how))


@pytest.fixture
def postgres(shared_postgres, databases):
    """`postgres(*options)`: a server of its own, for a test that breaks it."""
    with programs.contextlib.ExitStack() as stack:
        yield lambda *options, **how: stack.enter_context(databases.postgres(*options, **how))


@pytest.fixture
def proxy():
    """`proxy(target)`: something between a store and its server."""
    with programs.contextlib.ExitStack() as stack:

        def between(target, context=None):
            made = programs.Proxy(target, context)
            stack.callback(made.close)
            return made

        yield between
