"""From one canonical table to one model: values out of their origins, errors back to them."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from oauthreg._errors import Problem
from oauthreg._settings.models import aliases
from oauthreg._sources import locate
from oauthreg._sources.tree import VERBATIM, Origin, Sourced

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)
FILES = ("-file", "-bundle")


def overlaid(*tables: Mapping[str, Any]) -> dict[str, Any]:
    """Merge tables, the first of the highest rank; `parameters` and `headers` merge by key."""
    merged: dict[str, Any] = {}
    for table in reversed(tables):
        for key, value in table.items():
            below = merged.get(key)
            if isinstance(value, dict) and isinstance(below, dict):
                merged[key] = {**below, **value}
            else:
                merged[key] = value
    return merged


def sourced(values: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    """Give plain values, such as a plugin's defaults, an origin."""
    return {
        key: {name: Sourced(item, origin, name) for name, item in value.items()}
        if key in VERBATIM
        else Sourced(value, origin, key)
        for key, value in values.items()
    }


def plain(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table's values under the names they were written by; file settings are absolute."""
    values: dict[str, Any] = {}
    for key, item in table.items():
        if isinstance(item, Sourced):
            values[item.leaf] = _absolute(item)
        elif isinstance(item, dict):
            values[key] = plain(item)
    return values


def path_of(value: str | Path, origin: Origin) -> Path:
    """Return a file setting's path, relative to the folder of the file that states it."""
    return (origin.base or Path.cwd()) / Path(value).expanduser()


def _absolute(item: Sourced) -> Any:
    value = item.value
    if item.leaf.endswith(FILES) and isinstance(value, str | Path) and str(value):
        return path_of(value, item.origin)
    return value


def parsed(
    model: type[M],
    table: Mapping[str, Any],
    path: str,
    problems: list[Problem],
    *,
    whole: Mapping[str, Any] | None = None,
) -> M | None:
    """Return the table as a model, or None with its problems noted.

    `whole` is the table that it is a part of: where a key is missing, some other one stands.

    A value never enters a problem: only where it was said, and what is wrong with it.
    """
    try:
        return model.model_validate(plain(table))
    except ValidationError as failure:
        errors = failure.errors(include_input=False, include_url=False, include_context=False)
        problems.extend(_problem(model, whole or table, path, error) for error in errors)
        return None


def problem_at(
    table: Mapping[str, Any], key: str, path: str, message: str, remedy: str = ""
) -> Problem:
    """Return a problem with one key of a table, located where the key was said."""
    item = table.get(key)
    leaf = item.leaf if isinstance(item, Sourced) else key
    return Problem(dotted(path, leaf), message, source_of(table, key), remedy)


def dotted(path: str, leaf: str) -> str:
    """Return the path of a key; a table's path is empty at the top level."""
    return f"{path}.{leaf}" if path else leaf


def source_of(table: Mapping[str, Any], key: str) -> str:
    """Return where a key was said, or where anything of the table was."""
    item = table.get(key)
    if isinstance(item, dict):
        item = next(iter(item.values()), None)
    if isinstance(item, Sourced):
        return locate(item.origin)
    return next((locate(i.origin) for i in table.values() if isinstance(i, Sourced)), "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return advice for a misspelt name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def _problem(
    model: type[BaseModel], table: Mapping[str, Any], path: str, error: ErrorDetails
) -> Problem:
    leaf = str(error["loc"][0]) if error["loc"] else ""
    key = next(
        (key for key, item in table.items() if isinstance(item, Sourced) and item.leaf == leaf),
        leaf,
    )
    kind = error["type"]
    if kind == "extra_forbidden":
        remedy = did_you_mean(leaf, aliases(model)) or f"Known: {', '.join(aliases(model))}."
        return problem_at(table, key, path, "there is no such setting", remedy)
    if kind == "missing":
        where = dotted(path, leaf)
        return Problem(where, "is missing", source_of(table, ""), f"Set {where}.")
    inner = ".".join(str(part) for part in error["loc"][1:] if isinstance(part, str))
    place = f"{inner}: " if inner and leaf in VERBATIM else ""
    message = error["msg"].removeprefix("Value error, ")
    if kind == "string_too_short":
        message = "must not be empty"
    return problem_at(table, key, path, place + message)
