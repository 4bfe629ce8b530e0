"""The key ring of a store: read from the settings, a file or a reference, and again when changed.

Rotation takes three steps, each done everywhere before the next begins: append the new key, move
it to the front, drop the old one.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Protocol

from oauthreg._secret_values import FileSecret, SecretReadError
from oauthreg._shared.seal import Ring, Unencrypted, key_from, new_key
from oauthreg.stores import _files as files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from oauthreg._secret_values import SecretSource
    from oauthreg._shared.seal import Seal

REREAD_SECONDS = 60.0
SOONEST_REREAD = 1.0


class KeyRing(Protocol):
    """Where the current keys come from."""

    def current(self, *, fresh: bool = False) -> Seal:
        """Return the seal of the keys as they are now; the same object while they are the same.

        Args:
            fresh: Something did not open: look again, even if nothing seems to have changed.

        Raises:
            SecretReadError: the keys cannot be read, and never could be.
        """


def ring_of(texts: Sequence[str]) -> Ring:
    """Return a ring of keys in the form that the settings take.

    Raises:
        ValueError: which of them is no key, and why; it does not show it.
    """
    keys = []
    for number, text in enumerate(texts, start=1):
        try:
            keys.append(key_from(text))
        except ValueError as error:
            raise ValueError(f"key {number} of {len(texts)} {error}") from None
    return Ring(keys)


class FixedKeys:
    """Keys that do not change while the program runs, or no encryption at all."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def current(self, *, fresh: bool = False) -> Seal:  # noqa: ARG002 - they are what they are
        """Return the seal."""
        return self._seal


UNENCRYPTED = FixedKeys(Unencrypted())


class KeysFromSource:
    """Keys in one text, divided by spaces, line ends or commas, that may change.

    A file is read anew when it was changed, anything else every minute; both also when something
    does not open. While a read fails, as it may in the middle of a rotation, the last keys stay.

    Args:
        source: Where the text is read from.
        monotonic: A clock in seconds.
    """

    def __init__(
        self, source: SecretSource, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._monotonic = monotonic
        self._path = source.path if isinstance(source, FileSecret) else None
        self._known: tuple[str, Ring] | None = None
        self._state: object = None
        self._looked_at = float("-inf")

    def current(self, *, fresh: bool = False) -> Seal:
        """Return the seal of the keys as they are now.

        Raises:
            SecretReadError: they cannot be read, and never could be.
        """
        now = self._monotonic()
        if self._path is not None:
            state: object = _state_of(self._path)
            due = state != self._state
        else:
            state, due = None, now - self._looked_at >= REREAD_SECONDS
        if self._known is None or due or (fresh and now - self._looked_at >= SOONEST_REREAD):
            self._looked_at = now
            try:
                self._known = self._read()
                self._state = state
            except SecretReadError:
                if self._known is None:
                    raise
        return self._known[1]

    def _read(self) -> tuple[str, Ring]:
        text = self._source.read().get_secret_value()
        if self._known is not None and self._known[0] == text:
            return self._known
        try:
            return text, ring_of([word for word in re.split(r"[\s,]+", text) if word])
        except ValueError as error:
            raise SecretReadError(f"{self._source.reference}: {error}") from None


class KeysBesideStore:
    """The key of a store on this machine, in a file beside it that is made once.

    Args:
        path: The store's file.
    """

    def __init__(self, path: Path) -> None:
        self._store = path
        self._path = files.key_path(path)
        self._keys = KeysFromSource(FileSecret(self._path))
        self._checked = False

    def current(self, *, fresh: bool = False) -> Seal:
        """Return the seal of the key.

        Raises:
            SecretReadError: it is missing, or cannot be read or made.
        """
        if not self._checked:
            if not self.check():
                self._make()
            self._checked = True
        return self._keys.current(fresh=fresh)

    def check(self) -> bool:
        """Return whether the key is there; if neither it nor the store is, it can be made.

        Raises:
            SecretReadError: the store is there, and its key is missing or no key.
        """
        has_store = files.size(self._store) > 0  # first: who makes both makes the key first
        if files.is_there(self._path):
            self._keys.current()
            return True
        if has_store:
            raise SecretReadError(
                f"{self._path} is missing, and without it nothing in {self._store} can be read: "
                "put it back, or remove the store and log in anew"
            )
        return False

    def _make(self) -> None:
        try:
            files.make_folder(self._store)
            files.make_file(self._path, f"{new_key()}\n".encode())
        except OSError as error:
            raise SecretReadError(f"{self._path} cannot be made: {error.strerror}") from None


def _state_of(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
