"""The comments of a Spring file, and what each is about."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def _lists() -> dict[int, list[str]]:
    return defaultdict(list)


@dataclass(slots=True)
class Comments:
    """Comments, without their sign, by the number of the line with the property they are about.

    Attributes:
        tables: Those about what stands around a property: its registration, the whole file.
        above: Those in the lines above it.
        beside: Those in its own line.
        below: Those after the last property of a block, such as one that is commented out.
    """

    tables: dict[int, list[str]] = field(default_factory=_lists)
    above: dict[int, list[str]] = field(default_factory=_lists)
    beside: dict[int, list[str]] = field(default_factory=_lists)
    below: dict[int, list[str]] = field(default_factory=_lists)


def comments_of(text: str, properties: Collection[int], *, yaml: bool) -> Comments:
    """Return the comments that are about the properties at these lines; others are left out.

    Args:
        text: The file.
        properties: The numbers of lines with properties, from 1.
        yaml: Whether it is YAML, else properties.
    """
    file = _File(text, properties, yaml=yaml)
    for number, line in enumerate(file.lines):
        if file.is_comment(line):
            file.place(number, line)
        elif yaml and (comment := _beside(line)):
            file.place_beside(number, line, comment)
    return file.found


class _File:
    """One file while its comments are placed.

    Args:
        text: The file.
        properties: The numbers of lines with properties.
        yaml: Whether it is YAML.
    """

    def __init__(self, text: str, properties: Collection[int], *, yaml: bool) -> None:
        self.found = Comments()
        self.lines = ["", *text.splitlines()]
        self._signs = "#" if yaml else "#!"
        self._properties = properties
        self._code = [
            number
            for number, line in enumerate(self.lines)
            if line.strip() and not self.is_comment(line)
        ]
        self._parents = _parents(self.lines, self._code, properties) if yaml else {}

    def is_comment(self, line: str) -> bool:
        """Whether a line is a comment and nothing else."""
        return line.lstrip()[:1] in tuple(self._signs)

    def place(self, number: int, line: str) -> None:
        """Keep a comment line with the property that it is about, if it is about one."""
        words = line.strip().lstrip(self._signs).strip()
        following = next((n for n in self._code if n > number), 0)
        before = next((n for n in reversed(self._code) if n < number), 0)
        ends_block = before in self._properties and (
            _indent(self.lines[following]) < _indent(line) == _indent(self.lines[before])
        )
        if following in self._properties and not ends_block:
            self.found.above[following].append(words)
        elif following in self._parents and not ends_block:
            self.found.tables[self._parents[following]].append(words)
        elif before in self._properties:
            self.found.below[before].append(words)
        elif not before and self._properties:
            self.found.tables[min(self._properties)].append(words)

    def place_beside(self, number: int, line: str, words: str) -> None:
        """Keep a comment behind a value, or behind what values stand below."""
        if number in self._parents:
            self.found.tables[self._parents[number]].append(words)
            return
        nearest = _nearest(number, line, self._properties)
        if nearest is not None:
            self.found.beside[nearest].append(words)


def _parents(
    lines: Sequence[str], code: Sequence[int], properties: Collection[int]
) -> dict[int, int]:
    """Return the lines that properties stand below, each with its first property."""
    parents: dict[int, int] = {}
    for number in sorted(properties, reverse=True):
        indent = _indent(lines[number])
        for above in reversed([n for n in code if n < number]):
            if _indent(lines[above]) < indent:
                indent = _indent(lines[above])
                parents[above] = number
    return {number: first for number, first in parents.items() if number not in properties}


def _nearest(number: int, line: str, properties: Collection[int]) -> int | None:
    """Return the property of a line: for an item of a list, that of the list."""
    if number in properties:
        return number
    if not line.lstrip().startswith("-"):
        return None
    return max((n for n in properties if n < number), default=None)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _beside(line: str) -> str:
    """Return the comment behind a value of YAML: after a blank, and outside of quotes."""
    quote = ""
    for place, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'" and line[:place].rstrip()[-1:] in {":", "-", ""}:
            quote = sign
        elif sign == "#" and line[:place].endswith((" ", "\t")):
            return line[place + 1 :].strip()
    return ""
