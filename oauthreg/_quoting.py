"""What an error may quote of a setting: words, numbers, addresses and paths, never a credential.

People write a secret where a name, a path or an address belongs. So a value is shown only if its
looks say that it is none; else the error names the setting and its place, and quotes nothing.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from oauthreg._suggestions import close_to

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD_LENGTH = 16
_PART = r"(?:[a-z]+|[A-Z]+|[A-Z][a-z]+|\d{1,4})"
_WORDS = re.compile(rf"{_PART}(?:[ ._-]{_PART})*")
_QUANTITY = re.compile(r"[-+]?(?:\d+[.,]?\d*|P?T?\d{1,6}) ?[A-Za-z]{0,8}")
_FILE_NAME = re.compile(rf"\.{{0,2}}(?:{_PART}(?:[ ._-]{_PART})*)?")
_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,5}")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z+.-]*:/{0,3})?"
    r"(?:(?:[a-z0-9{}<>$-]+\.)+[a-z<>{}]{2,}|localhost|\[[0-9a-f:]+\]|\d{1,3}(?:\.\d{1,3}){1,3})"
    r"(?::\w{1,6})?(?:/[A-Za-z0-9._~/{}<>$-]*)?"
)
_LONGEST = 200


def quoted_word(value: object, known: Iterable[str] = ()) -> str:
    """Return a value as an error may quote it, or an empty string.

    Args:
        value: What a setting holds that takes a name, a number or a switch.
        known: What the setting takes: a misspelt one of these is quoted whatever its looks.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)[:_LONGEST]
    if not isinstance(value, str):
        return ""
    looks_plain = len(value) <= _WORD_LENGTH and _WORDS.fullmatch(value)
    number = len(value) <= _WORD_LENGTH and _QUANTITY.fullmatch(value)
    if looks_plain or number or close_to(value, known):
        return repr(value)
    return ""


def is_plain(text: str) -> bool:
    """Whether a text is made of words and numbers only, as the name of a variable is."""
    return _WORDS.fullmatch(text) is not None


def quoted_address(value: object) -> str:
    """Return an address as an error may quote it, without its query, or an empty string."""
    if not isinstance(value, str) or len(value) > _LONGEST or value.startswith("eyJ"):
        return ""
    text, mark, _ = value.partition("?")
    return repr(text + ("?..." if mark else "")) if _ADDRESS.fullmatch(text) else ""


def quoted_path(value: object, path: Path) -> str:
    """Return a file setting's value as an error may quote it, or an empty string.

    Args:
        value: What the setting holds.
        path: The file that it names.
    """
    text = str(value)
    if len(text) > _LONGEST or not text.isprintable() or "-----" in text or text.startswith("eyJ"):
        return ""
    parts = [part for part in re.split(r"[/\\]", text) if part]
    names = all(_FILE_NAME.fullmatch(part.removeprefix("~")) for part in parts)
    folders = len(Path(text).parts) > 1 and path.parent != Path(path.anchor)
    there = os.path.exists(path)  # noqa: PTH110 - Path's raises where a name is too long
    if there or (folders and os.path.isdir(path.parent)):  # noqa: PTH112 - likewise
        return repr(text)
    if names and (len(parts) > 1 or _SUFFIX.fullmatch(Path(text).suffix)):
        return repr(text)
    return ""
