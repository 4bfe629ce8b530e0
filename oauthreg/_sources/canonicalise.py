"""What one source says, made canonical: its names, its tables, its alternatives."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from oauthreg._errors import Problem
from oauthreg._sources.locate import locate, quoted, shown
from oauthreg._sources.tree import (
    ALTERNATIVES,
    BASES,
    SECTIONS,
    TABLES,
    TOP_LEVEL,
    VERBATIM,
    Origin,
    Sourced,
    Tree,
    canonical,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Table = dict[str, Any]


class UnusableError(Exception):
    """A source cannot be read at all; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Source:
    """One source's canonical tree as it grows, and what is wrong with what the source says.

    Two settings that contradict each other within one source are a problem, so nothing is ever
    overwritten here; overriding is what sources do to each other.
    """

    def __init__(self) -> None:
        self.tree: Tree = {}
        self.problems: list[Problem] = []
        self._spellings: dict[tuple[str, str], str] = {}

    def problem(self, path: str, message: str, origin: Origin, remedy: str = "") -> None:
        """Note that something is wrong with a setting."""
        self.problems.append(Problem(path, message, locate(origin), remedy))

    def table(self, section: str, name: str | None, origin: Origin) -> Table:
        """Return the table of a section's `name`, or of a section that is one table (None)."""
        table: Table = self.tree.setdefault(section, {})
        if name is None:
            return table
        word = canonical(name)
        first = self._spellings.setdefault((section, word), name)
        if first != name:
            message = f"is spelled {first!r} and {name!r} in one place: keep one spelling"
            self.problem(f"{section}.{quoted(word)}", message, origin)
        found: Table = table.setdefault(word, {})
        return found

    def put(self, table: Table, path: str, name: str, value: Any, origin: Origin) -> None:
        """Add one setting of a table; `path` is the table's, and empty at the top level."""
        leaf = canonical(name)
        dotted = f"{path}.{leaf}" if path else leaf
        key = BASES.get(leaf, leaf)
        if leaf in VERBATIM:
            self._put_entries(table, path, name, value, origin)
        elif key not in table:
            table[key] = Sourced(value, origin, leaf)
        elif table[key].leaf == leaf:
            self._said_twice(dotted, table[key].origin, origin)
        else:
            message = f"give one of {', '.join(ALTERNATIVES[key])}; here are {table[key].leaf}"
            self.problem(f"{path}.{key}", f"{message} and {leaf}", origin)

    def _put_entries(self, table: Table, path: str, name: str, value: Any, origin: Origin) -> None:
        leaf = canonical(name)
        if not isinstance(value, Mapping):
            self.problem(f"{path}.{leaf}", "is a table of names and values", origin)
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
        self.problem(path, f"is said twice, by {both}: keep one", second)

    def add(self, document: Mapping[str, Any], origin: Origin) -> None:
        """Say all that a nested document says: a TOML file, a dict."""
        for name, content, where in self._items(document, origin):
            section = canonical(name)
            if section in TOP_LEVEL:
                self.put(self.tree, "", name, content, where)
            elif section not in (*SECTIONS, *TABLES):
                remedy = suggestion(section, (*SECTIONS, *TABLES))
                self.problem(name, "is no section of the settings", where, remedy)
            elif not isinstance(content, Mapping):
                self.problem(section, "is a table, not a value", where)
            elif section in TABLES:
                self._add_leaves(section, None, content, where)
            else:
                for key, leaves, place in self._items(content, where):
                    if isinstance(leaves, Mapping):
                        self._add_leaves(section, key, leaves, place)
                    else:
                        path = f"{section}.{quoted(canonical(key))}"
                        self.problem(path, f"is a table: [{section}.NAME]", place)

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
        # a variable that holds a whole table as JSON is itself where each entry was said
        nested = kind in ("file", "argument")
        around = f"{origin.key}." if origin.key else ""
        for key, value in mapping.items():
            if isinstance(key, str) and key.strip():
                where = Origin(kind, name, around + quoted(key), base) if nested else origin
                yield key, value, where
            else:
                what = "an empty name" if isinstance(key, str) else f"a {type(key).__name__}"
                self.problem(origin.key or "settings", f"has {what} as a key, not text", origin)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return what an unknown word may have meant, as a sentence."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."


def text_of(path: Path) -> str:
    """Return a file's text.

    Raises:
        FileNotFoundError: There is no such file.
        UnusableError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnusableError(Problem(shown(path), f"cannot be read: {error.strerror}")) from None
    except UnicodeDecodeError:
        raise UnusableError(Problem(shown(path), "is not UTF-8 text")) from None
    except ValueError:
        raise UnusableError(Problem(repr(str(path)), "is not a path")) from None
