"""`oauthreg store`: keys, status, schema and purge."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest

from oauthreg._cli import store as commands
from oauthreg._settings.load import load
from oauthreg._shared.seal import key_from, new_key
from oauthreg.stores import StoreBusyError
from oauthreg.stores._memory import MemoryStore
from oauthreg.stores._sqlite import SqliteStore


@pytest.fixture
def sqlite(tmp_path):
    """`sqlite(lines)`: settings with a store in a file, and a registration that is wrong."""

    def write(lines=""):
        (tmp_path / "state").mkdir(0o700, exist_ok=True)
        (tmp_path / "settings.toml").write_text(
            f'[store]\ntype = "sqlite"\npath = "state/tokens.db"\n{lines}\n[registration.wrong]\n'
        )
        return tmp_path / "state/tokens.db"

    return write


def test_a_new_key_stands_alone_on_stdout(oauthreg):
    one, two = oauthreg("store", "new-key"), oauthreg("store", "new-key")
    assert key_from(one.stdout)
    assert one.stdout != two.stdout
    assert re.fullmatch(r"\S{44}\n", one.stdout)
    assert one.stderr == ""


def test_the_status_of_a_store_says_where_it_is_and_that_it_can_be_used(oauthreg, sqlite):
    path = sqlite()
    done = oauthreg("store", "status")
    assert done.returncode == 0, done.stderr
    lines = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in done.stdout.splitlines())
    assert lines["place"] == str(path)
    assert lines["encryption"] == "on"
    assert "its clock" in done.stdout
    assert "ready" in done.stdout


def test_the_status_without_a_store_says_that_nothing_is_shared(oauthreg):
    done = oauthreg("store", "status")
    assert done.returncode == 0
    assert "nothing is shared" in done.stdout


def test_the_status_of_a_store_that_cannot_be_used_says_why(oauthreg, sqlite, monkeypatch):
    path = sqlite()
    path.write_bytes(b"noise" * 200)
    path.chmod(0o600)
    path.with_name("tokens.db.key").write_text(new_key())
    path.with_name("tokens.db.key").chmod(0o600)
    done = oauthreg("store", "status")
    assert done.returncode == 1
    assert "not usable" in done.stdout
    assert "not a database" in done.stderr


def test_the_status_of_another_s_store_says_so(oauthreg, sqlite):
    sqlite(f'keys = ["{new_key()}"]')
    assert oauthreg("store", "status").returncode == 0
    sqlite(f'keys = ["{new_key()}"]')
    done = oauthreg("store", "status")
    assert done.returncode == 1
    assert "another's" in done.stderr


def test_the_status_of_a_store_that_takes_nothing_is_not_ready(oauthreg, sqlite):
    path = sqlite("timeout = 0.05")
    assert oauthreg("store", "status").returncode == 0
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        done = oauthreg("store", "status")
    assert done.returncode == 1
    assert "not usable" in done.stdout
    assert "ready" not in done.stdout
    assert "is writing to it" in done.stderr


def test_the_status_leaves_nothing_in_the_store(oauthreg, sqlite):
    path = sqlite()
    oauthreg("store", "status")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM leases").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (1,)


def test_a_file_is_shown_as_the_place_whatever_address_stands_beside_it(oauthreg, sqlite):
    path = sqlite('url = "redis://127.0.0.1:1/2"')
    assert f"place       {path}\n" in oauthreg("store", "status").stdout


def test_a_store_that_has_no_place_shows_none(oauthreg, monkeypatch):
    monkeypatch.setattr("oauthreg._settings.store.store_factory", lambda _: lambda _: MemoryStore())
    monkeypatch.setenv("OAUTHREG_STORE__TYPE", "mine")
    monkeypatch.setenv("OAUTHREG_STORE__ENCRYPTION", "off")
    done = oauthreg("store", "status")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("type        mine\nencryption  off\n")


def test_an_address_is_shown_without_user_and_password(oauthreg, tmp_path):
    (tmp_path / "settings.toml").write_text(
        '[store]\ntype = "redis"\nencryption = "off"\nurl = "redis://user:s3cret@127.0.0.1:1/2"'
    )
    done = oauthreg("store", "status")
    assert done.returncode == 1
    assert "redis://127.0.0.1:1/2" in done.stdout
    assert "encryption  off" in done.stdout
    assert "127.0.0.1:1" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_an_address_that_cannot_be_read_is_said(oauthreg, tmp_path):
    (tmp_path / "url").write_text("redis://127.0.0.1:1")
    (tmp_path / "settings.toml").write_text(
        '[store]\ntype = "redis"\nencryption = "off"\nurl-file = "url"'
    )
    store = load(tmp_path / "settings.toml").store
    (tmp_path / "url").unlink()
    assert commands._place(store) == "its address cannot be read"


def test_the_schema_is_printed_for_the_database_of_the_address(oauthreg, tmp_path):
    for scheme, word in (("postgresql", "bytea"), ("mysql", "mediumblob")):
        (tmp_path / "settings.toml").write_text(
            f'[store]\ntype = "sql"\nencryption = "off"\nurl = "{scheme}://127.0.0.1:1/x"'
        )
        done = oauthreg("store", "schema")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("CREATE TABLE IF NOT EXISTS oauthreg_store")
        assert done.stdout.endswith(";\n")
        assert word in done.stdout


@pytest.mark.parametrize(
    ("kind", "url", "place"),
    [
        ("sql", "postgresql://me:s3cret@h:1/db?connect_timeout=3", "postgresql://h:1/db"),
        ("sql", "postgresql://me:s3cret@/db?host=h1&host=h2", "postgresql://h1,h2/db"),
        ("redis", "redis://me:s3cret@h/0", "redis://h/0"),
    ],
)
def test_a_place_is_shown_without_user_and_password(kind, url, place):
    store = load({"store": {"type": kind, "encryption": "off", "url": url}}).store
    assert commands._place(store) == place


def test_only_an_sql_store_has_a_schema(oauthreg, sqlite):
    sqlite()
    done = oauthreg("store", "schema")
    assert done.returncode == 2
    assert done.stdout == ""


def test_a_purge_removes_what_has_ended(oauthreg, sqlite):
    path = sqlite()
    store = SqliteStore(path)
    store.save("old", b"x", generation=1, ttl=-1)
    store.save("new", b"x", generation=1, ttl=60)
    path.with_name("tokens.db.key").write_text(new_key())
    path.with_name("tokens.db.key").chmod(0o600)
    assert "Removed 1 entry" in oauthreg("store", "purge").stderr
    assert "Removed 0 entries" in oauthreg("store", "purge").stderr
    assert store.load(["old", "new"]).entries.keys() == {"new"}


def test_there_is_nothing_to_purge_in_memory(oauthreg):
    assert oauthreg("store", "purge").returncode == 2


def test_wrong_settings_are_told(oauthreg, tmp_path):
    (tmp_path / "settings.toml").write_text('[store]\ntype = "sqllite"')
    done = oauthreg("store", "status")
    assert done.returncode == 2
    assert "Did you mean 'sqlite'" in done.stderr


def test_a_store_that_is_busy_is_tried_again_for_its_timeout():
    store, refusals = MemoryStore(), [StoreBusyError("busy")] * 3

    def load():
        if refusals:
            raise refusals.pop()
        return store.load([])

    assert commands._patiently(load, 5).now
    refusals[:] = [StoreBusyError("busy")] * 10_000
    with pytest.raises(StoreBusyError):
        commands._patiently(load, 0.05)


def test_the_commands_are_listed(oauthreg):
    done = oauthreg("store", "--help")
    assert done.returncode == 0
    for name in ("new-key", "status", "schema", "purge"):
        assert name in done.stdout


def test_as_json_the_commands_of_the_store_print_one_value_each(oauthreg, sqlite, tmp_path):
    def answer(*arguments):
        return json.loads(oauthreg("--json", "store", *arguments).stdout)

    assert answer("status") == {"ok": True, "type": "memory"}
    sqlite()
    status = answer("status")
    assert (status["ok"], status["type"], status["encryption"]) == (True, "sqlite", "on")
    assert status["state"].startswith("ready")
    assert answer("purge") == {"removed": 0}
    assert key_from(answer("new-key")["key"])
    sql = '[store]\ntype = "sql"\nurl = "postgresql://127.0.0.1:1/d"\nencryption = "off"\n'
    (tmp_path / "settings.toml").write_text(sql)
    assert "CREATE TABLE" in answer("schema")["schema"]
    failed = answer("status")
    assert (failed["ok"], failed["error"]["type"]) == (False, "StoreError")
