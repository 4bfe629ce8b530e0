"""What becomes of a store in a database: rights, restarts, passwords, networks, other tables."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from oauthreg import StoreError
from oauthreg._secret_values import LiteralSecret, Secret
from oauthreg.stores import _sql as sql
from oauthreg.stores import _sql_engine as sql_engine
from oauthreg.stores._sql import SqlStore
from oauthreg.testing._kit.processes import together


class Changing:
    reference, local = "vault:url", False

    def __init__(self, url):
        self.url = url

    def read(self):
        return Secret(self.url)


@pytest.fixture
def store_at():
    """`store_at(url)`: a store that is closed after the test."""
    stores = []

    def connect(url, **how):
        source = LiteralSecret(Secret(url)) if isinstance(url, str) else url
        stores.append(SqlStore(source, **{"prefix": "p", "timeout": 5} | how))
        return stores[-1]

    yield connect
    for store in stores:
        store.close()


@pytest.fixture
def database(shared_postgres):
    """`database(name)`: an empty database of the shared server."""
    names = []

    def create(name="fresh"):
        with shared_postgres.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
        names.append(name)
        return shared_postgres.url(name)

    yield create
    with shared_postgres.connect() as connection:
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def failure(call):
    with pytest.raises(StoreError) as caught:
        call()
    return str(caught.value)


def save(store, name="a", generation=1, **how):
    return store.save(name, b"x", generation=generation, ttl=60, **how)


def eventually(call, seconds=30):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call()
        except StoreError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_table_that_is_missing_is_made_by_one_of_many(request, store_at, kind):
    server = request.getfixturevalue(f"shared_{kind}")
    drop(server)
    stores = [store_at(server.url(), prefix=f"p{number}") for number in range(8)]
    assert together(lambda number: save(stores[number])) == [True] * 8


def drop(server):
    with server.connect(database=server.default) as connection:
        connection.cursor().execute("DROP TABLE IF EXISTS oauthreg_store")


def test_who_may_not_make_the_table_is_told_how(store_at, database, shared_postgres):
    database("closed")
    with shared_postgres.connect("closed") as connection:
        connection.execute("DROP ROLE IF EXISTS app")
        connection.execute("CREATE ROLE app LOGIN")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    store = store_at(shared_postgres.url("closed", user="app"))
    text = failure(lambda: store.load(["a"]))
    assert "permission denied" in text
    assert "oauthreg store schema" in text
    with shared_postgres.connect("closed") as connection:
        connection.execute(store.schema)
        text = failure(lambda: store.load(["a"]))
        assert "permission denied" in text
        assert "needs SELECT, INSERT, UPDATE and DELETE" in text
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON oauthreg_store TO app")
    assert save(store)
    assert store.take_lease("a", "one", 1).taken
    store.purge()


COLUMNS = {
    "name": "varchar(160) PRIMARY KEY",
    "generation": "bigint DEFAULT 0",
    "value": "{bytes}",
    "ends": "double precision DEFAULT 0",
    "owner": "varchar(100)",
    "lease_begins": "double precision DEFAULT 0",
    "lease_ends": "double precision DEFAULT 0",
}


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
@pytest.mark.parametrize(
    "other",
    [
        {"value": None},
        {"value": "text"},
        {"generation": "smallint DEFAULT 0"},
        {"ends": "double precision"},
        {"ends": "{time}"},
    ],
)
def test_a_table_of_another_version_is_an_error(request, store_at, kind, other):
    server = request.getfixturevalue(f"shared_{kind}")
    drop(server)
    types = {"bytes": "bytea", "time": "timestamptz DEFAULT now()"}
    if kind == "mariadb":
        types = {"bytes": "mediumblob", "time": "datetime DEFAULT now()"}
    columns = (f"{name} {one.format(**types)}" for name, one in (COLUMNS | other).items() if one)
    with server.connect(database=server.default) as connection:
        connection.cursor().execute(f"CREATE TABLE oauthreg_store ({', '.join(columns)})")
    store = store_at(server.url())
    calls = (
        lambda: store.take_lease("a", "one", 60),
        lambda: save(store, generation=2**50),
        lambda: store.load(["a"]),
    )
    text = failure(lambda: [call() for call in calls])
    drop(server)
    assert "another version" in text


def test_no_such_database_is_an_error(store_at, shared_postgres, shared_mariadb):
    assert '"none" does not exist' in failure(
        lambda: store_at(shared_postgres.url("none")).load(["a"])
    )
    assert "Unknown database" in failure(lambda: store_at(shared_mariadb.url("none")).load(["a"]))


def test_a_server_that_is_not_there_is_an_error(store_at):
    assert "127.0.0.1" in failure(lambda: store_at("postgresql://u:pw@127.0.0.1:1/d").load(["a"]))
    text = failure(lambda: store_at("mysql://u:s3cret@127.0.0.1:1/d").load(["a"]))
    assert "Can't connect" in text
    assert "s3cret" not in text


@pytest.fixture
def guarded(postgres):
    """A server of its own that asks for passwords."""
    server = postgres(tcp=True)
    with server.connect() as connection:
        connection.execute("CREATE ROLE app LOGIN PASSWORD 'first-pw'")
        connection.execute("ALTER DATABASE postgres OWNER TO app")
        connection.execute("GRANT CREATE ON SCHEMA public TO app")
    rules = server.place / "data" / "pg_hba.conf"
    rules.write_text("local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    with server.connect() as connection:
        connection.execute("SELECT pg_reload_conf()")
    return server


def address(server, password):
    return f"postgresql://app:{password}@127.0.0.1:{server.port}/postgres"


def test_a_password_that_is_rotated_is_read_anew(guarded, store_at):
    url = Changing(address(guarded, "first-pw"))
    store = store_at(url)
    save(store)
    with guarded.connect() as connection:
        connection.execute("ALTER ROLE app PASSWORD 'second-pw'")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'"
        )
    url.url = address(guarded, "second-pw")
    assert store.load(["a"]).entries


def test_a_wrong_password_is_an_error_that_does_not_show_it(guarded, store_at):
    text = failure(lambda: store_at(address(guarded, "wrong-pw")).load(["a"]))
    assert "password authentication failed" in text
    assert "wrong-pw" not in text
    assert 'user "**********"' in text


def test_a_server_that_was_restarted_is_used_again(postgres, store_at):
    server = postgres()
    store = store_at(server.url())
    save(store)
    server.kill()
    failure(lambda: store.load(["a"]))
    server.start()
    assert store.load(["a"]).entries["a"].generation == 1
    assert save(store, generation=2)


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_server_that_is_frozen_keeps_nobody(request, store_at, kind):
    if kind == "postgres":
        server = request.getfixturevalue("postgres")()
    else:
        server = request.getfixturevalue("shared_mariadb")
    store = store_at(server.url(), timeout=1)
    save(store, "frozen")
    with frozen(server):
        begun = time.monotonic()
        for _ in range(2):
            failure(lambda: store.load(["frozen"]))
        assert time.monotonic() - begun < 10
    assert eventually(lambda: store.load(["frozen"])).entries


def until(holds, seconds=30):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextlib.contextmanager
def frozen(server):
    """Stop a server and its children, as a hypervisor does."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    pids = [server.process.pid, *map(int, children.read_text().split())]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    until(lambda: all("\nState:\tT" in Path(f"/proc/{p}/status").read_text() for p in pids))
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_connection_that_was_idle_is_replaced_unnoticed(postgres, store_at, monkeypatch):
    monkeypatch.setattr(sql_engine, "IDLE_SECONDS", 0)
    server = postgres()
    store = store_at(server.url())
    save(store)
    server.kill()
    server.start()
    assert store.load(["a"]).entries
    assert save(store, generation=2)


def test_a_network_that_was_cut_is_used_again(postgres, store_at, proxy):
    server = postgres(tcp=True)
    between = proxy(("127.0.0.1", server.port))
    store = store_at(f"postgresql://postgres@127.0.0.1:{between.port}/postgres")
    save(store)
    between.cut_off()
    failure(lambda: store.load(["a"]))
    between.cut = False
    assert store.load(["a"]).entries


def test_a_server_that_may_only_be_read_is_read(database, store_at, shared_postgres):
    url = database("readonly")
    save(store_at(url))
    with shared_postgres.connect() as connection:
        connection.execute("ALTER DATABASE readonly SET default_transaction_read_only = on")
    store = store_at(url)
    assert store.load(["a"]).entries
    assert "read-only" in failure(lambda: save(store, generation=2))


def test_a_statement_that_lost_to_another_is_sent_once_more(database, store_at, monkeypatch):
    store = store_at(database())
    save(store)
    real, failures = sql._once, [psycopg.errors.DeadlockDetected("deadlock detected")]

    def once(database, statement, values):
        if failures:
            raise sql.DBAPIError("", None, failures.pop())
        return real(database, statement, values)

    monkeypatch.setattr(sql, "_once", once)
    assert store.load(["a"]).entries
    failures.extend(psycopg.errors.DeadlockDetected("deadlock detected") for _ in range(3))
    assert "deadlock" in failure(lambda: save(store, generation=2))


def test_what_has_ended_goes_by_itself(database, store_at, monkeypatch, shared_postgres):
    url = database("ending")
    store, other = store_at(url), store_at(url, prefix="p_")
    for one in (store, other):
        one.save("a", b"x", generation=1, ttl=-1)
    monkeypatch.setattr(sql, "PURGE_CHANCE", 1)
    save(store, "b")
    with shared_postgres.connect("ending") as connection:
        rows = connection.execute("SELECT name FROM oauthreg_store ORDER BY name").fetchall()
    assert rows == [("p:b",), ("p_:a",)]


def test_no_error_shows_what_was_to_be_saved(database, store_at, shared_postgres):
    url = database("small")
    store = store_at(url)
    save(store)
    with shared_postgres.connect("small") as connection:
        connection.execute("ALTER TABLE oauthreg_store ADD CHECK (length(value) < 5)")
    text = failure(lambda: store.save("a", b"sealed-bytes", generation=2, ttl=60))
    assert "check constraint" in text
    assert "sealed" not in text


def test_nothing_is_kept_in_a_session(shared_pgbouncer, store_at):
    """Through a pooler that gives each statement another session, by turns."""
    store = store_at(shared_pgbouncer.url(), prefix="pooled")
    for number in range(1, 20):
        assert save(store, generation=number)
        assert store.take_lease("a", f"owner-{number}", 60).taken
        store.give_back("a", f"owner-{number}")
    assert store.load(["a"]).entries["a"].generation == 19
