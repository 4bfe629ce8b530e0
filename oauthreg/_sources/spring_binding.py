"""Values and lists taken from properties as Spring Boot's `Binder` takes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from oauthreg._sources.placeholders import PlaceholderError, expand
from oauthreg._sources.spring_names import Name, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oauthreg._sources.spring_properties import Properties, Property


class BindError(Exception):
    """A property that Spring Boot refuses, or whose value cannot be known here.

    Attributes:
        entry: The property.
        message: What is wrong with it.
        remedy: What to do.
    """

    def __init__(self, entry: Property, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.entry = entry
        self.message = message
        self.remedy = remedy


class Bound(NamedTuple):
    """A value as bound, and its property."""

    value: str | list[str]
    entry: Property

    def __repr__(self) -> str:
        return f"Bound({self.entry.name})"


@dataclass
class Binder:
    """Takes values from properties of which the first that has it wins.

    Attributes:
        sources: The properties, high to low.
        find: Returns what a placeholder's name stands for, or None.
        decisive: The values decide which documents count, so they must be what Boot reads.
    """

    sources: Sequence[Properties]
    find: Callable[[str], str | None] = field(repr=False)
    decisive: bool = False

    def text(self, name: Name | str) -> Bound | None:
        """Return a property's value."""
        name = parsed(name) if isinstance(name, str) else name
        for source in self.sources:
            entry = self._one(source, name)
            if entry is not None:
                return Bound(self._expanded(entry), entry)
        return None

    def items(self, name: Name | str) -> Bound | None:
        """Return a list: a text split at commas, or items by index, of the first source with any.

        Raises:
            BindError: Items are missing before another one.
        """
        name = parsed(name) if isinstance(name, str) else name
        for source in self.sources:
            entry = self._one(source, name)
            if entry is not None:
                return Bound(_split(self._expanded(entry)), entry)
            found = self._indexed(source, name)
            if found is not None:
                return found
        return None

    def groups(self, name: str) -> dict[str, Bound]:
        """Return the lists below a name, by their keys."""
        root = parsed(name)
        found: dict[str, Bound] = {}
        for source in self.sources:
            for below in source.names.values():
                if below.below(root):
                    entry = below.chop(_list_depth(below, len(root)))
                    key = ".".join(e.original for e in entry.elements[len(root) :])
                    bound = self.items(entry) if key not in found else None
                    if bound is not None:
                        found[key] = bound
        return found

    def _indexed(self, source: Properties, name: Name) -> Bound | None:
        entries: list[Property] = []
        while (entry := self._one(source, name.item(len(entries)))) is not None:
            entries.append(entry)
        indexes = {str(index) for index in range(len(entries))}
        for index, entry in source.items.get(name.key, ()):
            if index not in indexes:
                message = f"is item {index} of a list that has {len(entries)} before it"
                raise BindError(entry, message, "Number the items from 0.")
        if not entries:
            return None
        return Bound([self._expanded(entry) for entry in entries], entries[0])

    def _one(self, source: Properties, name: Name) -> Property | None:
        spellings = source.spellings(name)
        if not spellings:
            return None
        first, others = spellings[0], spellings[1:]
        if first.origin.kind == "spring-variable" and first.name in source.candidates(name):
            return first  # Boot has an order of the spellings of a variable
        for other in others:
            if other.text != first.text:
                message = f"is set twice, by {first.name} and {other.name}: keep one"
                raise BindError(other, message)
        return first

    def _expanded(self, entry: Property) -> str:
        if self.decisive and entry.unquoted:
            message = "is no text in YAML, so that Spring Boot reads something else"
            raise BindError(entry, message, "Put it in quotes.")
        try:
            return entry.text if entry.final else expand(entry.text, self.find)
        except PlaceholderError as error:
            raise BindError(entry, f"cannot be known: {error}", error.remedy) from None


def _list_depth(name: Name, start: int) -> int:
    """Return how many elements name the list, which ends before the first numbered item."""
    for at in range(start + 1, len(name)):
        element = name.elements[at]
        if element.indexed and element.text.isdecimal():
            return at
    return len(name)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")] if text else []
