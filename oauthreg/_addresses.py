"""Addresses: parsed, normalised and judged in one place, for every part that reads one.

```python
parse("https://MÜNCHEN.example:443/token").origin  # https://xn--mnchen-3ya.example
parse("http://127.0.0.1:8080/token").origin.is_loopback  # True
parse("https://auth.example.com:99999/token")  # ValueError: must have a port from 1 to 65535
```

A host is compared and connected to in lower case and in ASCII: an international name by UTS 46,
non-transitional, as browsers do, so that `straße.example` is not `strasse.example`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from urllib.parse import quote

from oauthreg._invisible import invisible_inside

PORTS = {"http": 80, "https": 443}
METADATA_ADDRESS = "169.254.169.254"
METADATA_HOSTS = frozenset({METADATA_ADDRESS, "metadata.google.internal"})
"""Where a cloud's machines ask for tokens: by plain http, over the link to their own host."""

_PARTS = re.compile(
    r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.IGNORECASE | re.DOTALL
)
_WEB_SOCKET = re.compile(r"ws(?=s?://)", re.IGNORECASE)  # begins as a request like any other
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]+)(?::([0-9]{0,5}))?")
_ANY_PORT = re.compile(r"(?<=[^:/]):0(?=[/?#]|$)")
_USER = re.compile(r"[\w.~!$&'()*+,;=:%-]*", re.ASCII)  # RFC 3986: no @, brackets or backslash
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")  # what resolvers take for IPv4
_PLACEHOLDER = re.compile(r"\$?\{+[^{}]*\}+|<[^<>]*>")
_UNFIT = re.compile(r'[<>{}"\\]')
_KEPT = "!#$%&'()*+,/:;=?@[]~"  # what `quote` leaves of a target that is quoted already
_LONGEST_HOST = 253
_LARGEST_PORT = 65535
_LOOPBACK = IPv4Network("127.0.0.0/8")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port, normalised."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether the host is loopback, or `localhost`, which should resolve to it."""
        return self.host == "localhost" or is_loopback(self.host)

    @property
    def is_metadata_service(self) -> bool:
        """Whether it is a cloud's metadata service, which only a plugin may ask that says so."""
        return self.host in METADATA_HOSTS and (self.scheme, self.port) == ("http", PORTS["http"])

    @property
    def must_resolve_to_loopback(self) -> bool:
        """Whether plain http goes to `localhost`: its addresses are checked when connecting."""
        return self.scheme == "http" and self.host == "localhost"

    @property
    def may_see_tokens(self) -> bool:
        """Whether tokens and credentials may be sent there: by https, or to loopback."""
        return self.scheme == "https" or self.is_loopback

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


@dataclass(frozen=True, slots=True)
class Address:
    """An address taken apart.

    Attributes:
        scheme: `https` or `http`.
        host: The host in ASCII and lower case, an IPv6 address without brackets.
        port: The port, the scheme's default if the address names none.
        path: The path as written.
        query: The query as written; None if there is none.
        endpoint: The address as errors show it: without query and user name.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str | None
    endpoint: str

    @property
    def origin(self) -> Origin:
        """Scheme, host and port."""
        return Origin(self.scheme, self.host, self.port)

    @property
    def peer(self) -> str:
        """Host and port, as in a CONNECT request."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def target(self) -> str:
        """Path and query, percent-encoded as they are sent."""
        query = f"?{quote(self.query, safe=_KEPT)}" if self.query else ""
        return f"{self._sent_path}{query}"

    @property
    def url(self) -> str:
        """The address as an HTTP library is given it."""
        return f"{self.origin}{self.target}"

    @property
    def resource(self) -> str:
        """The address without its query, as DPoP proofs name it (RFC 9449 section 4.2)."""
        return f"{self.origin}{self._sent_path}"

    @property
    def _sent_path(self) -> str:
        return quote(self.path or "/", safe=_KEPT)


@lru_cache(maxsize=256)
def parse(text: str) -> Address:
    """Read an address of settings or metadata.

    Raises:
        ValueError: with a sentence that says what is wrong: nothing can be asked there.
    """
    refuse_unfit(text)
    scheme, authority, path, query, fragment = _parts(text)
    if "@" in authority:
        raise ValueError("must not carry credentials: no user name or password before the host")
    if fragment is not None:
        raise ValueError("must not carry a fragment")
    origin = _origin(scheme, authority)
    endpoint = text.partition("?")[0]
    return Address(origin.scheme, origin.host, origin.port, path, query, endpoint)


def parse_secure(text: str, *, link_local: bool = False) -> Address:
    """Read an address that credentials are sent to: https, or plain http to loopback.

    Args:
        text: The address.
        link_local: Whether it may be a cloud's metadata service, too.

    Raises:
        ValueError: with a sentence that says what is wrong.
    """
    address = parse(text)
    if link_local and address.origin.is_metadata_service:
        return address
    if not address.origin.may_see_tokens:
        raise ValueError(
            "must be https: plain http is for loopback addresses only "
            "(127.0.0.0/8, ::1 and localhost)"
        )
    return address


def parse_redirect(text: str) -> Address:
    """Read an http redirect-uri; port 0 stands for any that is free (RFC 8252 section 7.3).

    Raises:
        ValueError: with a sentence that says what is wrong.
    """
    return parse(_ANY_PORT.sub("", text))


def parse_requested(url: str) -> Address:
    """Read an address that an HTTP library is about to ask, as the library does.

    It sends no fragment and, in the address, no user name; `wss` begins as `https`.

    Raises:
        ValueError: it is no http address, or libraries do not agree on its host.
    """
    scheme, authority, path, query, _ = _parts(as_http(url))
    user, _, host = authority.rpartition("@")
    if not _USER.fullmatch(user):
        raise ValueError("must have one host, and before it no more than a user name")
    origin = _origin(scheme, host)
    return Address(origin.scheme, origin.host, origin.port, path, query, f"{origin}{path}")


def parse_proxy(text: str) -> Address:
    """Read the address of an HTTP proxy, with a user name and password or without.

    Raises:
        ValueError: with a sentence that says what is wrong.
    """
    if not text.isprintable() or " " in text:
        raise ValueError("must not have blanks or control characters in it")
    if not _PARTS.fullmatch(text):
        raise ValueError("must be the address of an http proxy, as in http://proxy:3128")
    scheme, authority, path, query, _ = _parts(text)
    origin = _origin(scheme, authority.rpartition("@")[2])
    return Address(origin.scheme, origin.host, origin.port, path, query, str(origin))


def origin_of(url: str) -> Origin:
    """Return the origin of an address that an HTTP library is about to ask.

    Raises:
        ValueError: it is no http address, or libraries do not agree on its host.
    """
    end = url.find("/", len("https://"))  # somewhere behind the host, whatever the scheme
    return _origin_of_start(url if end < 0 else url[:end])


def as_http(text: str) -> str:
    """Return a web socket's address as that of the request it begins with."""
    web_socket = _WEB_SOCKET.match(text)
    return f"http{text[web_socket.end() :]}" if web_socket else text


def ascii_host(name: str) -> str:
    """Return a host name in ASCII: an international one by UTS 46, non-transitional.

    Raises:
        ValueError: IDNA 2008 does not allow it.
    """
    if name.isascii():
        return name
    import idna  # noqa: PLC0415 - for the few hosts that need it

    if len(name) > _LONGEST_HOST:
        raise ValueError("must have a host name of at most 253 characters")
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError("must have a host name that IDNA 2008 allows") from None


def is_loopback(host: str) -> bool:
    """Whether an IP address is loopback: 127.0.0.0/8 or ::1."""
    try:
        ip = ip_address(host)
    except ValueError:
        return False
    return ip == IPv6Address("::1") if isinstance(ip, IPv6Address) else ip in _LOOPBACK


def refuse_unfit(text: str) -> None:
    """Refuse characters that no address has.

    Raises:
        ValueError: with a sentence that names the first of them.
    """
    invisible = invisible_inside(text)
    if invisible is None and not text.isprintable():
        invisible = "a character that cannot be printed"
    if invisible is not None:
        raise ValueError(f"must not have {invisible} in it")
    placeholder = _PLACEHOLDER.search(text)
    if placeholder is not None:
        shown = placeholder[0] if re.fullmatch(r".[\w. -]{1,40}.", placeholder[0]) else "brackets"
        raise ValueError(f"must not have {shown} in it: write the value in its place")
    unfit = _UNFIT.search(text)
    if unfit is not None:
        raise ValueError(f"must not have {unfit[0]} in it")


def _parts(text: str) -> tuple[str, str, str, str | None, str | None]:
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise ValueError("must be an absolute https address, as in https://auth.example.com/token")
    scheme, authority, path, query, fragment = parts.groups()
    return scheme.lower(), authority, path, query, fragment


@lru_cache(maxsize=1024)
def _origin_of_start(url: str) -> Origin:
    """Return the origin of an address whose path is cut short: one for many addresses."""
    return parse_requested(url).origin


def _origin(scheme: str, authority: str) -> Origin:
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise ValueError("must have a host, and nothing after it but a port and a path")
    port = int(parts[2] or PORTS[scheme])
    if not 1 <= port <= _LARGEST_PORT:
        raise ValueError(f"must have a port from 1 to {_LARGEST_PORT}")
    return Origin(scheme, _host(parts[1]), port)


def _host(text: str) -> str:
    if text.startswith("["):
        return _ipv6(text[1:-1])
    name = ascii_host(text).lower()
    if _NUMBER.fullmatch(name):
        return _ipv4(name)
    if name == "localhost.":  # resolvers and certificates do not take it for localhost alike
        raise ValueError("must say localhost without a dot at the end")
    name = name.removesuffix(".")
    if not _NAME.fullmatch(name):
        raise ValueError("must have a host name of letters, digits, hyphens and dots")
    return name


def _ipv4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise ValueError(
            "must have a host name, or an IPv4 address of four numbers from 0 to 255"
        ) from None


def _ipv6(text: str) -> str:
    try:
        if "%" not in text:  # a zone means something on one machine only
            return str(IPv6Address(text))
    except ValueError:
        pass
    raise ValueError("must have an IPv6 address, without a zone, in its brackets")
