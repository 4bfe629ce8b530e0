from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from oauthreg import ConfigurationError, StoreError
from oauthreg.stores import _files as files
from oauthreg.stores._sqlite import SqliteStore


@pytest.fixture
def path(tmp_path):
    tmp_path.chmod(0o700)
    return tmp_path / "tokens.db"


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def refusal(path, **how):
    with pytest.raises(ConfigurationError) as caught:
        SqliteStore(path, **how)
    (problem,) = caught.value.problems
    assert problem.path == "store.path"
    return str(problem)


def filled(path):
    store = SqliteStore(path)
    store.save("a", b"secret", generation=1, ttl=60)
    return store


def test_nothing_is_made_before_it_is_used(path):
    SqliteStore(path)
    assert not path.exists()


def test_every_file_is_its_owner_s_alone(path, monkeypatch):
    old = os.umask(0)
    try:
        store = filled(path)
    finally:
        os.umask(old)
    made = sorted(file.name for file in path.parent.iterdir())
    assert made == ["tokens.db", "tokens.db-shm", "tokens.db-wal"]
    assert {mode(file) for file in path.parent.iterdir()} == {0o600}
    store.close()


def test_the_default_folder_is_made_for_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home" / "state"))
    path = files.default_path()
    filled(path)
    assert path == tmp_path / "home/state/oauthreg/tokens.db"
    assert mode(path.parent) == mode(tmp_path / "home") == 0o700


def test_the_default_is_below_the_home_of_the_user(monkeypatch):
    monkeypatch.setenv("HOME", "/home/alice")
    for unusable in ("", "relative/state"):
        monkeypatch.setenv("XDG_STATE_HOME", unusable)
        assert files.default_path() == Path("/home/alice/.local/state/oauthreg/tokens.db")


def test_a_user_without_a_home_has_to_name_a_path(monkeypatch):
    def no_home():
        raise RuntimeError

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(ConfigurationError, match=r"Set store\.path"):
        files.default_path()


def test_a_path_in_no_folder_is_refused(tmp_path):
    assert f"there is no folder {tmp_path}/none" in refusal(tmp_path / "none" / "tokens.db")


def test_a_folder_that_others_can_read_is_refused_and_not_changed(path):
    path.parent.chmod(0o755)
    text = refusal(path)
    assert "(mode 0755)" in text
    assert f"chmod 700 {path.parent}" in text
    assert mode(path.parent) == 0o755
    SqliteStore(path, allow_readable=True)


@pytest.mark.parametrize("name", ["tokens.db", "tokens.db.key"])
def test_a_file_that_others_can_read_is_refused_and_not_changed(path, name):
    file = path.with_name(name)
    file.touch(0o640)
    file.chmod(0o640)
    text = refusal(path)
    assert "(mode 0640)" in text
    assert f"chmod 600 {file}" in text
    assert mode(file) == 0o640
    SqliteStore(path, allow_readable=True)


@pytest.mark.parametrize("name", ["tokens.db", "tokens.db.key"])
def test_a_symbolic_link_is_refused(path, name):
    path.with_name("other").touch(0o600)
    path.with_name(name).symlink_to(path.with_name("other"))
    assert "is a symbolic link" in refusal(path, allow_readable=True)


def test_a_folder_that_is_a_symbolic_link_is_refused(tmp_path):
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert "is a symbolic link" in refusal(tmp_path / "link" / "tokens.db")


def test_what_is_no_file_is_refused(path):
    path.mkdir()
    assert "is no file" in refusal(path)
    assert "is no folder" in refusal(Path("/dev/null/tokens.db"))


def test_another_owner_is_refused(path, monkeypatch):
    path.touch(0o600)
    me = os.geteuid()
    monkeypatch.setattr(files.os, "geteuid", lambda: me + 1)
    text = refusal(path)
    assert f"belongs to another user ({me}" in text


def test_a_folder_that_cannot_be_looked_into_is_refused(path, monkeypatch):
    def denied(_self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "lstat", denied)
    assert "Permission denied" in refusal(path)


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("36 25 0:32 / {} rw - nfs4 server:/home rw", True),
        ("36 25 0:32 / {} rw shared:1 - cifs //server/home rw", True),
        ("36 25 0:32 / {} rw - fuse.sshfs host: rw", True),
        ("36 25 0:32 / {} rw - ext4 /dev/sda1 rw", False),
        ("36 25 0:32 / {}/deeper rw - nfs4 server:/home rw", False),
        ("36 25 0:32 / {}x rw - nfs4 server:/home rw", False),
    ],
)
def test_a_network_file_system_is_refused(path, monkeypatch, line, refused):
    folder = path.parent / "with space"
    folder.mkdir(0o700)
    table = path.parent / "mountinfo"
    place = str(folder).replace(" ", "\\040")
    table.write_text(f"25 1 8:1 / / rw - ext4 /dev/sda rw\n{line.format(place)}\n")
    monkeypatch.setattr(files, "MOUNTS", table)
    if refused:
        text = refusal(folder / "tokens.db")
        assert "network file system" in text
        assert '"sql" or "redis"' in text
    else:
        SqliteStore(folder / "tokens.db")


def test_where_mounts_cannot_be_known_nothing_is_refused(path, monkeypatch):
    monkeypatch.setattr(files, "MOUNTS", path)
    assert files.file_system(path.parent) == ""
    SqliteStore(path)


def test_a_place_without_a_write_ahead_log_is_refused(path, monkeypatch):
    """SQLite answers with the mode that it is in where it cannot have the one asked for."""
    filled(path).close()
    real = sqlite3.connect

    class Cursor:
        @staticmethod
        def fetchone():
            return ("delete",)

    class Connection(sqlite3.Connection):
        def execute(self, sql, *args):
            return Cursor() if "journal_mode" in sql else super().execute(sql, *args)

    monkeypatch.setattr(
        sqlite3, "connect", lambda *args, **kwargs: real(*args, factory=Connection, **kwargs)
    )
    text = refusal(path)
    assert "no write-ahead log" in text
    assert '"sql" or "redis"' in text
    path.rename(path.with_name("away"))
    store = SqliteStore(path)
    with pytest.raises(StoreError, match="no write-ahead log"):
        store.load(["a"])


def test_a_file_is_whole_from_its_first_moment(path):
    key = files.key_path(path)
    assert files.make_file(key, b"one")
    assert not files.make_file(key, b"two")
    assert key.read_bytes() == b"one"
    assert [file.name for file in key.parent.iterdir()] == [key.name]
    assert mode(key) == 0o600


def test_a_problem_that_comes_later_is_a_store_error(path):
    store = filled(path)
    store.close()
    store = SqliteStore(path)
    path.chmod(0o644)
    with pytest.raises(StoreError, match="mode 0644"):
        store.load(["a"])
    path.chmod(0o600)
    assert store.load(["a"]).entries


def test_nobody_is_told_to_close_a_folder_of_all_users(tmp_path):
    everybodys = tmp_path / "tmp"
    everybodys.mkdir()
    everybodys.chmod(0o1777)
    with pytest.raises(ConfigurationError) as caught:
        SqliteStore(everybodys / "tokens.db")
    assert "Name a folder of its own" in str(caught.value)
    assert "chmod" not in str(caught.value)
