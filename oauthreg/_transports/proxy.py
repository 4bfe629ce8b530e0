"""Which proxy a request goes through: the profile's, else the environment's; none to loopback."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from oauthreg._addresses import parse_proxy
from oauthreg._errors import ConnectionFailedError

if TYPE_CHECKING:
    from oauthreg._addresses import Address
    from oauthreg._registration import HttpProfile


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy that is asked for a tunnel.

    Attributes:
        url: Its address, with user name and password.
        peer: How errors name it.
        setting: What named it: a setting, or a variable of the environment.
    """

    url: str = field(repr=False)
    peer: str
    setting: str


def choose(profile: HttpProfile, address: Address) -> Proxy | None:
    """Return the proxy for this address, or None.

    Raises:
        ConnectionFailedError: the proxy's address cannot be used.
    """
    if address.origin.is_loopback or address.origin.is_metadata_service:
        return None
    url, setting = profile.proxy, f"http.{profile.name}.proxy"
    if not url:
        setting = "https_proxy" if _environment("https_proxy") else "all_proxy"
        url = _environment(setting)
        setting = f"{setting} in the environment"
        if not url or _is_exempt(address, _environment("no_proxy")):
            return None
    try:
        return _parse(url, setting)
    except ValueError as error:
        raise ConnectionFailedError(
            f"the proxy of {setting} cannot be used: it {error}",
            endpoint=address.endpoint,
            retryable=False,
        ) from None


def _environment(name: str) -> str:
    """Return a proxy variable; the one in lower case, even empty, hides the other."""
    value = os.environ.get(name)
    return (os.environ.get(name.upper(), "") if value is None else value).strip()


def _is_exempt(address: Address, no_proxy: str) -> bool:
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    return any(entry and _covers(entry, address) for entry in entries)


def _covers(entry: str, address: Address) -> bool:
    if entry in {"*", address.host, address.peer}:
        return True
    try:
        return ip_address(address.host) in ip_network(entry, strict=False)
    except ValueError:
        return address.host.endswith(f".{entry.removeprefix('*').removeprefix('.')}")


@lru_cache(maxsize=16)
def _parse(url: str, setting: str) -> Proxy:
    url = url if "://" in url else f"http://{url}"
    return Proxy(url, f"the proxy {parse_proxy(url).peer}", setting)
