"""Errors without any value that a request carried and the answer repeated, in any spelling.

Values and texts are compared in one form, to which every spelling is brought: the bytes of UTF-8
with all escapes undone, layer by layer, in lower case, with a blank for a plus sign. (A percent
sign, an HTML entity and a backslash each begin an escape.) For base64 and hex the value is encoded
instead.
"""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from oauthreg._errors import TokenEndpointError
from oauthreg._protocol.text import CUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oauthreg._errors import AuthorizationError

E = TypeVar("E", bound="AuthorizationError")

MASKED = "***"
SHORT = 4  # a value below this is masked in the server's words only, where it stands alone
PART = 8  # characters of a value by which a part of it is known
CUT_PART = 3  # likewise of its beginning, where the text itself was shortened
LONGEST_END = 4096  # characters of each end of a value whose parts are looked for
LONGEST_SECRET = 256  # characters of a value that is looked for in rare encodings: no token
MOST_LAYERS = 6  # of escapes around each other
DEEPEST = 20  # levels of an answer that a plugin is shown
LONGEST_INSIDE = 4096  # characters of its texts together
SERVERS_WORDS = ("error", "error_description", "error_uri")
NOT_SCRUBBED = frozenset({"registration_id", "provider", "asked_for"})
ESCAPE = re.compile(
    r"%([0-9a-f]{2})|\\x([0-9a-f]{2})|\\([0-3][0-7]{2})"  # a byte
    r"|\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})"  # two halves of a character
    r"|(?:%u|\\u)([0-9a-f]{4})|\\u\{([0-9a-f]{1,6})\}|&#x([0-9a-f]{1,6});?"
    r"|(&(?:#[0-9]{1,7};?|[a-z][a-z0-9]{1,31};))|\\(.)",
    re.IGNORECASE | re.DOTALL,
)
CUT_ESCAPE = re.compile(r"(?:%u?|&#?x?|\\u?\{?)[0-9a-z]{0,8}$", re.IGNORECASE)
CONTROLS = "nrtbf"  # after a backslash
FOLDED = dict.fromkeys((*range(0x21), 0x7F, ord("+")), " ") | {
    code: chr(code + 0x20) for code in range(ord("A"), ord("Z") + 1)
}


def scrubbed(error: E, sensitive: Iterable[str]) -> E:
    """Return the error with `***` instead of these values, however the server spelt them.

    In the server's own words parts of them are masked, too, and a value of less than four
    characters where it stands alone.
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
        self._needles = {one for value in values for one in _needles(value) if one}
        self._long = {one for one in self._needles if len(one) >= SHORT}
        ends = (end for one in self._needles for end in (one[:LONGEST_END], one[-LONGEST_END:]))
        self._parts = {
            one[start : start + PART] for one in {*ends} for start in range(len(one) - PART + 1)
        }
        self._left = LONGEST_INSIDE

    def whole(self, text: str) -> str:
        """Mask the values where they are complete."""
        folded = _folded(text)
        return _masked(text, (span for one in self._long for span in _found(folded, one)))

    def inside(self, value: Any, depth: int = DEEPEST) -> Any:
        """Mask the values in the texts of a JSON value, and leave out what is long or deep."""
        if isinstance(value, str):
            text = value[: self._left]
            self._left -= len(text)
            return self.parts(text) if text else ""
        if not isinstance(value, Mapping | list):
            return value
        if not depth:
            return None
        if isinstance(value, Mapping):
            return {name: self.inside(item, depth - 1) for name, item in value.items()}
        return [self.inside(item, depth - 1) for item in value]

    def parts(self, text: str) -> str:
        """Mask the values, and parts of them."""
        folded, before = _folded(text), _before_cut(text)
        spans = [
            span
            for one in self._needles
            for span in _found(folded, one)
            if len(one) >= SHORT or _stands_alone(text, span)
        ]
        spans += _parts(folded, self._parts)
        if before:
            cut = _folded(before)
            spans += (span for one in self._needles for span in _cut(cut, one))
        return _masked(text, spans)


class _Folded(NamedTuple):
    """A text in the form in which texts are compared.

    Attributes:
        form: Its characters.
        places: Where each of them begins and ends in the text as it was.
    """

    form: str
    places: list[tuple[int, int]]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the text as it was of some characters of the form."""
        return self.places[start][0], self.places[end - 1][1]


def _folded(text: str) -> _Folded:
    units = [
        (chr(byte), (place, place + 1))
        for place, char in enumerate(text)
        for byte in char.encode("utf-8", "surrogatepass")
    ]
    for _ in range(MOST_LAYERS):
        joined, changed, done = "".join(char for char, _ in units), [], 0
        for match in ESCAPE.finditer(joined):
            start, end = match.span()
            place = units[start][1][0], units[end - 1][1][1]
            changed += units[done:start] + [(char, place) for char in _unescaped(match)]
            done = end
        if not done:
            break
        units = changed + units[done:]
    form = "".join(char for char, _ in units).translate(FOLDED)
    return _Folded(form, [place for _, place in units])


def _form(value: bytes) -> str:
    """Return a value in the form in which texts are compared."""
    text = value.decode("latin-1")
    for _ in range(MOST_LAYERS):
        before, text = text, ESCAPE.sub(_unescaped, text)
        if text == before:
            break
    return text.translate(FOLDED)


def _unescaped(match: re.Match[str]) -> str:
    """Return the bytes that an escape stands for, each as a character."""
    percent, escaped, octal, high, low, *numbers, entity, char = match.groups()
    if octal:
        return chr(int(octal, 8))
    if percent or escaped:
        return chr(int(percent or escaped, 16))
    if char:
        return " " if char.lower() in CONTROLS else char
    if entity:
        text = html.unescape(entity)
        return entity if text == entity else _as_bytes(text)
    if high:
        pair = (int(high, 16) << 16 | int(low, 16)).to_bytes(4)
        return _as_bytes(pair.decode("utf-16-be"))
    code = int(next(filter(None, numbers)), 16)
    return _as_bytes(chr(code)) if code <= 0x10FFFF else ""  # noqa: PLR2004 - Unicode's last


def _as_bytes(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _needles(value: str) -> Iterator[str]:
    """Give the forms in which a value may stand in a text."""
    raw = value.encode("utf-8", "surrogatepass")
    yield _form(raw)
    if not value.isascii():
        yield from (_form(one.encode("utf-8", "replace")) for one in (value.lower(), value.upper()))
        yield _form(raw.decode("cp1252", "replace").encode())
        yield from (_form(value.encode(charset, "replace")) for charset in ("latin-1", "ascii"))
    if SHORT <= len(value) <= LONGEST_SECRET:
        yield _form("\0".join(value).encode("utf-8", "surrogatepass"))  # UTF-16, misread
        yield from (raw.hex(), raw.hex(" "), raw.hex(":"))
    if len(value) >= SHORT:
        yield from _base64(raw)


def _base64(raw: bytes) -> Iterator[str]:
    """Give a value in base64, at each place in a longer text that was encoded with it."""
    yield _form(b64encode(raw).rstrip(b"="))
    for before in range(3 if len(raw) <= LONGEST_SECRET else 1):
        encoded = b64encode(bytes(before) + raw)
        whole = encoded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        yield from (_form(whole), _form(whole.replace(b"+", b"-").replace(b"/", b"_")))


def _found(folded: _Folded, needle: str) -> Iterator[tuple[int, int]]:
    start = folded.form.find(needle)
    while start >= 0:
        end = start + len(needle)
        yield folded.span(start, end)
        start = folded.form.find(needle, end)


def _parts(folded: _Folded, known: set[str]) -> Iterator[tuple[int, int]]:
    """Give the places of parts of values, from eight characters."""
    form, start = folded.form, 0
    while start <= len(form) - PART:
        end = start
        while form[end : end + PART] in known:
            end += 1
        if end > start:
            yield folded.span(start, end + PART - 1)
        start = end + 1


def _before_cut(text: str) -> str:
    """Return a text up to where it was shortened, and up to an escape there; "" for others."""
    return CUT_ESCAPE.sub("", text.removesuffix(CUT)) if text.endswith(CUT) else ""


def _cut(folded: _Folded, needle: str) -> Iterator[tuple[int, int]]:
    """Give the beginning of a value that the end of a shortened text has cut."""
    end = len(folded.form)
    for length in range(min(PART, len(needle)), CUT_PART - 1, -1):
        if folded.form.endswith(needle[:length]):
            yield folded.span(end - length, end)
            return


def _stands_alone(text: str, span: tuple[int, int]) -> bool:
    start, end = span
    return not any(char.isalnum() for char in f"{text[start - 1 : start]}{text[end : end + 1]}")


def _masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    result, kept = "", 0
    for start, end in sorted(spans):
        if start >= kept:
            result += text[kept:start] + MASKED
        kept = max(kept, end)
    return result + text[kept:]
