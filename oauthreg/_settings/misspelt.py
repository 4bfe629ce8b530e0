"""Ids that only variables and secrets files name, and that are nearly the id of another table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg._settings.unknown_keys import shown_key
from oauthreg._suggestions import close_to

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from oauthreg._settings.validation import Table, Tables
    from oauthreg._sources.tree import Sourced

_BY_NAME = frozenset({"environment", "env-file", "secrets-directory"})


def blame_misspelt_id(tables: Tables, table: Table, count: int) -> None:
    """Replace the problems of a registration by one, where its id is a variable's mistake.

    Args:
        tables: All tables.
        table: The registration's, which has problems.
        count: How many problems there were before its own.
    """
    meant = _meant(tables, table)
    if meant is not None:
        del table.problems[count:]
        table.at_header("is set by variables only, and incomplete", _advice(table, meant))


def note_misspelt_names(tables: Tables, section: str, used: Collection[str]) -> None:
    """Note the providers or profiles that a variable made by mistake: nothing uses them."""
    for name in tables.names(section).keys() - set(used):
        table = tables.table(section, name)
        meant = _meant(tables, table)
        if meant is not None:
            table.at_header(
                "is set by variables only, and no registration uses it", _advice(table, meant)
            )


def _meant(tables: Tables, table: Table) -> str | None:
    """Return the id that a table's variables may have meant: one that a file has."""
    if not _is_by_name_only(table):
        return None
    others = [
        name
        for name in tables.names(table.section)
        if name != table.name and not _is_by_name_only(tables.table(table.section, name))
    ]
    return close_to(str(table.name), others)


def _is_by_name_only(table: Table) -> bool:
    return bool(table.items) and all(item.origin.kind in _BY_NAME for item in _leaves(table))


def _leaves(table: Table) -> Iterator[Sourced]:
    for item in table.items.values():
        yield from item.values() if isinstance(item, dict) else [item]


def _advice(table: Table, meant: str) -> str:
    item = next(_leaves(table))
    return f"Did you mean {shown_key(table.section, meant, item.leaf, item.origin)}?"
