"""Servers of stores. One that cannot be had skips its tests, or fails them, like any other."""

import contextlib
import importlib
import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PLACES = [str(HERE), str(HERE.parents[1] / "stores")]

sys.path[:0] = PLACES
try:
    fixtures = importlib.import_module("store_fixtures")
    databases = importlib.import_module("databases")
    programs = importlib.import_module("programs")
finally:
    del sys.path[: len(PLACES)]

session_stack = fixtures.session_stack
started = fixtures.started
shared_valkey = fixtures.shared_valkey
valkey = fixtures.valkey
proxy = fixtures.proxy


@pytest.fixture(scope="session")
def shared_postgres(started):
    return started(databases.postgres())


@pytest.fixture(scope="session")
def shared_pgbouncer(started, shared_postgres):
    return started(databases.pgbouncer(shared_postgres))


@pytest.fixture(scope="session")
def shared_mariadb(started):
    return started(databases.mariadb())


@pytest.fixture
def postgres(shared_postgres):
    """`postgres(*options)`: a server of its own, for a test that breaks it."""
    with contextlib.ExitStack() as stack:
        yield lambda *options, **how: stack.enter_context(databases.postgres(*options, **how))


@pytest.fixture
def mariadb():
    """`mariadb(*options)`: a server of its own."""
    with contextlib.ExitStack() as stack:
        yield lambda *options: stack.enter_context(databases.mariadb(*options))


@pytest.fixture
def certified():
    """`certified(*files, user=...)`: copies that this user may read, in a folder of theirs."""
    with contextlib.ExitStack() as stack:

        def copies(*files, user):
            how = programs.as_user(user)
            place = stack.enter_context(programs.folder(how.get("user")))
            for file in files:
                shutil.copy(file, place / file.name)
                (place / file.name).chmod(0o600)
                os.chown(place / file.name, how.get("user", -1), how.get("group", -1))
            return [place / file.name for file in files]

        yield copies
