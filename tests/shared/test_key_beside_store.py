from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from oauthreg import StoreError
from oauthreg._secret_values import SecretReadError
from oauthreg._shared import key_ring
from oauthreg._shared.key_ring import KeysBesideStore
from oauthreg._shared.seal import key_from
from oauthreg._shared.shared_store import SharedStore
from oauthreg.stores import _files as files
from oauthreg.stores._sqlite import SqliteStore


@pytest.fixture
def path(tmp_path):
    tmp_path.chmod(0o700)
    return tmp_path / "tokens.db"


def opened(path):
    return SharedStore(SqliteStore(path), KeysBesideStore(path))


def test_the_key_is_made_once_and_for_its_owner_alone(path):
    name = opened(path).names().access_token("key")
    key = files.key_path(path)
    assert key.lstat().st_mode & 0o777 == 0o600
    assert key_from(key.read_text())
    before = key.read_bytes()
    assert opened(path).names().access_token("key") == name
    assert key.read_bytes() == before


def test_the_default_folder_is_made_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = files.default_path()
    opened(path).names()
    assert files.key_path(path).exists()
    assert path.exists()


def test_a_store_whose_key_is_missing_never_gets_a_new_one(path):
    opened(path).names()
    files.key_path(path).unlink()
    keys = KeysBesideStore(path)
    with pytest.raises(SecretReadError, match=r"tokens\.db\.key is missing"):
        keys.check()
    with pytest.raises(StoreError, match="put it back"):
        SharedStore(SqliteStore(path), keys).names()
    assert not files.key_path(path).exists()


def test_a_key_that_is_none_is_an_error(path):
    files.key_path(path).write_text("short\n")
    with pytest.raises(SecretReadError, match="key 1 of 1"):
        KeysBesideStore(path).check()


def test_looking_at_it_makes_nothing(path):
    assert not KeysBesideStore(path).check()
    assert not list(path.parent.iterdir())


def test_a_key_that_cannot_be_made_is_an_error(path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(key_ring.files, "make_file", full)
    with pytest.raises(SecretReadError, match="No space left"):
        KeysBesideStore(path).current()


BEGIN = """
    from pathlib import Path
    from oauthreg._shared.key_ring import KeysBesideStore
    from oauthreg._shared.shared_store import SharedStore
    from oauthreg.stores import StoreBusyError
    from oauthreg.stores._sqlite import SqliteStore
    input()
    shared = SharedStore(SqliteStore(Path({path!r})), KeysBesideStore(Path({path!r})))
    while True:
        try:
            print(shared.names().access_token("key"))
            break
        except StoreBusyError:
            pass
"""


def test_processes_that_begin_together_have_one_key(path):
    code = textwrap.dedent(BEGIN.format(path=str(path)))
    herd = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in herd:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in herd]
    assert len(set(answers)) == 1, answers
    assert answers[0][0]
