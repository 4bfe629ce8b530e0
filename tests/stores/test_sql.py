"""The sql store without a server: its statements are run by SQLite, as one more dialect.

The databases that it is for run the same kit in tests/servers/stores.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from oauthreg import StoreError
from oauthreg._secret_values import LiteralSecret, Secret
from oauthreg.stores import Entry
from oauthreg.stores import _sql as sql
from oauthreg.stores import _sql_engine as sql_engine
from oauthreg.stores._sql import SqlStore
from oauthreg.stores._sql_dialects import POSTGRESQL
from oauthreg.testing import StoreTests

SQLITE = replace(
    POSTGRESQL,
    drivers={"pysqlite": "it is built in"},
    now="((julianday('now') - 2440587.5) * 86400.0)",
    table=POSTGRESQL.table.replace("double precision", "double"),
    no_table=frozenset({"no table"}),
    other_table=frozenset({"other table"}),
    no_rights=frozenset({"no rights"}),
    again=frozenset({"again"}),
    take="",  # SQLite inserts in no WITH
)


STORES = []


@pytest.fixture(autouse=True, params=["one statement", "several"])
def sqlite(monkeypatch, request):
    save = POSTGRESQL.save if request.param == "one statement" else ""
    monkeypatch.setattr(sql_engine, "DIALECTS", {"sqlite": replace(SQLITE, save=save)})
    yield
    while STORES:
        STORES.pop().close()


def made(path, url=None):
    source = url or LiteralSecret(Secret(f"sqlite:///{path}"))
    store = SqlStore(source, prefix="p", timeout=5)
    sql._once(store._database(), SQLITE.table, {})
    STORES.append(store)
    return store


class TestSqlStore(StoreTests):
    def connect(self, place):
        return made(place / "table.db")


class RefusedError(Exception):
    def __init__(self, sqlstate, text="refused"):
        super().__init__(text)
        self.sqlstate = sqlstate


@pytest.fixture
def failing(monkeypatch):
    """`failing(code, ...)`: the next statements fail with these codes; gives what was sent."""
    real, codes, sent = sql._once, [], []

    def once(database, statement, values):
        sent.append(statement)
        if codes:
            raise DBAPIError("", None, RefusedError(codes.pop(0), "refused\nsome detail"))
        return real(database, statement, values)

    monkeypatch.setattr(sql, "_once", once)

    def fail(*these):
        codes[:] = these
        sent.clear()
        return sent

    return fail


def failure(call):
    with pytest.raises(StoreError) as caught:
        call()
    return str(caught.value)


@pytest.fixture
def store(tmp_path):
    store = made(tmp_path / "table.db")
    store.save("a", b"x", generation=1, ttl=60)
    return store


def test_a_statement_that_lost_to_another_is_sent_once_more(store, failing):
    sent = failing("again")
    assert store.load(["a"]).entries
    assert len(sent) == 2
    failing(*["again"] * 3)
    assert "refused" in failure(lambda: store.load(["a"]))


def test_a_missing_table_is_made(store, failing):
    sent = failing("no table")
    assert store.load(["a"]).entries
    assert sent[1] == SQLITE.table


def test_a_table_that_another_process_makes_at_this_moment_is_used(store, failing):
    failing("no table", "again")
    assert store.load(["a"]).entries


def test_a_table_that_cannot_be_made_is_named(store, failing):
    failing("no table", "denied")
    text = failure(lambda: store.load(["a"]))
    assert "refused. Its table oauthreg_store is missing" in text
    assert "oauthreg store schema" in text
    assert "some detail" not in text


def test_a_table_of_another_version_is_named(store, failing):
    failing("other table")
    assert "another version" in failure(lambda: store.load(["a"]))


def test_an_address_that_has_changed_is_used_at_once(tmp_path, failing):
    class Changing:
        reference, local = "vault:url", False
        path = tmp_path / "one.db"

        def read(self):
            return Secret(f"sqlite:///{self.path}")

    url = Changing()
    made(tmp_path / "two.db").save("a", b"two", generation=2, ttl=60)
    store = made(None, url)
    store.save("a", b"one", generation=1, ttl=60)
    failing("gone")
    assert "refused" in failure(lambda: store.load(["a"]))
    url.path = tmp_path / "two.db"
    assert store.load(["a"]).entries["a"].value == b"one"
    failing("gone")
    assert store.load(["a"]).entries["a"].value == b"two"


def test_what_is_wrong_with_the_pool_is_an_error(store, monkeypatch):
    def exhausted(*_):
        raise sql.SQLAlchemyError

    monkeypatch.setattr(sql, "_once", exhausted)
    assert "SQLAlchemyError" in failure(lambda: store.load(["a"]))


def test_a_connection_that_was_idle_is_asked_first(store, monkeypatch):
    monkeypatch.setattr(sql_engine, "IDLE_SECONDS", -1)
    asked = []
    dialect = store._database().engine.dialect
    real = dialect.do_ping

    def ping(connection):
        asked.append(connection)
        if len(asked) == 1:
            raise OSError("gone")
        return real(connection)

    monkeypatch.setattr(dialect, "do_ping", ping)
    assert store.load(["a"]).entries
    assert asked


def test_words_of_an_error_hide_the_password(store, monkeypatch, failing):
    database = store._database()
    monkeypatch.setattr(
        store, "_databases", {sql.os.getpid(): replace(database, url="sqlite://u:s3cret@/x")}
    )
    error = DBAPIError("", None, RefusedError("", "no s3cret here: certificate verify failed"))
    text = str(store._failure(store._database(), error))
    assert "s3cret" not in text
    assert "store.ca-bundle" in text
    assert sql._words(DBAPIError("", None, RefusedError.__new__(RefusedError))) == "RefusedError"


def test_what_a_driver_raises_besides_its_own_errors_is_an_error(store, monkeypatch):
    def once(*_):
        raise TypeError("an unexpected keyword 'ssl-mode'")

    monkeypatch.setattr(sql, "_once", once)
    assert "an unexpected keyword 'ssl-mode'" in failure(lambda: store.load(["a"]))


def test_who_may_not_use_the_table_is_told_what_he_needs(store, failing):
    failing("no rights")
    assert "needs SELECT, INSERT, UPDATE and DELETE" in failure(lambda: store.load(["a"]))


def test_all_is_connected_anew_after_a_failure(store, failing):
    before = store._database()
    failing("gone")
    failure(lambda: store.load(["a"]))
    assert before.closed
    assert store._database() is not before
    assert store.load(["a"]).entries


def test_two_that_fail_at_once_connect_anew_once(store):
    database = store._database()
    error = DBAPIError("", None, RefusedError("gone"))
    failure(lambda: store._mended(database, error))
    anew = store._database()
    failure(lambda: store._mended(database, error))
    assert store._database() is anew


def test_a_connection_in_use_is_closed_when_it_is_not_any_more(store):
    database = store._database()
    with database.engine.connect() as connection:
        database.close()
        used = connection.connection.dbapi_connection
        used.execute("SELECT 1")
    with pytest.raises(sqlite3.ProgrammingError):
        used.execute("SELECT 1")


@pytest.mark.parametrize("row", ["'p:a', 1, 'text', 9e9, 0, 0", "'p:a', 1, x'61', NULL, 0, 0"])
def test_columns_of_other_types_are_those_of_another_version(store, monkeypatch, row):
    monkeypatch.setattr(sql, "LOAD", f"SELECT 1.0, {row}")
    assert "another version" in failure(lambda: store.load(["a"]))


def test_nothing_of_a_row_is_logged(store, caplog):
    store.save("b", b"t0ken", generation=1, ttl=60)
    with caplog.at_level(1):
        for name in ("sqlalchemy.engine", "sqlalchemy.pool"):
            caplog.set_level(1, name)
        store.close()
        other = made(None, store._url)
        assert other.load(["b"]).entries
    assert "t0ken" not in caplog.text


def test_what_has_ended_goes_by_itself(store, monkeypatch):
    store.save("b", b"x", generation=1, ttl=-1)
    monkeypatch.setattr(sql, "PURGE_CHANCE", 1)
    store.save("c", b"x", generation=1, ttl=60)
    with store._database().engine.connect() as connection:
        rows = connection.execute(sql.text("SELECT name FROM oauthreg_store ORDER BY name"))
        assert [name for (name,) in rows] == ["p:a", "p:c"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("100.0, 110.0, 7, x'61', 200.0, 50.0, 60.0", (True, 10.0, Entry(7, b"a"))),
        ("100.0, 110.0, 7, x'61', 90.0, 50.0, 60.0", (True, 10.0, None)),
        ("100.0, 110.0, 0, NULL, 0.0, NULL, NULL", (True, 10.0, None)),
        ("100.0, NULL, NULL, NULL, NULL, 95.0, 105.0", (False, 5.0, None)),
        ("100.0, NULL, NULL, NULL, NULL, NULL, NULL", (False, 0.0, None)),
        ("100.0, NULL, NULL, NULL, NULL, 400.0, 500.0", (False, 0.0, None)),
    ],
)
def test_one_statement_says_how_a_lease_stands(tmp_path, monkeypatch, row, expected):
    store = made(tmp_path / "table.db")
    dialect = replace(SQLITE, take=f"SELECT {row}")
    database = replace(store._database(), dialect=dialect)
    monkeypatch.setattr(store, "_database", lambda: database)
    lease = store.take_lease("a", "one", 10)
    assert (lease.taken, lease.left, lease.entry) == expected
    assert lease.now.time == 100.0
