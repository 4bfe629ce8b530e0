"""Stores: where several processes keep sealed tokens, and lend each other leases.

`Store` is the protocol, `oauthreg.testing.StoreTests` the kit that every store has to pass.
A store of your own is found by an entry point of the group `oauthreg.stores`, which names what
makes it of a `StoreConfig`.
"""

from oauthreg._errors import StoreError
from oauthreg.stores._config import StoreConfig
from oauthreg.stores._protocol import Entry, Lease, Loaded, Reading, Store, StoreBusyError

__all__ = [
    "Entry",
    "Lease",
    "Loaded",
    "Reading",
    "Store",
    "StoreBusyError",
    "StoreConfig",
    "StoreError",
]
