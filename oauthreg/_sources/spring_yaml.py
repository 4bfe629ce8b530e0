"""A YAML file as documents of flat properties, as Spring Boot flattens it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml
from yaml import MappingNode, MarkedYAMLError, Node, ScalarNode, SequenceNode

from oauthreg._errors import Problem
from oauthreg._sources.canonicalise import UnusableError
from oauthreg._sources.locate import shown
from oauthreg._sources.spring_properties import Document, Property, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = re.compile("yes|no|on|off|true|false", re.IGNORECASE)
_NUMBER = re.compile(
    r"[-+]?(\.?\d[\d_]*\.?[\d_.:]*([eE][-+]?\d+)?|0[xb][0-9a-fA-F_]+|\.(inf|nan))", re.IGNORECASE
)
_SAME = re.compile(r"true|false|0|-?[1-9]\d{0,15}|-?(0|[1-9]\d{0,5})\.(0|\d*[1-9])")
_QUOTED = re.compile(r"'(?!<[a-z ]+>)[^']{2,}'")
"""A word of the file, in what the YAML parser says."""

_TAGGED = "has a tag that is not read"
_TOO_MANY = "has too many values: aliases multiply what they stand for"
MOST_NODES = 100_000
_TAGS = frozenset(f"tag:yaml.org,2002:{tag}" for tag in ("str", "map", "seq"))


def documents(path: Path, text: str) -> Iterator[Document]:
    """Yield the documents of a YAML file.

    Raises:
        UnusableError: It is not valid YAML, or holds what Spring Boot does not read.
    """
    try:
        for root in yaml.compose_all(text, Loader=yaml.BaseLoader):
            if isinstance(root, MappingNode):
                yield list(_Flattening(path).flat(root, "", ()))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        fault, remedy = _fault(error)
        message = f"{error.note or 'is not valid YAML'}{place}{fault and f': {fault}'}"
        raise UnusableError(Problem(shown(path), message, remedy=remedy)) from None
    except (yaml.YAMLError, RecursionError):
        raise UnusableError(Problem(shown(path), "is not valid YAML")) from None


def _fault(error: MarkedYAMLError) -> tuple[str, str]:
    """Return what is wrong and what to do, in words that hold no value of the file."""
    words = error.problem or ""
    if "cannot start any token" in words:
        tab = "\\t" in words
        return words, "Indent by blanks." if tab else "Put a value that begins so in quotes."
    remedy = "Put a value with a colon and a blank in quotes." if "mapping values" in words else ""
    return ("" if _QUOTED.search(words) else words), remedy


class _Flattening:
    """The flattening of one document, with a bound: aliases multiply what they stand for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = MOST_NODES

    def flat(self, node: Node, name: str, around: tuple[Node, ...]) -> Iterator[Property]:
        """Yield what a node says, keys joined by dots and list items numbered, as Spring does.

        Every scalar stays the text that was written; a null is an empty text.
        """
        self._spend(node)
        if node in around:
            raise MarkedYAMLError("", None, "an alias within what it names", node.start_mark)
        if node.tag not in _TAGS:
            raise MarkedYAMLError(problem_mark=node.start_mark, note=_TAGGED)
        origin = origin_of(self._path, name, node.start_mark.line + 1)
        match node:
            case MappingNode() if node.value or not name:
                for key, value in self._entries(node).items():
                    separator = "." if name and not key.startswith("[") else ""
                    yield from self.flat(value, f"{name}{separator}{key}", (*around, node))
            case SequenceNode() if node.value:
                for index, item in enumerate(node.value):
                    yield from self.flat(item, f"{name}[{index}]", (*around, node))
            case ScalarNode(value=text, style=style):
                null = style is None and text in _NULLS
                unlike = style is None and bool(_typed(text)) and not _SAME.fullmatch(text)
                yield Property(name, "" if null else text, origin, unquoted=unlike and not null)
            case _:
                yield Property(name, "", origin)

    def _entries(self, node: Node) -> dict[str, Node]:
        """Return a mapping's values by key, those of its merge keys (`<<`) first."""
        self._spend(node)
        if not isinstance(node, MappingNode):
            raise MarkedYAMLError("", None, "<< takes tables", node.start_mark)
        merged: dict[str, Node] = {}
        own: dict[str, Node] = {}
        for key, value in node.value:
            if key.value == "<<":
                for part in reversed(value.value) if isinstance(value, SequenceNode) else [value]:
                    merged |= self._entries(part)
                continue
            if key.tag not in _TAGS:
                raise MarkedYAMLError(problem_mark=key.start_mark, note=_TAGGED)
            if not isinstance(key, ScalarNode):
                raise MarkedYAMLError("", None, "a key must be text", key.start_mark)
            word = f"[{key.value}]" if key.style is None and _typed(key.value) else key.value
            if word in own:
                raise MarkedYAMLError("", None, "a key stands twice", key.start_mark)
            own[word] = value
        return merged | own

    def _spend(self, node: Node) -> None:
        self._left -= 1 + len(node.value) * isinstance(node, MappingNode)
        if self._left < 0:
            raise MarkedYAMLError(problem_mark=node.start_mark, note=_TOO_MANY)


def _typed(text: str) -> bool:
    return bool(_BOOLEAN.fullmatch(text) or _NUMBER.fullmatch(text))
