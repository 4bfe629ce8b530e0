"""Invisible characters: dropped at the ends of every value, found inside of others."""

from __future__ import annotations

import unicodedata

_BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_WITHOUT_WIDTH = (
    "\xad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062"
    "\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
)
INVISIBLE = _BLANKS + _WITHOUT_WIDTH
_NAMES = {" ": "a blank", "\t": "a tab", "\n": "a line end", "\r": "a line end"}
_CONTROLS = frozenset({"Cc", "Cf", "Zl", "Zp"})


def stripped(text: str) -> str:
    """Return a text without line ends, blanks and byte order marks at its ends."""
    return text.strip(INVISIBLE)


def invisible_inside(text: str, *, allowed: str = "") -> str | None:
    """Name the first character of a text that nobody sees, or return None.

    Args:
        text: The text, stripped.
        allowed: Blanks that may be a part of it.
    """
    if text.isascii() and text.isprintable() and " " not in text:
        return None
    for char in text:
        unseen = char.isspace() or unicodedata.category(char) in _CONTROLS
        if unseen and char not in allowed:
            return _NAMES.get(char, f"the invisible character U+{ord(char):04X}")
    return None
