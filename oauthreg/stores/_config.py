"""What the settings say of a store, as its factory is given it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from oauthreg._secret_values import SecretSource

PREFIX = "oauthreg"
TIMEOUT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """`store.*`, without its keys.

    Attributes:
        type: The store's name.
        path: The file of a store that is one.
        url: Where the address of a store in the network is read from, at each new connection;
            it may hold a password.
        prefix: What the names of this store begin with, where several share a server.
        ca_bundle: A PEM file of trusted roots, instead of the system's.
        timeout: Seconds that one call may take.
        allow_readable: Whether files that others can read are accepted.
    """

    type: str
    path: Path | None = None
    url: SecretSource | None = field(default=None, repr=False)
    prefix: str = PREFIX
    ca_bundle: Path | None = None
    timeout: float = TIMEOUT
    allow_readable: bool = False
