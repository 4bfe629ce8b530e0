"""Fixtures of the servers that stores are tested with: each conftest takes those that it needs."""

import contextlib

import programs
import pytest
import valkey_server


@pytest.fixture(scope="session")
def session_stack():
    with contextlib.ExitStack() as stack:
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
def shared_valkey(started):
    return started(valkey_server.running())


@pytest.fixture
def valkey(shared_valkey):
    """`valkey(*options)`: a server of its own, for a test that breaks it."""
    with contextlib.ExitStack() as stack:
        yield lambda *options, **how: stack.enter_context(valkey_server.running(*options, **how))


@pytest.fixture
def proxy():
    """`proxy(target)`: something between a store and its server."""
    with contextlib.ExitStack() as stack:

        def between(target, context=None):
            made = programs.Proxy(target, context)
            stack.callback(made.close)
            return made

        yield between
