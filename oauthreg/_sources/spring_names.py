"""Spring Boot's property names: parsed, compared and spelled as its `ConfigurationPropertyName`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_ODD = re.compile(r"[^a-z0-9]")
_FORMS = re.compile(r"[a-z0-9][a-z0-9-]*")


class Element(NamedTuple):
    """One part of a name: its text, and whether it stands in brackets."""

    text: str
    indexed: bool = False

    @property
    def uniform(self) -> str:
        """The form that all relaxed spellings share; what stands in brackets has one spelling."""
        return self.text if self.indexed else _uniform(self.text)

    @property
    def original(self) -> str:
        """The text as the key of a map: without the characters that a name cannot have."""
        return self.text if self.indexed else _original(self.text)

    @property
    def dashed(self) -> str:
        """The canonical spelling, as in `client-id`."""
        return f"[{self.text}]" if self.indexed else _dashed(self.text)


@lru_cache(maxsize=4096)
def _uniform(text: str) -> str:
    return _ODD.sub("", text.lower())


@lru_cache(maxsize=4096)
def _original(text: str) -> str:
    return "".join(c for i, c in enumerate(text) if c == "_" or _valid(c.lower(), i))


@lru_cache(maxsize=4096)
def _dashed(text: str) -> str:
    return "".join(c for i, c in enumerate(text.lower()) if _valid(c, i))


class Name:
    """A property's name as its elements; names that Boot takes for one have the same `key`."""

    __slots__ = ("elements", "key")

    def __init__(self, elements: tuple[Element, ...]) -> None:
        self.elements = elements
        self.key = tuple(element.uniform for element in elements)

    def __str__(self) -> str:
        parts = (e.dashed if e.indexed else f".{e.dashed}" for e in self.elements)
        return "".join(parts).removeprefix(".")

    def __len__(self) -> int:
        return len(self.elements)

    def below(self, ancestor: Name) -> bool:
        """Return whether it is a descendant of another name."""
        return len(self) > len(ancestor) and self.key[: len(ancestor)] == ancestor.key

    def chop(self, size: int) -> Name:
        """Return its first elements."""
        return self if size >= len(self) else Name(self.elements[:size])

    def child(self, word: str) -> Name:
        """Return the name of a property below it."""
        return Name((*self.elements, Element(word)))

    def item(self, index: int) -> Name:
        """Return the name of an item of the list that it names."""
        return Name((*self.elements, Element(str(index), indexed=True)))

    def variables(self) -> list[str]:
        """Return the environment variables that mean it, the first of which wins."""
        plain = "_".join(self.key)
        legacy = "_".join(e.original.replace("-", "_") for e in self.elements)
        return list(dict.fromkeys([plain.upper(), legacy.upper(), plain, legacy]))


@lru_cache(maxsize=4096)
def parsed(text: str) -> Name:
    """Return the name that a property's key in a file means; it may have no elements."""
    return Name(tuple(_elements(text, ".")))


def valid(text: str) -> Name | None:
    """Return the name, if it is in its canonical spelling (`my.client-id`); else None."""
    if not text or text[0] == "." or text[-1] == ".":
        return None
    name = parsed(text)
    fits = all(e.indexed or _FORMS.fullmatch(e.text) for e in name.elements)
    return name if fits and text.count("[") == text.count("]") else None


def of_variable(text: str) -> Name:
    """Return the name that an environment variable means; it may have no elements."""

    def lowered(element: str) -> Element | None:
        word = element.lower()
        if word.isdecimal():
            return Element(word, indexed=True)
        inner = list(_elements(word, "."))
        return inner[0] if len(inner) == 1 else None

    elements: list[Element] = []
    for element in _elements(text, "_"):
        found = lowered(element.text)
        if found is None:  # no variable of Boot's making, but perhaps a key as in a file
            return parsed(text)
        elements.append(found)
    return Name(tuple(elements)) if elements else parsed(text)


def _elements(text: str, separator: str) -> list[Element]:
    found: list[Element] = []
    depth = start = 0

    def add(end: int, *, indexed: bool) -> None:
        part = text[start:end]
        if part and (indexed or any(_valid(c.lower(), i) for i, c in enumerate(part))):
            found.append(Element(part, indexed))

    for at, character in enumerate(text):
        if character == "[":
            if depth == 0:
                add(at, indexed=False)
                start = at + 1
            depth += 1
        elif character == "]":
            depth -= 1
            if depth == 0:
                add(at, indexed=True)
                start = at + 1
        elif character == separator and depth == 0:
            add(at, indexed=False)
            start = at + 1
    add(len(text), indexed=False)
    return found


def _valid(character: str, at: int) -> bool:
    return "a" <= character <= "z" or "0" <= character <= "9" or (at != 0 and character == "-")
