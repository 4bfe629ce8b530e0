from __future__ import annotations

import os

import pytest

from oauthreg._secret_values import FileSecret, LiteralSecret, Secret, SecretReadError
from oauthreg._shared.key_ring import (
    REREAD_SECONDS,
    SOONEST_REREAD,
    UNENCRYPTED,
    KeysFromSource,
    ring_of,
)
from oauthreg._shared.seal import new_key

ONE, TWO = new_key(), new_key()


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class Vault:
    """A source that is not on this machine."""

    reference = "vault:keys"
    local = False

    def __init__(self, text):
        self.text = text
        self.reads = 0

    def read(self):
        self.reads += 1
        if not self.text:
            raise SecretReadError("vault:keys is away")
        return Secret(self.text)


def opens(keys, text, **how):
    sealed = ring_of([text]).seal(b"x")
    return keys.current(**how).open(sealed) == b"x"


def test_keys_are_divided_by_spaces_lines_or_commas():
    keys = KeysFromSource(LiteralSecret(Secret(f"{ONE},\n  {TWO}\n")))
    assert opens(keys, ONE)
    assert opens(keys, TWO)
    assert keys.current().is_current(ring_of([ONE]).seal(b"x"))


def test_a_file_is_read_anew_when_it_changes(tmp_path):
    path = tmp_path / "keys"
    path.write_text(ONE)
    keys = KeysFromSource(FileSecret(path), Clock())
    first = keys.current()
    assert keys.current() is first
    path.write_text(f"{TWO}\n{ONE}\n")
    assert keys.current() is not first
    assert opens(keys, TWO)


def test_a_file_that_was_only_touched_gives_the_same_ring(tmp_path):
    path = tmp_path / "keys"
    path.write_text(ONE)
    keys = KeysFromSource(FileSecret(path), Clock())
    first = keys.current()
    os.utime(path, ns=(1, 1))
    assert keys.current() is first


def test_the_last_keys_stay_while_the_file_cannot_be_read(tmp_path):
    path = tmp_path / "keys"
    path.write_text(ONE)
    clock = Clock()
    keys = KeysFromSource(FileSecret(path), clock)
    first = keys.current()
    path.write_text("half a ke")
    assert keys.current() is first
    path.unlink()
    assert keys.current() is first
    path.write_text(TWO)
    assert opens(keys, TWO)


def test_another_source_is_read_anew_every_minute():
    clock, vault = Clock(), Vault(ONE)
    keys = KeysFromSource(vault, clock)
    first = keys.current()
    clock.now += REREAD_SECONDS - 1
    assert keys.current() is first
    assert vault.reads == 1
    clock.now += 1
    vault.text = TWO
    assert opens(keys, TWO)
    vault.text = ""
    clock.now += REREAD_SECONDS
    assert opens(keys, TWO)


def test_it_is_read_anew_when_something_does_not_open_but_not_at_every_turn():
    clock, vault = Clock(), Vault(ONE)
    keys = KeysFromSource(vault, clock)
    keys.current()
    vault.text = f"{ONE} {TWO}"
    keys.current(fresh=True)
    assert vault.reads == 1
    clock.now += SOONEST_REREAD
    assert opens(keys, TWO, fresh=True)


def test_keys_that_never_could_be_read_are_an_error(tmp_path):
    with pytest.raises(SecretReadError, match="keys"):
        KeysFromSource(FileSecret(tmp_path / "keys")).current()


def test_an_error_names_the_key_by_its_number():
    text = f"{ONE} c2hvcnQ="
    keys = KeysFromSource(LiteralSecret(Secret(text)))
    with pytest.raises(SecretReadError, match="key 2 of 2 has 5 bytes") as caught:
        keys.current()
    assert "c2hvcnQ" not in str(caught.value)


def test_no_key_at_all_is_never_no_encryption():
    with pytest.raises(SecretReadError, match="there is no key"):
        KeysFromSource(LiteralSecret(Secret(" ,\n"))).current()


def test_without_encryption_nothing_changes():
    assert UNENCRYPTED.current(fresh=True) is UNENCRYPTED.current()
