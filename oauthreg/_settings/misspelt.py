"""Ids that only variables and secrets files name, and that are nearly the id of another table."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from oauthreg._settings.models import aliases
from oauthreg._settings.unknown_keys import MODELS, shown_key, variable_name
from oauthreg._sources.environment import NOT_A_SETTING, PREFIX
from oauthreg._suggestions import close_to

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from oauthreg._errors import Problem
    from oauthreg._settings.validation import Table, Tables
    from oauthreg._sources.tree import Sourced

MOST_COMPARED = 300
"""Ids among which one that was meant is looked for: each is compared with each."""

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


def with_name_meant(problem: Problem) -> Problem:
    """Return the problem of a variable that no setting is named like, with the name it meant.

    Most have one `_` where two belong: OAUTHREG_REGISTRATION_MY_CLIENT_CLIENT_ID.
    """
    if problem.message != NOT_A_SETTING:
        return problem
    name = problem.path.upper().removeprefix(PREFIX)
    for section, model in MODELS.items():
        begun = re.match(rf"{section.upper()}S?_+(?=[^_])", name)
        if begun is None:
            continue
        for leaf in sorted(aliases(model), key=len, reverse=True):
            id_, found, after = name[begun.end() :].rpartition("_" + leaf.upper().replace("-", "_"))
            if found and not after and id_.strip("_"):
                meant = variable_name(section, id_.strip("_"), leaf)
                return replace(problem, remedy=f"Did you mean {meant}?")
    return problem


def _meant(tables: Tables, table: Table) -> str | None:
    """Return the id that a table's variables may have meant: one that a file has."""
    names = tables.names(table.section)
    if len(names) > MOST_COMPARED or not _is_by_name_only(table):
        return None
    others = [
        name
        for name in names
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
