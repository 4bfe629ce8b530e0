"""Spring's two file formats as documents of flat properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from oauthreg._errors import Problem
from oauthreg._sources.canonicalise import UnusableError, text_of
from oauthreg._sources.locate import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from yaml import Node

SUFFIXES = (".yaml", ".yml", ".properties")
"""In Spring's order: of three files with one stem, the last wins."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Property(NamedTuple):
    """One property: its name as written, dotted; its text; its line."""

    name: str
    text: str
    line: int


Document = list[Property]


def load(path: Path) -> list[Document]:
    """Return the documents of a `.properties`, `.yml` or `.yaml` file.

    Raises:
        FileNotFoundError: There is no such file.
        UnusableError: It cannot be read, or the library that reads it is missing.
    """
    parse = _properties if path.suffix.lower() == ".properties" else _yaml
    try:
        return list(parse(path, text_of(path)))
    except ImportError:
        problem = Problem(
            shown(path),
            "is a Spring file, and the library that reads it is missing",
            remedy="pip install 'oauthreg[spring]'",
        )
        raise UnusableError(problem) from None


def _properties(path: Path, text: str) -> Iterator[Document]:
    import javaproperties  # noqa: PLC0415 - an extra, imported when it is used

    document: dict[str, Property] = {}  # of one name said twice Java keeps the last
    line = 1
    try:
        for element in javaproperties.parse(text):
            if isinstance(element, javaproperties.KeyValue):
                document[element.key] = Property(element.key, element.value, line)
            elif element.source.rstrip() in ("#---", "!---"):
                yield list(document.values())
                document = {}
            line += element.source.count("\n")
    except ValueError:
        problem = Problem(shown(path), f"is not a valid properties file, after line {line - 1}")
        raise UnusableError(problem) from None
    yield list(document.values())


def _yaml(path: Path, text: str) -> Iterator[Document]:
    import yaml  # noqa: PLC0415 - an extra, imported when it is used

    try:
        for root in yaml.compose_all(text, Loader=yaml.BaseLoader):
            yield list(_flat(root, ""))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise UnusableError(Problem(shown(path), f"is not valid YAML{place}")) from None
    except (yaml.YAMLError, RecursionError):
        raise UnusableError(Problem(shown(path), "is not valid YAML")) from None


def _flat(node: Node, name: str) -> Iterator[Property]:
    """Yield what a node says, its keys joined by dots and its list items numbered, as Spring does.

    Every scalar stays the text that was written; a null is an empty text.
    """
    from yaml import MappingNode, ScalarNode, SequenceNode  # noqa: PLC0415 - as above

    line = node.start_mark.line + 1
    match node:
        case MappingNode():
            for key, value in _entries(node).items():
                separator = "." if name and not key.startswith("[") else ""
                yield from _flat(value, f"{name}{separator}{key}")
        case SequenceNode() if node.value:
            for index, item in enumerate(node.value):
                yield from _flat(item, f"{name}[{index}]")
        case ScalarNode(value=text, style=style):
            yield Property(name, "" if style is None and text in _NULLS else text, line)
        case _:
            yield Property(name, "", line)


def _entries(node: Node) -> dict[str, Node]:
    """Return a mapping's values by key, those of its merge keys (`<<`) first."""
    from yaml import MappingNode, MarkedYAMLError, SequenceNode  # noqa: PLC0415 - as above

    if not isinstance(node, MappingNode):
        raise MarkedYAMLError(problem_mark=node.start_mark)
    merged: dict[str, Node] = {}
    own: dict[str, Node] = {}
    for key, value in node.value:
        if key.value == "<<":
            for part in reversed(value.value) if isinstance(value, SequenceNode) else [value]:
                merged |= _entries(part)
        elif not isinstance(key.value, str) or key.value in own:
            raise MarkedYAMLError(problem_mark=key.start_mark)
        else:
            own[key.value] = value
    return merged | own
