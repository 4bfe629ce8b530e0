"""Secrets do not show themselves, and say where they cannot be read."""

from __future__ import annotations

import copy
import pickle
import sys
from types import SimpleNamespace

import pytest

from oauthreg import SecretReadError
from oauthreg._secret_values import (
    AssertionFile,
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    LiteralSecret,
    Secret,
)

VALUE = "planted-secret-value"


def test_a_secret_is_shown_nowhere():
    secret = Secret(VALUE)
    shown = (repr(secret), str(secret), f"{secret}", f"{secret:>20}", repr(LiteralSecret(secret)))
    assert all(VALUE not in text for text in shown)
    assert secret.get_secret_value() == VALUE


def test_a_secret_is_not_pickled_and_copies_to_itself():
    secret = Secret(VALUE)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_secrets_compare_by_value():
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret("another")
    assert Secret(VALUE) != VALUE
    assert len({Secret(VALUE), Secret(VALUE)}) == 1
    assert Secret(VALUE)
    assert not Secret("")


def test_a_file_gives_its_text_without_the_line_end(tmp_path):
    path = tmp_path / "secret"
    path.write_text(f"{VALUE}\r\n")
    source = FileSecret(path)
    assert source.read() == Secret(VALUE)
    assert source.reference == f"file:{path}"


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "the file is empty"), (b"\xff\xfe", "not UTF-8 text")]
)
def test_a_file_that_holds_no_secret_says_so(tmp_path, content, message):
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(SecretReadError, match=message):
        FileSecret(path).read()


def test_an_assertion_file_that_never_could_be_read_says_so(tmp_path):
    source = AssertionFile(tmp_path / "missing")
    with pytest.raises(SecretReadError, match="No such file"):
        source.read()
    assert source.reference.endswith("missing")


def test_an_environment_variable_is_read_when_it_is_used(monkeypatch):
    source = EnvironmentSecret("SOME_SECRET")
    with pytest.raises(SecretReadError, match="SOME_SECRET is not set"):
        source.read()
    monkeypatch.setenv("SOME_SECRET", VALUE)
    assert source.read() == Secret(VALUE)
    assert source.reference == "env:SOME_SECRET"


@pytest.fixture
def keyring(monkeypatch):
    """A keyring of one entry."""
    entries = {("service", "user"): VALUE}
    fake = SimpleNamespace(get_password=lambda *names: entries.get(names))
    monkeypatch.setitem(sys.modules, "keyring", fake)
    return fake


def test_a_keyring_gives_its_entry(keyring):
    source = KeyringSecret("service", "user")
    assert source.read() == Secret(VALUE)
    assert source.reference == "keyring:service/user"
    assert not source.local


def test_a_keyring_that_fails_says_how_without_its_words(keyring):
    with pytest.raises(SecretReadError, match="no such entry"):
        KeyringSecret("service", "nobody").read()

    def locked(*_names):
        raise RuntimeError(VALUE)

    keyring.get_password = locked
    with pytest.raises(SecretReadError, match="RuntimeError") as caught:
        KeyringSecret("service", "user").read()
    assert VALUE not in str(caught.value)


def test_a_missing_keyring_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretReadError, match=r"oauthreg\[keyring\]"):
        KeyringSecret("service", "user").read()
