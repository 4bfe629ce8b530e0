"""Spring's `${NAME:default}`, nested as deep as people write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class PlaceholderError(Exception):
    """A placeholder stands for nothing that can be known here; the text never holds a value."""


def uniform(name: str) -> str:
    """Return a property's name in the form that all its relaxed spellings share."""
    return name.lower().replace("-", "").replace("_", "")


class Placeholders:
    """Replaces placeholders from the environment, then from the file's own keys.

    Args:
        environ: The environment; its values are inserted as they are.
        properties: The file's keys, each in its uniform spelling; their values are expanded too.
    """

    def __init__(self, environ: Mapping[str, str], properties: Mapping[str, str]) -> None:
        self._environ = environ
        self._properties = properties

    def expand(self, text: str, within: tuple[str, ...] = ()) -> str:
        """Return the text with every placeholder replaced.

        Raises:
            PlaceholderError: One of them cannot be.
        """
        start = text.find("${")
        end, colon = _extent(text, start)
        if end < 0:
            return text  # none, or one without an end, which Spring leaves alone too
        name = text[start + 2 : colon if colon > 0 else end]
        value = self._find(name, within)
        if value is None and colon > 0:
            value = self.expand(text[colon + 1 : end], within)
        if value is None:
            raise PlaceholderError(f"{_named(name)} is neither in the environment nor in the file")
        return text[:start] + value + self.expand(text[end + 1 :], within)

    def _find(self, written: str, within: tuple[str, ...]) -> str | None:
        name = self.expand(written, within)
        if name.startswith("random."):
            raise PlaceholderError(f"{_named(written)} is made up by Spring at each start")
        underscored = name.replace(".", "_")
        for variable in (
            name,
            underscored.replace("-", "_").upper(),
            underscored.replace("-", "").upper(),
        ):
            if variable in self._environ:
                return self._environ[variable]
        key = uniform(name)
        if key in within:
            raise PlaceholderError(f"{_named(written)} stands for itself")
        value = self._properties.get(key)
        return None if value is None else self.expand(value, (*within, key))


def _named(name: str) -> str:
    """Return a placeholder as it may be shown: one within its name may hold a default, a value."""
    start, inner, _ = name.partition("${")
    return f"${{{start}{'...' if inner else ''}}}"


def _extent(text: str, start: int) -> tuple[int, int]:
    """Return where the placeholder at `start` ends and where its default begins; -1 for not."""
    depth, colon = 0, -1
    for at in range(start + 1, len(text) if start >= 0 else 0):
        match text[at]:
            case "{":
                depth += 1
            case "}" if depth == 1:
                return at, colon
            case "}":
                depth -= 1
            case ":" if depth == 1 and colon < 0:
                colon = at
    return -1, -1
