"""The settings of one source made canonical: its names, its tables, its alternatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oauthreg._errors import Problem
from oauthreg._files import SETTINGS_SIZE, read_file
from oauthreg._invisible import invisible_inside
from oauthreg._sources.locate import locate, quoted, shown, written
from oauthreg._sources.tree import (
    SECTIONS,
    TABLES,
    TOP_LEVEL,
    VERBATIM,
    Origin,
    Sourced,
    Tree,
    alternatives,
    base_of,
    canonical,
)
from oauthreg._suggestions import close_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Table = dict[str, Any]
TableName = tuple[str, str | None]
"""A section and the id of one of its tables; None where the section is one table."""

_MEANT = {
    "client": "registration",
    "clients": "registration",
    "registrations": "registration",
    "idp": "provider",
    "issuer": "provider",
    "providers": "provider",
    "server": "provider",
    "default": "defaults",
}
"""Sections by the other names that people give them."""


class UnusableError(Exception):
    """A source cannot be read at all; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Source:
    """One source's canonical tree as it grows, and the problems of the source.

    Two settings that contradict each other within one source are a problem, so nothing is ever
    overwritten here; overriding is what sources do to each other.

    Attributes:
        tree: The canonical tree.
        headers: Where each table begins.
        problems: Everything that is wrong with this source.
    """

    def __init__(self) -> None:
        self.tree: Tree = {}
        self.headers: dict[TableName, Origin] = {}
        self.problems: list[Problem] = []
        self._spellings: dict[tuple[str, str], str] = {}

    def problem(self, path: str, message: str, origin: Origin, remedy: str = "") -> None:
        """Note that something is wrong with a setting."""
        self.problems.append(Problem(written(path, origin), message, locate(origin), remedy))

    def table(self, section: str, name: str | None, origin: Origin) -> Table:
        """Return the table of a section's `name`, or of a section that is one table (None)."""
        table: Table = self.tree.setdefault(section, {})
        word = None if name is None else canonical(name)
        self.headers.setdefault((section, word), origin)
        if name is None or word is None:
            return table
        first = self._spellings.setdefault((section, word), name)
        if first != name:
            message = f"is spelled {first!r} and {name!r} in one place: keep one spelling"
            self.problem(f"{section}.{quoted(word)}", message, origin)
        unseen = invisible_inside(word, allowed=" ") if word not in table else None
        if unseen is not None:
            remedy = "Take it out; text that is copied often has such characters."
            self.problem(f"{section}.{quoted(word)}", f"has {unseen} in its id", origin, remedy)
        found: Table = table.setdefault(word, {})
        return found

    def put(self, table: Table, path: str, name: str, value: Any, origin: Origin) -> None:
        """Add one setting to a table; `path` is the table's, and empty at the top level."""
        leaf = canonical(name)
        dotted = f"{path}.{leaf}" if path else leaf
        section = path.partition(".")[0]
        key = base_of(section, leaf)
        if leaf in VERBATIM:
            self._put_entries(table, path, name, value, origin)
        elif key not in table:
            table[key] = Sourced(value, origin, leaf)
        elif table[key].leaf == leaf:
            self._said_twice(dotted, table[key].origin, origin)
        else:
            message = f"{table[key].leaf} and {leaf} stand in one place: keep one"
            known = alternatives(section).get(key, (key, f"{key}-file", f"{key}-ref"))
            remedy = f"One of {', '.join(known)} is enough."
            self.problem(f"{path}.{leaf}", message, origin, remedy)

    def _put_entries(self, table: Table, path: str, name: str, value: Any, origin: Origin) -> None:
        leaf = canonical(name)
        if not isinstance(value, Mapping):
            remedy = f'Write {leaf} = {{ name = "value" }}.'
            self.problem(f"{path}.{leaf}", "must be a table of names and values", origin, remedy)
            return
        first = self._spellings.setdefault((path, leaf), name)
        if first != name:
            message = f"is spelled {first!r} and {name!r} in one place: keep one spelling"
            self.problem(f"{path}.{leaf}", message, origin)
        entries: Table = table.setdefault(leaf, {})
        for key, entry, where in self._items(value, origin):
            if key in entries:
                self._said_twice(f"{path}.{leaf}.{quoted(key)}", entries[key].origin, where)
            else:
                entries[key] = Sourced(entry, where, key)

    def _said_twice(self, path: str, first: Origin, second: Origin) -> None:
        both = f"{first.key or first.name} and {second.key or second.name}"
        self.problem(path, f"is set twice, by {both}: keep one", second)

    def add(self, document: Mapping[str, Any], origin: Origin) -> None:
        """Add all settings of a nested document: a TOML file, a dict."""
        for name, content, where in self._items(document, origin):
            section = canonical(name)
            if section in TOP_LEVEL:
                self.put(self.tree, "", name, content, where)
            elif section not in (*SECTIONS, *TABLES):
                remedy = _section_meant(section, content)
                self.problem(name, "there is no such section", where, remedy)
            elif not isinstance(content, Mapping):
                example = section if section in TABLES else f"{section}.NAME"
                self.problem(section, "must be a table", where, f"Write it as [{example}].")
            elif section in TABLES:
                self._add_leaves(section, None, content, where)
            else:
                self._add_tables(section, content, where)

    def _add_tables(self, section: str, tables: Mapping[str, Any], origin: Origin) -> None:
        stray: list[str] = []
        for key, leaves, place in self._items(tables, origin):
            if isinstance(leaves, Mapping):
                self._add_leaves(section, key, leaves, place)
            else:
                stray.append(key)
        if stray:
            name = {"registration": "my-client", "provider": "my-provider"}.get(section, "default")
            message = f"must hold a table for each name; it holds {', '.join(stray)}"
            self.problem(section, message, origin, f"Write them below [{section}.{name}].")

    def _add_leaves(
        self, section: str, name: str | None, leaves: Mapping[str, Any], origin: Origin
    ) -> None:
        table = self.table(section, name, origin)
        path = section if name is None else f"{section}.{quoted(canonical(name))}"
        for leaf, value, where in self._items(leaves, origin):
            self.put(table, path, leaf, value, where)

    def _items(
        self, mapping: Mapping[Any, Any], origin: Origin
    ) -> Iterator[tuple[str, Any, Origin]]:
        kind, name, base = origin.kind, origin.name, origin.base
        # each entry of a table that a variable holds as JSON stands at that variable
        nested = kind in ("file", "argument")
        around = f"{origin.key}." if origin.key else ""
        for key, value in mapping.items():
            if isinstance(key, str) and key.strip():
                where = Origin(kind, name, around + quoted(key), base) if nested else origin
                yield key, value, where
            else:
                what = "an empty name" if isinstance(key, str) else f"a {type(key).__name__}"
                self.problem(origin.key or "settings", f"has {what} as a key", origin)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return what an unknown word may have meant, as a sentence."""
    names = sorted(known)
    near = close_to(word, names)
    return f"Did you mean {near!r}?" if near else f"Known: {', '.join(names)}."


def _section_meant(section: str, content: Any) -> str:
    if section == "tool":
        return "In pyproject.toml, write [tool.oauthreg.registration.my-client]."
    if not isinstance(content, Mapping):
        words = suggestion(section, (*TOP_LEVEL, *SECTIONS, *TABLES))
        tables = "[registration.my-client] or [provider.my-provider]"
        return f"A setting stands in a table: {tables}." if "-" in section else words
    inner = next((name for name in map(canonical, content) if name in SECTIONS), None)
    if inner is not None:
        return f"Write [{inner}.NAME], without {section} around it."
    return suggestion(_MEANT.get(section, section), (*TOP_LEVEL, *SECTIONS, *TABLES))


def text_of(path: Path) -> str:
    """Return a file's text.

    Raises:
        FileNotFoundError: There is no such file.
        UnusableError: It cannot be read, or is not UTF-8.
    """
    try:
        text = read_file(path, SETTINGS_SIZE).decode("utf-8-sig")
        return text.replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnusableError(Problem(shown(path), f"cannot be read: {error.strerror}")) from None
    except UnicodeDecodeError:
        remedy = "Save it as UTF-8."
        raise UnusableError(Problem(shown(path), "is not UTF-8 text", remedy=remedy)) from None
