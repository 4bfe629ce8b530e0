"""Addresses as `urls` compares them: an origin, and a path by whole segments.

```python
pattern = parse_pattern("https://api.example.com/v1")
pattern.matches("https://API.example.com:443/v1/users?page=2")  # True
pattern.matches("https://api.example.com/v10")  # False: another segment
pattern.matches("https://api.example.com/v1/%2e%2e/admin")  # False: that is /admin
```

An address that libraries or servers may read in two ways (a backslash in the authority, a percent
sign in the host, `%252e%252e` in the path) matches nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize
from urllib.parse import quote, unquote

from oauthreg._addresses import Origin, as_http, origin_of, parse, parse_requested, parse_secure

_AT_PATH = re.compile(r"([^/?#]*//[^/?#]*)([^?#]*)")
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_KEPT_IN_PATHS = "/%:@!$&'()*+,;=~"
_PLAIN = re.compile(r"[\w.~!$&'()*+,=:@-]+")  # a segment that no server splits, strips or merges
_CLIMBS = re.compile(r"(?:^|[/\\])\.\.(?![\w.~-])")  # what follows may be cut off: ;x, a blank
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f]+")
_OVERLONG = re.compile(
    r"%(?:c[01]%[89ab]|e0%[89]|f0%8)", re.IGNORECASE
)  # no UTF-8: ASCII in disguise
_DECODINGS = 4


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
        return self.covers_origin(address.origin) and self.covers_path(address.path)

    def covers_origin(self, origin: Origin) -> bool:
        """Whether the origin is the pattern's."""
        if self.any_label:
            origin = Origin(origin.scheme, origin.host.partition(".")[2], origin.port)
        return origin == self.origin

    def covers_path(self, path: str) -> bool:
        """Whether the path is the pattern's or below it, however a server reads it."""
        if not self.segments:
            return True
        segments = safe_segments(path)
        return segments is not None and segments[: len(self.segments)] == self.segments


def permits(urls: tuple[str, ...], url: str) -> bool:
    """Whether an address that is about to be asked is on a registration's list."""
    start, path = _split_at_path(url)
    return any(pattern.covers_path(path) for pattern in _patterns_of(urls, start))


@lru_cache(maxsize=1024)
def _patterns_of(urls: tuple[str, ...], start: str) -> tuple[Pattern, ...]:
    """Return the patterns of the list that cover an address's origin."""
    try:
        origin = origin_of(start)
    except ValueError:
        return ()
    return tuple(pattern for pattern in map(parse_pattern, urls) if pattern.covers_origin(origin))


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
    segments = safe_segments(address.path)
    if segments is None:
        raise ValueError("must not climb by .. in its path")
    kept = segments[:-1] if segments[-1:] == ("",) else segments
    return Pattern(address.origin, any_label, kept)


def has_one_of_hosts(url: str, hosts: tuple[str, ...]) -> bool:
    """Whether an address that a server named is https at one of these hosts, or on loopback.

    Args:
        url: The address.
        hosts: Host names; `*.example.com` is every host below `example.com`. None of them: no.
    """
    try:
        address = parse_secure(url)
    except ValueError:
        return False
    return address.query is None and any(
        address.host.endswith(host[1:]) if host.startswith("*.") else address.host == host
        for host in hosts
    )


def safe_segments(path: str) -> tuple[str, ...] | None:
    """Split a path at its slashes, percent-encoding and dot segments resolved (RFC 3986).

    Before they resolve `..`, some servers merge slashes, cut off what follows a semicolon, or
    decode a path twice. So `..` may undo plain segments only, and be written in no other way.

    Returns:
        The segments; None if a server may read another path in it.
    """
    kept: list[str] = []
    for segment in _split(path):
        if segment == "..":
            if kept and not _PLAIN.fullmatch(kept.pop()):
                return None
        elif segment != ".":
            kept.append(segment)
    return None if any(map(_may_climb, kept)) else tuple(kept)


def _split_at_path(url: str) -> tuple[str, str]:
    """Split an address before its path, which is without query and fragment."""
    parts = _AT_PATH.match(url)
    return (parts[1], parts[2]) if parts else (url, "")


def _split(path: str) -> list[str]:
    text = _ENCODED.sub(_decoded_if_unreserved, _STRAY_PERCENT.sub("%25", path))
    return quote(text, safe=_KEPT_IN_PATHS).split("/")[1:]


def _may_climb(segment: str) -> bool:
    """Whether a server may find `..` in a segment that is not `..`."""
    for _ in range(_DECODINGS):
        if _OVERLONG.search(segment):
            return True
        before, segment = segment, unquote(segment)
        if segment == before:
            text = normalize("NFKC", segment)  # as some servers do
            return bool(_CLIMBS.search(text) or _CLIMBS.search(_UNSEEN.sub("", text)))
    return True


def _decoded_if_unreserved(encoded: re.Match[str]) -> str:
    character = chr(int(encoded[1], 16))
    return character if _UNRESERVED.fullmatch(character) else encoded[0].upper()
