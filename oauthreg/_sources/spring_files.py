"""Spring's two file formats as documents of flat properties, split and named as Boot does."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from oauthreg._errors import Problem
from oauthreg._files import SETTINGS_SIZE, read_file
from oauthreg._sources.canonicalise import UnusableError
from oauthreg._sources.locate import shown
from oauthreg._sources.spring_properties import Document, Property, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIXES = (".yaml", ".yml", ".properties")
"""In Spring's order: of three files with one stem, the last wins."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOSING = re.compile(r"[#!]---[ \t\f]+[\r\n]*")
_LOST = "begins a line with a blank after a division that ends in one, where Spring Boot loses it"
_LISTED = re.compile(r"((?:[^\\,]|\\.)*)(?:,|$)", re.DOTALL)
_DELIMITER = re.compile(r"((?:[^\\:=\s]|\\.|\\\s)*)(?:\s*[:=]\s*|\s+|$)", re.DOTALL)


def load(path: Path, suffix: str, encoding: str | None = None) -> list[Document]:
    """Return the documents of a `.properties`, `.yml` or `.yaml` file; those without any are none.

    Args:
        path: The file.
        suffix: Its format.
        encoding: Of a properties file; default: by its byte order mark, else UTF-8 if it is, else
            ISO 8859-1.

    Raises:
        FileNotFoundError: There is no such file.
        UnusableError: It cannot be read, or the library that reads it is missing.
    """
    return parse(_text(path, suffix, encoding), path, suffix)


def parse(text: str, path: Path, suffix: str) -> list[Document]:
    """Return the documents of a text in one of the two formats.

    Raises:
        UnusableError: It is not valid, or the library that reads it is missing.
    """
    try:
        if suffix == ".properties":
            return list(_properties(path, text))
        from oauthreg._sources.spring_yaml import documents  # noqa: PLC0415 - its library is an extra

        return list(documents(path, text))
    except ImportError:
        problem = Problem(
            shown(path),
            "is a Spring file, and the library that reads it is missing",
            remedy="pip install 'oauthreg[spring]'",
        )
        raise UnusableError(problem) from None


def _text(path: Path, suffix: str, encoding: str | None) -> str:
    try:
        content = read_file(path, SETTINGS_SIZE)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnusableError(Problem(shown(path), f"cannot be read: {error.strerror}")) from None
    marked = next((name for mark, name in _BOMS if content.startswith(mark)), None)
    chosen = encoding or marked or "utf-8"
    try:
        return content.decode(chosen)
    except LookupError:
        raise UnusableError(Problem(shown(path), f"there is no encoding {chosen!r}")) from None
    except UnicodeDecodeError:
        if suffix == ".properties" and chosen == "utf-8" and not encoding:
            return content.decode("latin-1")
        raise UnusableError(Problem(shown(path), f"is not {chosen.upper()} text")) from None


def _properties(path: Path, text: str) -> Iterator[Document]:
    """Yield the documents of a properties file.

    `#---` or `!---` at the start of a line splits it, unless the line before is a comment of the
    same kind; and a comment before the first property of a document joins it to the one before.
    """
    import javaproperties  # noqa: PLC0415 - an extra, imported when it is used

    documents: list[dict[str, Property]] = []
    document: dict[str, Property] = {}  # of one name set twice Java keeps the last
    line, comment_before, lost = 1, "", False
    try:
        for element in javaproperties.parse(text):
            source = element.source
            if isinstance(element, javaproperties.Comment):
                mark = source.lstrip(" \t\f")[:1]
                if source[1:].rstrip(" \t\f\r\n") == "---" and comment_before != mark:
                    documents += [document] if document else []
                    document = {}
                else:
                    if not document:
                        document = next((documents.pop() for _ in documents[-1:]), {})
                    comment_before = mark
            else:
                comment_before = ""
                if isinstance(element, javaproperties.KeyValue):
                    if lost and source[0] in " \t\f":
                        raise UnusableError(Problem(shown(path), f"{_LOST} (line {line})"))
                    for name, value in _items(element.key.strip(), element.value, source):
                        document[name] = Property(name, value, origin_of(path, name, line))
            lost = bool(_LOSING.fullmatch(source))
            line += source.count("\n")
    except ValueError:
        message = f"is not a valid properties file (line {line}): \\u begins a character's code"
        remedy = "Write two backslashes for one, as in C:\\\\users."
        raise UnusableError(Problem(shown(path), message, remedy=remedy)) from None
    yield from (list(one.values()) for one in [*documents, document])


def _items(key: str, value: str, source: str) -> Iterator[tuple[str, str]]:
    """Yield a property, or the items of a list: `scope[]=read,write` is two."""
    import javaproperties  # noqa: PLC0415 - as above

    if not key.endswith("[]"):
        if key:
            yield key, value
        return
    joined = re.sub(r"\\(?:\r\n|\r|\n)[ \t\f]*", "", source.lstrip(" \t\f")).rstrip("\r\n")
    raw = joined[_DELIMITER.match(joined).end() :]  # type: ignore[union-attr]  # it fits any text
    items = _LISTED.findall(raw)
    for index, item in enumerate(items[:-1] or items):
        yield f"{key[:-2]}[{index}]", javaproperties.unescape(item.lstrip(" \t\f"))
