"""The key ring of a store: read from the settings, a file or a reference, and again when changed.

Rotation takes three steps, each done everywhere before the next begins: append the new key, move
it to the front, drop the old one.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Protocol

from oauthreg._secret_values import FileSecret, SecretReadError
from oauthreg._shared.seal import Ring, Unencrypted, key_from

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


def _state_of(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
