"""What a server sent, as text: decoded, cleaned and shortened where it enters."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from oauthreg._flow import TokenResponse

LONGEST_TEXT = 500
CUT = "..."
FALLBACK_CHARSET = "cp1252"  # ISO-8859-1 as it is written in practice
codecs.lookup(FALLBACK_CHARSET)  # it is read from a file, which is not to hold up a loop
SINGLE_BYTE_CHARSETS = re.compile(r"iso-?8859-\d{1,2}|latin-?\d|windows-125\d|cp125\d|koi8-[ru]")
CHARSET = re.compile(r"charset=\"?([\w.:-]{1,40})")
FORM = re.compile(r"\s*[\w.-]{1,100}=")
MOST_FORM_FIELDS = 100


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a server's text for one line: no control, format or line end characters, shortened."""
    line = "".join(char if char.isprintable() else " " for char in text[: longest + 1])
    return line if len(line) <= longest else f"{line[:longest]}{CUT}"


def json_value(response: TokenResponse) -> Any:
    """Return the body as JSON, whatever its content type says; None if it is none.

    JSON is UTF-8 (RFC 8259 section 8.1); a body that is not is read by the charset of its content
    type, else as Windows-1252.
    """
    try:
        return json.loads(response.body)
    except UnicodeDecodeError:
        text = response.body.decode(_charset(response), "replace")
    except (ValueError, RecursionError):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def json_object(response: TokenResponse) -> Mapping[str, Any] | None:
    """Return the body as a JSON object; None if it is none."""
    value = json_value(response)
    return value if isinstance(value, dict) else None


def form_fields(response: TokenResponse) -> Mapping[str, str] | None:
    """Return the body as an urlencoded form; None if it is none."""
    text = body_text(response)
    if not FORM.match(text):
        return None
    try:
        return dict(parse_qsl(text.strip(), max_num_fields=MOST_FORM_FIELDS))
    except ValueError:
        return None


def body_text(response: TokenResponse) -> str:
    """Return the body as text."""
    try:
        return response.body.decode()
    except UnicodeDecodeError:
        return response.body.decode(_charset(response), "replace")


def _charset(response: TokenResponse) -> str:
    found = CHARSET.search(response.headers.get("content-type", "").lower()[:LONGEST_TEXT])
    if found is None or not SINGLE_BYTE_CHARSETS.fullmatch(found[1]):
        return FALLBACK_CHARSET
    try:
        return codecs.lookup(found[1]).name
    except LookupError:
        return FALLBACK_CHARSET
