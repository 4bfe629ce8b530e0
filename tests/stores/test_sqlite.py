from __future__ import annotations

import gc
import sqlite3
import threading
import time

import pytest

from oauthreg import StoreError
from oauthreg.stores import StoreBusyError
from oauthreg.stores import _sqlite as sqlite_store
from oauthreg.stores._config import StoreConfig
from oauthreg.stores._sqlite import SqliteStore
from oauthreg.testing import StoreTests


class TestSqliteStore(StoreTests):
    def connect(self, place):
        place.chmod(0o700)
        return SqliteStore(place / "tokens.db")


@pytest.fixture
def path(tmp_path):
    tmp_path.chmod(0o700)
    return tmp_path / "tokens.db"


@pytest.fixture
def store(path):
    store = SqliteStore(path)
    store.save("a", b"x", generation=1, ttl=60)
    yield store
    store.close()


def failure(call):
    with pytest.raises(StoreError) as caught:
        call()
    assert not isinstance(caught.value, StoreBusyError)
    return str(caught.value)


def test_it_is_made_of_its_settings(path):
    store = SqliteStore.from_config(StoreConfig(type="sqlite", path=path))
    assert store.save("a", b"x", generation=1, ttl=60)


def test_a_store_that_nobody_has_any_more_closes_its_file(path):
    """Python 3.13 warns of a connection that is not closed, and here a warning is an error."""
    store = SqliteStore(path)
    store.save("a", b"x", generation=1, ttl=60)
    connection = store._connection
    del store
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_a_writer_elsewhere_is_busy_and_never_waited_for(store, path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    for use in (
        lambda: store.save("a", b"y", generation=2, ttl=60),
        lambda: store.take_lease("a", "one", 60),
        lambda: store.give_back("a", "one"),
        lambda: store.delete("a", generation=1),
        store.purge,
    ):
        with pytest.raises(StoreBusyError, match="another process"):
            use()
    assert store.load(["a"], lease="a").entries["a"].generation == 1
    assert time.monotonic() - begun < 4
    other.execute("COMMIT")
    assert store.save("a", b"y", generation=2, ttl=60)
    other.close()


def test_a_thread_that_hangs_in_the_disk_is_waited_for_a_limited_time(path):
    store = SqliteStore(path, timeout=0.05)
    store._lock.acquire()
    with pytest.raises(StoreBusyError, match="another thread"):
        store.load(["a"])
    store.close()  # gives up, too
    store._lock.release()


def test_a_lease_lost_to_another_at_the_same_moment_is_tried_again(store, monkeypatch):
    real = SqliteStore._lease

    def overtaken(self, connection, name):
        seen = real(self, connection, name)
        connection.execute("INSERT INTO leases VALUES ('a', 'other', '', 0, 9e9)")
        return seen

    monkeypatch.setattr(SqliteStore, "_lease", overtaken)
    with pytest.raises(StoreBusyError, match="took the lease"):
        store.take_lease("a", "one", 60)
    monkeypatch.undo()
    assert not store.take_lease("a", "one", 60).taken


@pytest.mark.parametrize("noise", [b"noise" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_noise_is_an_error_and_not_overwritten(path, noise):
    path.write_bytes(noise)
    path.chmod(0o600)
    store = SqliteStore(path)
    assert str(path) in failure(lambda: store.load(["a"]))
    assert str(path) in failure(lambda: store.save("a", b"x", generation=1, ttl=60))
    assert path.read_bytes() == noise


def test_a_file_that_turns_into_noise_is_an_error(store, path):
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    path.with_name("tokens.db-wal").write_bytes(b"\xff" * 100)
    store.close()
    failure(lambda: SqliteStore(path).load(["a"]))


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE users (name)",
        "PRAGMA application_id = 7",
        "CREATE TABLE entries (x); CREATE TABLE other (y)",
    ],
)
def test_the_database_of_another_program_is_left_alone(path, script):
    other = sqlite3.connect(path)
    other.executescript(script)
    other.close()
    path.chmod(0o600)
    before = path.read_bytes()
    assert "another program" in failure(lambda: SqliteStore(path).load(["a"]))
    assert path.read_bytes() == before


def test_a_newer_version_s_database_is_left_alone(store, path):
    store.close()
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {sqlite_store.VERSION + 1}")
    other.close()
    assert "newer version" in failure(lambda: SqliteStore(path).load(["a"]))


def test_a_removed_file_is_made_anew(store, path):
    for file in path.parent.iterdir():
        file.unlink()
    assert store.load(["a"]).entries == {}
    assert store.save("a", b"y", generation=1, ttl=60)
    assert SqliteStore(path).load(["a"]).entries["a"].value == b"y"


def test_a_file_put_in_its_place_is_used(store, path):
    copy = path.with_name("copy.db")
    SqliteStore(copy).save("a", b"restored", generation=9, ttl=60)
    other = sqlite3.connect(copy)
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    store.close()
    store = SqliteStore(path)
    store.load(["a"])
    for file in (path.with_name("tokens.db-wal"), path.with_name("tokens.db-shm")):
        file.unlink()
    copy.rename(path)
    assert store.load(["a"]).entries["a"].value == b"restored"


def test_a_folder_that_was_removed_is_an_error(store, path):
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    assert "there is no folder" in failure(lambda: store.load(["a"]))


def test_what_the_disk_cannot_take_is_an_error_and_what_stands_stays(store):
    with store._open() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    assert "full" in failure(lambda: store.save("b", b"x" * 90_000, generation=1, ttl=60))
    assert store.load(["a", "b"]).entries.keys() == {"a"}


def test_a_store_that_may_only_be_read_is_read(store):
    with store._open() as connection:
        connection.execute("PRAGMA query_only = on")
    assert store.load(["a"]).entries
    assert "readonly" in failure(lambda: store.save("a", b"y", generation=2, ttl=60))
    assert store.save("a", b"y", generation=2, ttl=60)  # by a new connection


def test_what_the_file_system_says_is_an_error(path, monkeypatch):
    store = SqliteStore(path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sqlite_store.files, "make_file", full)
    assert "No space left" in failure(lambda: store.load(["a"]))


def test_a_table_that_could_not_be_made_is_made_later(path, monkeypatch):
    store = SqliteStore(path)
    monkeypatch.setattr(sqlite_store, "SCHEMA", "BEGIN IMMEDIATE; CREATE TABLE entries (name);\nx;")
    failure(lambda: store.load(["a"]))
    monkeypatch.undo()
    assert store.load(["a"]).entries == {}


def test_ended_entries_go_by_themselves(store, monkeypatch):
    monkeypatch.setattr(sqlite_store, "PURGE_CHANCE", 1)
    store.save("b", b"x", generation=1, ttl=-1)
    store.save("c", b"x", generation=1, ttl=60)
    with store._open() as connection:
        names = connection.execute("SELECT name FROM entries ORDER BY name").fetchall()
    assert names == [("a",), ("c",)]


def test_one_connection_serves_every_thread(store):
    def use():
        for _ in range(20):
            store.load(["a"])
            connections.add(store._connection)

    connections = set()
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(connections) == 1


def test_a_path_of_any_spelling_is_that_file(tmp_path):
    folder = tmp_path / "100% ünï?#&mode=memory"
    folder.mkdir(0o700)
    SqliteStore(folder / "a b.db").save("a", b"x", generation=1, ttl=60)
    assert (folder / "a b.db").exists()
