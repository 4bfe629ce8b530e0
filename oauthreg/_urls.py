"""Addresses as `urls` compares them: an origin, and a path by whole segments.

```python
pattern = parse_pattern("https://api.example.com/v1")
pattern.matches("https://API.example.com:443/v1/users?page=2")  # True
pattern.matches("https://api.example.com/v10")  # False: another segment
pattern.matches("https://api.example.com/v1/%2e%2e/admin")  # False: that is /admin
```

What cannot be taken apart without doubt (a backslash in the authority, a percent sign in the
host) is no address here, so nothing matches it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from oauthreg._addresses import Origin, as_http, parse, parse_requested

_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_KEPT_IN_PATHS = "/%:@!$&'()*+,;=~"
_CLIMBS = re.compile(r"(?:^|[/\\])\.\.(?:[/\\;]|$)")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One entry of `urls`. Made by `parse_pattern`.

    Attributes:
        origin: The origin; with `any_label`, its host is what follows the `*.`.
        any_label: Whether exactly one more label has to stand before the host.
        segments: The path by segments; addresses below it match as well. Empty: any path.
    """

    origin: Origin
    any_label: bool
    segments: tuple[str, ...]

    def matches(self, url: str) -> bool:
        """Whether a token may go to this address; False as well if it is none."""
        try:
            address = parse_requested(url)
        except ValueError:
            return False
        asked = address.origin
        if self.any_label:
            asked = Origin(asked.scheme, asked.host.partition(".")[2], asked.port)
        if asked != self.origin:
            return False
        if not self.segments:
            return True
        segments = segments_of(address.path)
        if any(_CLIMBS.search(unquote(segment)) for segment in segments):
            return False  # some servers decode `..%2f` and would leave the path by it
        return segments[: len(self.segments)] == self.segments


@lru_cache(maxsize=1024)
def parse_pattern(text: str) -> Pattern:
    """Read one entry of `urls`: `https://host`, `https://*.host`, each with a path or without.

    Raises:
        ValueError: with a sentence that says how to write it.
    """
    whole = as_http(text)
    any_label = "://*." in whole
    whole = whole.replace("://*.", "://", 1)
    authority, _, path = whole.partition("://")[2].partition("/")
    if "*" in authority:
        raise ValueError("may have one *. before the host, as in https://*.example.com, only")
    if "*" in path:
        raise ValueError("must not have * in the path: a path covers all that is below it")
    address = parse(whole)
    if address.query is not None:
        raise ValueError("must end with the path: a query takes no part")
    host = address.host
    if any_label and ("." not in host or host.rpartition(".")[2].isdigit()):
        raise ValueError("must have a domain of two labels or more after the *.")
    segments = segments_of(address.path)
    if any(_CLIMBS.search(unquote(segment)) for segment in segments):
        raise ValueError("must not climb by .. in its path")
    kept = segments[:-1] if segments[-1:] == ("",) else segments
    return Pattern(address.origin, any_label, kept)


def segments_of(path: str) -> tuple[str, ...]:
    """Split a path after its percent-encoding and dot segments are normal (RFC 3986 section 6)."""
    text = _ENCODED.sub(_decoded_if_unreserved, _STRAY_PERCENT.sub("%25", path))
    kept: list[str] = []
    for segment in quote(text, safe=_KEPT_IN_PATHS).split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return tuple(kept)


def _decoded_if_unreserved(encoded: re.Match[str]) -> str:
    character = chr(int(encoded[1], 16))
    return character if _UNRESERVED.fullmatch(character) else encoded[0].upper()
