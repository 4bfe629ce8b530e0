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
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, unquote

PORTS = {"http": 80, "https": 443}
_WEB_SOCKETS = {"ws": "http", "wss": "https"}  # which begin as a request like any other

_ADDRESS = re.compile(r"(https?|wss?)://([^/?#]*)([^?#]*)(?:[?#].*)?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::([0-9]{0,5}))?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_KEPT_IN_PATHS = "/%:@!$&'()*+,;=~"
_CLIMBS = re.compile(r"(?:^|[/\\])\.\.(?:[/\\;]|$)")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port, in the one spelling that all others are compared in."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether the host is loopback by its own text."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def may_see_tokens(self) -> bool:
        """Whether a token may go there unless settings say otherwise: by https, or to loopback."""
        return self.scheme == "https" or self.is_loopback

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


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
            asked, path = taken_apart(url)
        except ValueError:
            return False
        if self.any_label:
            asked = Origin(asked.scheme, asked.host.partition(".")[2], asked.port)
        if asked != self.origin:
            return False
        if not self.segments:
            return True
        segments = segments_of(path)
        if any(_CLIMBS.search(unquote(segment)) for segment in segments):
            return False  # some servers decode `..%2f` and would leave the path by it
        return segments[: len(self.segments)] == self.segments


def origin_of(url: str) -> Origin:
    """Return the origin of an address.

    Raises:
        ValueError: it is no absolute http or https address.
    """
    return taken_apart(url)[0]


@lru_cache(maxsize=1024)
def parse_pattern(text: str) -> Pattern:
    """Read one entry of `urls`: `https://host`, `https://*.host`, each with a path or without.

    Raises:
        ValueError: with a sentence that says how to write it.
    """
    address = _ADDRESS.fullmatch(text)
    if address is None:
        raise ValueError("must begin with https://, as in https://api.example.com/v1")
    scheme, authority, path = address.groups()
    if "@" in authority:
        raise ValueError("must not carry a user name or password")
    if text != f"{scheme}://{authority}{path}":
        raise ValueError("must end with the path: a query or fragment takes no part")
    any_label = authority.startswith("*.")
    authority = authority[2:] if any_label else authority
    if "*" in authority:
        raise ValueError("may have one *. before the host, as in https://*.example.com, only")
    if "*" in path:
        raise ValueError("must not have * in the path: a path covers all that is below it")
    origin = _origin(scheme, authority)
    if any_label and ("." not in origin.host or _is_ip(origin.host)):
        raise ValueError("must have a domain of two labels or more after the *.")
    segments = segments_of(path)
    if any(_CLIMBS.search(unquote(segment)) for segment in segments):
        raise ValueError("must not climb by .. in its path")
    return Pattern(origin, any_label, segments[:-1] if segments[-1:] == ("",) else segments)


def taken_apart(url: str) -> tuple[Origin, str]:
    """Return the origin and the path as written.

    Raises:
        ValueError: it is no absolute http or https address.
    """
    address = _ADDRESS.fullmatch(url)
    if address is None:
        raise ValueError("must be an absolute https address")
    scheme, authority, path = address.groups()
    if "\\" in authority:  # which browsers read as a slash, and libraries as a user name
        raise ValueError("must not have a backslash before its path")
    return _origin(scheme, authority.rpartition("@")[2]), path


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


@lru_cache(maxsize=1024)
def _origin(scheme: str, authority: str) -> Origin:
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise ValueError("must have a host, and nothing after it but a port and a path")
    scheme = _WEB_SOCKETS.get(scheme.lower(), scheme.lower())
    port = int(parts[2] or PORTS[scheme])
    if port > 65535:  # noqa: PLR2004 - TCP ports have 16 bits
        raise ValueError("must have a port below 65536")
    return Origin(scheme, _host(parts[1]), port)


def _host(text: str) -> str:
    if text.startswith("["):
        return str(IPv6Address(text[1:-1]))
    if not text.isascii():
        import idna  # noqa: PLC0415 - for the few hosts that need it; every HTTP library has it

        text = idna.encode(text, uts46=True).decode("ascii")
    name = text.lower().removesuffix(".")
    if not _NAME.fullmatch(name):
        raise ValueError("must have a host name in letters, digits, hyphens and dots")
    return name


def _is_ip(host: str) -> bool:
    try:
        return isinstance(ip_address(host), IPv4Address | IPv6Address)
    except ValueError:
        return host.rpartition(".")[2].isdigit()


def _decoded_if_unreserved(encoded: re.Match[str]) -> str:
    character = chr(int(encoded[1], 16))
    return character if _UNRESERVED.fullmatch(character) else encoded[0].upper()
