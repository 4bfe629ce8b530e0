r"""Spring's `${NAME:default}`: nested, escaped with `\`, and looked for in what they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Find = Callable[[str], str | None]

BUDGET, STEP = 1 << 20, 50
"""What one value's placeholders may cost: characters that are read, and so many for each step."""

_START, _END, _SEPARATOR, _ESCAPE = "${", "}", ":", "\\"


class PlaceholderError(Exception):
    """A placeholder stands for nothing that can be known here; the text never holds a value.

    Attributes:
        remedy: What to do.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class _Placeholder(NamedTuple):
    """A placeholder: its whole text, its key and its default, each as text and placeholders."""

    text: str
    key: Sequence[_Placeholder | str]
    default: Sequence[_Placeholder | str] | None


def expand(text: str, find: Find) -> str:
    """Return a text with every placeholder replaced, as Spring's `PropertyPlaceholderHelper`.

    Args:
        text: The text; a placeholder without an end stays as it is.
        find: Returns what a name stands for, or None; that is expanded too.

    Raises:
        PlaceholderError: A placeholder cannot be replaced, or they are too many.
    """
    try:
        return _Expansion(find).expanded(text, ())
    except RecursionError:
        raise PlaceholderError("its placeholders are nested too deeply") from None


class _Expansion:
    """The expansion of one value, with a bound: placeholders multiply what they stand for."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._left = BUDGET

    def expanded(self, text: str, within: tuple[str, ...]) -> str:
        """Return a text expanded, within the names that are being replaced."""
        return text if _START not in text else self._joined(self._parts(text), within)

    def _joined(self, parts: Sequence[_Placeholder | str], within: tuple[str, ...]) -> str:
        return "".join(p if isinstance(p, str) else self._value(p, within) for p in parts)

    def _value(self, placeholder: _Placeholder, within: tuple[str, ...]) -> str:
        key = self._joined(placeholder.key, within)
        # its default in the name too
        whole = [] if _START in placeholder.text else [placeholder.text]
        for name in dict.fromkeys([*whole, key]):
            found = self._find(name)
            if found is not None:
                if name in within:
                    raise PlaceholderError(f"{_named(name)} stands for itself")
                self._spend(STEP + len(found))
                return self.expanded(found, (*within, name))
        if placeholder.default is None:
            raise PlaceholderError(
                f"{_named(placeholder.text)} is neither in the environment nor in the file",
                "Set the variable, or write a default behind a colon, as in ${NAME:default}.",
            )
        return self._joined(placeholder.default, within)

    def _parts(self, text: str) -> list[_Placeholder | str]:
        """Return a text as the placeholders in it and the texts between them."""
        self._spend(STEP + len(text))
        ends = _ends(text)
        parts: list[_Placeholder | str] = []
        position = 0
        start = text.find(_START)
        while start >= 0:
            end = ends.get(start + 1, -1)
            inner = start + len(_START)
            escaped = start > 0 and text[start - 1] == _ESCAPE
            if end < 0 or escaped:
                before = text[position : start - 1] if end >= 0 else text[position:start]
                _add(parts, before + _START)
                position = inner
            else:
                _add(parts, text[position:start])
                parts.append(self._placeholder(text[inner:end]))
                position = end + 1
            start = text.find(_START, position)
        _add(parts, text[position:])
        return parts

    def _placeholder(self, text: str) -> _Placeholder:
        """Take apart what stands between `${` and `}`: the key ends at the first separator."""
        key: list[_Placeholder | str] = []
        parts = self._parts(text)
        for at, part in enumerate(parts):
            if not isinstance(part, str):
                key.append(part)
                continue
            word, default = _section(part)
            key.append(word)
            if default is not None:
                return _Placeholder(text, key, [default, *parts[at + 1 :]])
        return _Placeholder(text, key or [""], None)

    def _spend(self, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise PlaceholderError("its placeholders stand for too much")


def _add(parts: list[_Placeholder | str], text: str) -> None:
    if parts and isinstance(parts[-1], str):
        text = parts.pop() + text  # type: ignore[operator]  # a text, as was just asked
    if text:
        parts.append(text)


def _section(text: str) -> tuple[str, str | None]:
    """Split at the first separator that no escape precedes; escapes of others go."""
    key = ""
    position = 0
    at = text.find(_SEPARATOR)
    while at >= 0:
        if at > 0 and text[at - 1] == _ESCAPE:
            key += text[position : at - 1] + _SEPARATOR
            position = at + 1
        else:
            return key + text[position:at], text[at + 1 :]
        at = text.find(_SEPARATOR, position)
    return key + text[position:], None


def _ends(text: str) -> dict[int, int]:
    """Return where each brace that opens is closed."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for at, char in enumerate(text):
        if char == "{":
            opened.append(at)
        elif char == _END and opened:
            ends[opened.pop()] = at
    return ends


def _named(text: str) -> str:
    """Return a placeholder as it may be shown: its default, or one within it, may hold a value."""
    name, colon, _ = text.partition(_SEPARATOR)
    start, inner, _ = name.partition(_START)
    return f"${{{start}{'...' if inner or colon else ''}}}"
