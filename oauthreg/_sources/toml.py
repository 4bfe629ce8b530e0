"""TOML files, and the same tables given as a dict."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oauthreg._errors import Problem
from oauthreg._sources.canonicalise import Source, UnusableError, text_of
from oauthreg._sources.locate import shown
from oauthreg._sources.tree import Origin

if TYPE_CHECKING:
    from pathlib import Path

OWN_TABLE = "oauthreg"


def read_toml(path: Path) -> Source:
    """Return what a TOML file says, or its `[oauthreg]` table alone if it has one."""
    document = _parsed(path)
    origin = Origin("file", str(path), base=path.parent)
    source = Source()
    if OWN_TABLE in document:
        document = document[OWN_TABLE]
        origin = Origin("file", str(path), OWN_TABLE, path.parent)
    if isinstance(document, Mapping):
        source.add(document, origin)
    else:
        source.problem(OWN_TABLE, "is a table, not a value", origin)
    return source


def read_dict(settings: Mapping[str, Any], directory: Path) -> Source:
    """Return what a dict says; its values are kept as they are."""
    source = Source()
    source.add(settings, Origin("argument", "", base=directory))
    return source


def _parsed(path: Path) -> Any:
    try:
        return tomllib.loads(text_of(path))
    except tomllib.TOMLDecodeError as error:
        raise UnusableError(Problem(shown(path), f"is not valid TOML: {error}")) from None
    except (ValueError, RecursionError):
        raise UnusableError(
            Problem(shown(path), "is not usable TOML: a number too long, or nested too deep")
        ) from None
