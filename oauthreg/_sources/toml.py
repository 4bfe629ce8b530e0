"""TOML files, and the same tables given as a dict."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oauthreg._errors import Problem
from oauthreg._sources.canonicalise import Source, UnusableError, text_of
from oauthreg._sources.formats import FORMATS
from oauthreg._sources.locate import shown
from oauthreg._sources.tree import Origin

if TYPE_CHECKING:
    from pathlib import Path

OWN_TABLE = "oauthreg"
PYPROJECT = "pyproject.toml"
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_DECLARED_TWICE = re.compile(r"Cannot declare \((.*)\) twice")
_NAME = re.compile(r"'([^']*)'")
_KEY = re.compile(r"""\s*([\w.-]+)\s*=""")
_VALUE = re.compile(r"[^=]*=\s*(\w+)\s*(?:#.*)?$")
_WORDS = {
    **dict.fromkeys(("True", "TRUE", "yes", "Yes", "on"), "Write true."),
    **dict.fromkeys(("False", "FALSE", "no", "No", "off"), "Write false."),
    **dict.fromkeys(("None", "null", "nil"), "Leave the line out: what is not set has no line."),
}
_BACKSLASHES = r"Write it in single quotes, as in 'C:\secrets', or each backslash twice."
_TYPOGRAPHIC = "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"
_OTHER_DASH = re.compile(r"[^=\"'#]*[\u2010-\u2015\u2212]")
_WITHOUT_QUOTES = re.compile(r"""\s*([\w."'-]+)\s*=\s*[A-Za-z/]""")


def read_toml(path: Path) -> Source:
    """Return the settings of a TOML file.

    Of a file with an `[oauthreg]` or `[tool.oauthreg]` table, that table alone is read.

    Raises:
        FileNotFoundError: There is no such file.
        UnusableError: It cannot be read, or is no TOML.
    """
    document = _parsed(path, text_of(path))
    source = Source()
    own, key = _own_table(document)
    if own is None and path.name == PYPROJECT:
        remedy = (
            "Settings in it stand below [tool.oauthreg]: [tool.oauthreg.registration.my-client]."
        )
        raise UnusableError(Problem(shown(path), "has no [tool.oauthreg] table", remedy=remedy))
    origin = Origin("file", str(path), key, path.parent)
    content = document if own is None else own
    if isinstance(content, Mapping):
        source.add(content, origin)
    else:
        source.problem(key, "must be a table", origin)
    return source


def read_pyproject(path: Path) -> Source:
    """Return the settings of a pyproject.toml that nobody named.

    Raises:
        FileNotFoundError: There is none with a table of ours.
        UnusableError: It has one, and cannot be read.
    """
    try:
        text = text_of(path)
    except UnusableError:
        raise FileNotFoundError from None
    if OWN_TABLE not in text or _own_table(_parsed(path, text))[0] is None:
        raise FileNotFoundError
    return read_toml(path)


def read_dict(settings: Mapping[str, Any], directory: Path, name: str) -> Source:
    """Return the settings of a dict; its values are kept as they are.

    Args:
        settings: The dict.
        directory: What relative file settings start from.
        name: What the dict is, in words for errors.
    """
    source = Source()
    source.add(settings, Origin("argument", name, base=directory))
    return source


def _own_table(document: Mapping[str, Any]) -> tuple[Any, str]:
    if OWN_TABLE in document:
        return document[OWN_TABLE], OWN_TABLE
    tools = document.get("tool")
    if isinstance(tools, Mapping) and OWN_TABLE in tools:
        return tools[OWN_TABLE], f"tool.{OWN_TABLE}"
    return None, ""


def _parsed(path: Path, text: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnusableError(_invalid(path, text, str(error))) from None
    except (ValueError, RecursionError):
        message = "is not usable TOML: a number too long, or nested too deep"
        raise UnusableError(Problem(shown(path), message)) from None


def _advice(line: str, reason: str) -> str:
    """Return what to write in the place of a line that is no TOML, or an empty string."""
    end, value, bare = line.rstrip()[-1:], _VALUE.match(line), _WITHOUT_QUOTES.match(line)
    invalid = "Invalid value" in reason
    rules = (
        (any(quote in line for quote in _TYPOGRAPHIC), 'Write straight quotes: ".'),
        (_OTHER_DASH.match(line), "Write a hyphen: the name has another dash."),
        ("\\" in line and re.search("Unescaped|hex value|Unicode", reason), _BACKSLASHES),
        ("Expected '='" in reason and ":" in line, "Write = in the place of the colon."),
        ("after a statement" in reason and end in {",", ";"}, f"Leave the {end} at its end out."),
        (invalid and value and value[1] in _WORDS, _WORDS.get(value[1], "") if value else ""),
        (invalid and bare, f'Text stands in quotes: {bare[1]} = "...".' if bare else ""),
    )
    return next((remedy for applies, remedy in rules if applies), "")


def _invalid(path: Path, text: str, error: str) -> Problem:
    """Return the problem with a text that is no TOML; its words come from the parser."""
    place = _PLACE.search(error)
    reason = _PLACE.sub("", error)
    if twice := _DECLARED_TWICE.fullmatch(reason):
        reason = f"[{'.'.join(re.findall(_NAME, twice[1]))}] stands twice"
    message = f"is not valid TOML: {reason}"
    if place is None:
        return Problem(shown(path), message, remedy="" if path.suffix == ".toml" else FORMATS)
    number = int(place[1])
    line = text.split("\n")[number - 1]
    name = _KEY.match(line)
    if name is not None and reason == "Cannot overwrite a value":
        message = f"is not valid TOML: {name[1]} stands twice"
    remedy = _advice(line, reason)
    if not remedy and path.suffix != ".toml":
        remedy = FORMATS
    where = f"{shown(path)} line {number}, column {place[2]}"
    return Problem(shown(path), message, where, remedy)
