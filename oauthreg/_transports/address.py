"""Where a request may go: https, or plain http to loopback."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from oauthreg._errors import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"[\w.:%-]+", re.ASCII)
KEPT_IN_TARGETS = "!#$%&'()*+,/:;=?@[]~"  # what `quote` leaves of an address that is one already

_LOOPBACK = IPv4Network("127.0.0.0/8")
_RULE = "plain http is for loopback only: 127.0.0.0/8, ::1, and localhost where it is one of them"


@dataclass(frozen=True, slots=True)
class Address:
    """An address taken apart, once for every library.

    Attributes:
        scheme: `https` or `http`.
        host: The host in ASCII, an IPv6 address without brackets.
        port: The port, the scheme's own if the address names none.
        target: Path and query as sent.
        endpoint: The address as errors show it: without query and user name.
    """

    scheme: str
    host: str
    port: int
    target: str
    endpoint: str

    @property
    def peer(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as a library is given it."""
        return f"{self.scheme}://{self.peer}{self.target}"

    @property
    def is_local_name(self) -> bool:
        """Whether plain http is to go to a name that must prove to be loopback."""
        return self.scheme == "http" and self.host == "localhost"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is loopback by its own text."""
        return self.host == "localhost" or _is_loopback(self.host)


@lru_cache(maxsize=256)
def parse(url: str) -> Address:
    """Take an address apart.

    Raises:
        ConnectionFailedError: it is no absolute address, or nothing may be sent to it.
    """
    endpoint = re.sub(r"//[^/?#]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0])
    try:
        address = _taken_apart(url, endpoint)
    except (ValueError, KeyError):
        raise ConnectionFailedError(
            f"{endpoint!r} is not an address that can be asked: it has to be https://host/path",
            endpoint=endpoint,
            retryable=False,
        ) from None
    if address.scheme == "http" and not address.is_loopback:
        raise _not_loopback(address)
    return address


def check_resolved(address: Address, resolved: Iterable[tuple[Any, ...]]) -> None:
    """Check what `getaddrinfo` made of a local name.

    Raises:
        ConnectionFailedError: one of the addresses is not loopback.
    """
    if not all(_is_loopback(entry[4][0]) for entry in resolved):
        raise _not_loopback(address)


def _taken_apart(url: str, endpoint: str) -> Address:
    parts = urlsplit(url)
    default_port = PORTS[parts.scheme]
    host = parts.hostname or ""
    host = host if host.isascii() else host.encode("idna").decode("ascii")
    if not HOST.fullmatch(host):
        raise ValueError
    path = quote(parts.path or "/", safe=KEPT_IN_TARGETS)
    query = quote(parts.query, safe=KEPT_IN_TARGETS)
    target = f"{path}?{query}" if query else path
    return Address(parts.scheme, host, parts.port or default_port, target, endpoint)


def _not_loopback(address: Address) -> ConnectionFailedError:
    return ConnectionFailedError(
        f"nothing was sent to {address.endpoint}: {_RULE}",
        endpoint=address.endpoint,
        retryable=False,
        hint="Use https",
    )


def _is_loopback(host: str) -> bool:
    try:
        ip = ip_address(host)
    except ValueError:
        return False
    return ip == IPv6Address("::1") if isinstance(ip, IPv6Address) else ip in _LOOPBACK
