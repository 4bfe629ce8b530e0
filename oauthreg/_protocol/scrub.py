"""Errors without any value that a request carried and the answer repeated, in any spelling."""

from __future__ import annotations

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, quote_plus

from oauthreg._errors import TokenEndpointError
from oauthreg._protocol.text import CUT, clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oauthreg._errors import AuthorizationError

E = TypeVar("E", bound="AuthorizationError")

MASKED = "***"
SHORT = 4  # a value below this is masked in the server's words only, where it stands alone
PART = 8  # characters at a value's begin or end by which a shortened repetition is known
CUT_PART = 3  # likewise where the text itself was shortened
SERVERS_WORDS = ("error", "error_description", "error_uri")
NOT_SCRUBBED = frozenset({"registration_id", "provider", "asked_for"})


def scrubbed(error: E, sensitive: Iterable[str]) -> E:
    """Return the error with `***` instead of these values, however the server spelt them.

    Known are the value itself, in any case, and percent-, form-, HTML-, JSON-, Python-, base64-
    and hex-encoded. In the server's own words its first or last characters are masked, too, and a
    value of less than four characters where it stands alone.
    """
    scrubber = _Scrubber(sensitive)
    changes: dict[str, Any] = {
        name: scrubber.whole(value)
        for name, value in vars(error).items()
        if isinstance(value, str) and name not in NOT_SCRUBBED
    }
    message = error.message
    if isinstance(error, TokenEndpointError):
        for name in SERVERS_WORDS:
            words = getattr(error, name)
            if words:
                changes[name] = scrubber.parts(words)
                message = message.replace(words, changes[name])
        changes["fields"] = scrubber.inside(error.fields)
        changes["headers"] = scrubber.inside(error.headers)
    changes["message"] = scrubber.whole(message)
    return error.copy(**changes, args=(changes["message"],))


class _Scrubber:
    """Masks a set of values.

    Args:
        sensitive: The values.
    """

    def __init__(self, sensitive: Iterable[str]) -> None:
        values = {value for value in sensitive if value}
        self._spellings = {_folded(one) for value in values for one in _spellings(value)}
        self._long = {one for one in self._spellings if len(one) >= SHORT}

    def whole(self, text: str) -> str:
        """Mask the values where they are complete."""
        lower = _folded(text)
        return _masked(text, (span for one in self._long for span in _found(lower, one)))

    def inside(self, value: Any) -> Any:
        """Mask the values in the texts of a JSON value."""
        if isinstance(value, str):
            return self.parts(value)
        if isinstance(value, Mapping):
            return {name: self.inside(item) for name, item in value.items()}
        return [self.inside(item) for item in value] if isinstance(value, list) else value

    def parts(self, text: str) -> str:
        """Mask the values, and their beginnings and ends."""
        lower = _folded(text)
        spans = (
            span
            for one in self._spellings
            for span in (*_found(lower, one), *_parts(lower, one), *_cut(lower, one))
        )
        return _masked(text, spans)


def _folded(text: str) -> str:
    """Return the text in lower case, character by character, so that places stay the same."""
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def _spellings(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "surrogatepass")
    percent = quote(raw, safe="")
    escaped = html.escape(value)
    in_json = json.dumps(value)[1:-1]
    yield from (
        value,
        clean(value, len(value)),
        raw.decode("cp1252", "replace"),
        percent,
        quote(percent, safe=""),
        quote(raw),
        quote_plus(raw),
        quote(value, safe="", encoding="latin-1", errors="replace"),
        escaped,
        escaped.replace("&#x27;", "&#39;"),
        escaped.replace("&quot;", "&#34;").replace("&#x27;", "&apos;"),
        in_json,
        in_json.replace("/", "\\/"),
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
    )
    if len(value) >= SHORT:
        yield b64encode(raw).decode().rstrip("=")
        yield urlsafe_b64encode(raw).decode().rstrip("=")
        yield raw.hex()


def _found(text: str, value: str) -> Iterator[tuple[int, int]]:
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        around = f"{text[start - 1 : start]}{text[end : end + 1]}"
        if len(value) >= SHORT or not any(char.isalnum() for char in around):
            yield start, end
        start = text.find(value, end)


def _parts(text: str, value: str) -> Iterator[tuple[int, int]]:
    if len(value) < PART:
        return
    for start, _ in _found(text, value[:PART]):
        end = start + PART
        while end < len(text) and value.startswith(text[start : end + 1]):
            end += 1
        yield start, end
    for begin, end in _found(text, value[-PART:]):
        start = begin
        while start > 0 and value.endswith(text[start - 1 : end]):
            start -= 1
        yield start, end


def _cut(text: str, value: str) -> Iterator[tuple[int, int]]:
    """Give the beginning of a value that the end of a shortened text has cut."""
    if not text.endswith(CUT):
        return
    end = len(text) - len(CUT)
    for length in range(min(PART, len(value)), CUT_PART - 1, -1):
        if text.endswith(value[:length], 0, end):
            yield end - length, end
            return


def _masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    result, kept = "", 0
    for start, end in sorted(spans):
        if start >= kept:
            result += text[kept:start] + MASKED
        kept = max(kept, end)
    return result + text[kept:]
