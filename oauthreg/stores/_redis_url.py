"""The addresses of Redis and Valkey: one server, a socket, sentinels, a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from oauthreg.stores._address import check_form

SERVER_PORT, SENTINEL_PORT = 6379, 26379
SCHEMES = (
    *("redis", "rediss", "unix"),
    *("redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"),
)
LONGEST_PORT = 65535
SENTINEL_USER = ("sentinel_username", "sentinel_password")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """Where a store is.

    Attributes:
        url: All of it.
        kind: `server`, `sentinel` or `cluster`.
        tls: Whether by TLS.
        hosts: Host and port of each.
        path: The socket's path, instead of hosts.
        service: The name by which the sentinels know the server.
        database: Its number.
        username: The user, if one is named.
        password: The password, if there is one.
        sentinel_username: The user at the sentinels.
        sentinel_password: The password at the sentinels.
    """

    url: str = field(default="", repr=False)
    kind: str
    tls: bool = False
    hosts: tuple[tuple[str, int], ...] = ()
    path: str | None = None
    service: str = ""
    database: int = 0
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    sentinel_username: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        hosts = ((f"[{host}]" if ":" in host else host, port) for host, port in self.hosts)
        return self.path or ", ".join(f"{host}:{port}" for host, port in hosts)


def parsed(url: str) -> RedisAddress:
    """Return the address that some text is.

    Raises:
        ValueError: it is none; the text of the error shows nothing of it but its scheme.
    """
    scheme = url.partition("://")[0].lower()
    if scheme not in SCHEMES or "://" not in url:
        raise ValueError(f"must begin with {', '.join(f'{one}://' for one in SCHEMES)}")
    check_form(url)
    parts = urlsplit(url)
    credentials, _, places = parts.netloc.rpartition("@")
    username, colon, password = credentials.partition(":")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    tls, kind = scheme.startswith("rediss"), scheme.partition("+")[2] or "server"
    path = [unquote(part) for part in parts.path.split("/") if part]
    is_socket, service = scheme == "unix", ""
    if kind == "sentinel":
        if not path:
            raise ValueError("must name the service, as in redis+sentinel://host1,host2/name/0")
        service = path.pop(0)
    database = query.pop("db", "0") if is_socket else _only(path)
    if (is_socket and not parts.path) or (not is_socket and not places):
        raise ValueError("has no path of a socket" if is_socket else "has no host")
    if not _is_number(database) or (kind == "cluster" and int(database)):
        raise ValueError("must name a database by its number; a cluster has only 0")
    names = SENTINEL_USER if kind == "sentinel" else ()
    sentinel = {name: query.pop(name, None) for name in names}
    if query:
        known = ", ".join(["db"] if is_socket else names) or "none"
        raise ValueError(f"has a parameter that is not known; these are: {known}")
    if kind == "server" and "," in places:
        raise ValueError("names several hosts: write redis+sentinel:// or redis+cluster://")
    default = SENTINEL_PORT if kind == "sentinel" else SERVER_PORT
    return RedisAddress(
        url=url,
        kind=kind,
        tls=tls,
        hosts=() if is_socket else tuple(_host(place, default) for place in places.split(",")),
        path=unquote(parts.path) if is_socket else None,
        service=service,
        database=int(database),
        username=unquote(username) or None,
        password=unquote(password) if colon else None,
        **sentinel,
    )


def _only(path: list[str]) -> str:
    if len(path) > 1:
        raise ValueError("has a path: only the database's number may follow the host")
    return path[0] if path else "0"


def _host(place: str, default: int) -> tuple[str, int]:
    host, bracket, port = place.rpartition("]") if "]" in place else ("", "", place)
    if bracket:
        host, port = host.removeprefix("["), port.removeprefix(":")
    else:
        host, _, port = place.partition(":")
    if not host or (port and not _is_number(port)) or int(port or default) > LONGEST_PORT:
        raise ValueError("has a host or port that is none")
    return unquote(host), int(port or default)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
