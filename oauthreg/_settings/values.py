"""The values of a table: merged, with an origin, and plain for a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oauthreg._files import working_directory
from oauthreg._sources.tree import VERBATIM, Origin, Sourced

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES = ("-file", "-bundle")
"""How the names of settings end that hold the path of a file."""


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
    """Return a table's values by the names that their sources use; file settings are absolute."""
    values: dict[str, Any] = {}
    for key, item in table.items():
        if isinstance(item, Sourced):
            values[item.leaf] = _absolute(item)
        elif isinstance(item, dict):
            values[key] = plain(item)
    return values


def path_of(value: str | Path, origin: Origin) -> Path:
    """Return a file setting's path, relative to the folder of the file that it stands in."""
    expanded = os.path.expanduser(value)  # noqa: PTH111 - Path's raises where there is no home
    return (origin.base or working_directory()) / expanded


def _absolute(item: Sourced) -> Any:
    value = item.value
    if item.leaf.endswith(FILES) and isinstance(value, str | Path) and str(value):
        return path_of(value, item.origin)
    return value
