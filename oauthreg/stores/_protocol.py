"""What a store is: values by name, and leases, shared by several processes.

A store knows nothing of tokens: names are short ASCII text, values are bytes (sealed by the
caller). It does three things, each in one round trip and each safe among any number of processes:

- **load** answers what stands under some names, the state of one lease and the store's clock.
- **save** and **delete** compare and set. Every value has a *generation*, a number that the caller
  chooses and that only grows: `save(..., after=7)` writes if generation 7 stands, `after=0` if
  nothing stands, and without `after` if any lower generation stands, or nothing: the later of two
  wins. What was not written is told by False, and is not an error.
- **take_lease** gives the right to work on one name to one owner for some seconds, and answers
  what stands under the name then. It is given back, by itself or with a `save` under the same name,
  or runs out. A lease protects no value: who was overtaken is stopped by `save`.

Time is the store's own: `Reading` is its clock, leases run out by it, and a TTL only cleans up.
No value whose TTL has ended is loaded, and for `save` it does not stand.

Every method is synchronous, called in worker threads by any number of them at once, and ends
within the store's timeout. What fails is a `StoreError`, whose text never holds a credential;
`StoreBusyError` means that nothing was done and that trying again in a few milliseconds may help
(the caller pauses, the store does not wait). A method whose answer was lost may have done its
work. After a fork a store works in both processes, without sharing a connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from oauthreg._errors import StoreError

LONGEST_NAME = 80
LARGEST_VALUE = 96 * 1024


class StoreBusyError(StoreError):
    """Another process is writing at this moment: nothing was done, try again after a pause."""


class Reading(NamedTuple):
    """A reading of a store's clock.

    Attributes:
        time: Seconds since the epoch, UTC.
        boot: Names the run of the machine within which `steady` counts; empty if there is none.
        steady: Seconds of a clock that nobody sets, suspended time included.
    """

    time: float
    boot: str = ""
    steady: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands under a name.

    Attributes:
        generation: The number it was saved under, from 1 up to 2**62.
        value: The bytes.
    """

    generation: int
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The answer of `load`.

    Attributes:
        now: The store's clock, read during the call.
        entries: What stands, by name.
        lease_left: Seconds until the lease asked about runs out; 0 if it is free.
    """

    now: Reading
    entries: Mapping[str, Entry]
    lease_left: float = 0.0


@dataclass(frozen=True, slots=True)
class Lease:
    """The answer of `take_lease`.

    Attributes:
        taken: Whether the caller has it now.
        left: Seconds until it runs out, whoever has it.
        now: The store's clock, read during the call.
        entry: What stands under the name, read when the lease was taken and not before: whoever
            had it until then may have saved at the last moment. None if nothing stands, or the
            lease was not taken.
    """

    taken: bool
    left: float
    now: Reading
    entry: Entry | None


class Store(Protocol):
    """Values and leases by name. Names: up to 80 of `A-Za-z0-9._-`; values: up to 96 KiB."""

    def load(self, names: Sequence[str], *, lease: str | None = None) -> Loaded:
        """Return what stands under these names.

        Args:
            names: The names, at most a few dozen.
            lease: Also answer how long the lease of this name is still taken.

        Raises:
            StoreError: the store failed.
        """

    def take_lease(self, name: str, owner: str, seconds: float) -> Lease:
        """Take the lease of a name if it is free, has run out, or is this owner's already.

        Args:
            name: What the lease is for. It neither makes nor changes the entry of this name.
            owner: Who takes it, unique for each attempt.
            seconds: After which it runs out.

        Raises:
            StoreError: the store failed.
        """

    def give_back(self, name: str, owner: str) -> None:
        """Free the lease of a name, if this owner has it.

        Raises:
            StoreError: the store failed.
        """

    def save(
        self,
        name: str,
        value: bytes,
        *,
        generation: int,
        ttl: float,
        after: int | None = None,
        owner: str | None = None,
    ) -> bool:
        """Write a value, if what stands allows it, and return whether it was written.

        Args:
            name: The name.
            value: The bytes.
            generation: Its number, higher than that of what stands.
            ttl: Seconds after which nobody needs it any more.
            after: The generation that has to stand, 0 for none; without it any lower one.
            owner: If the value is written, also free the lease of this name if this owner has it.

        Raises:
            StoreError: the store failed.
        """

    def delete(self, name: str, *, generation: int) -> bool:
        """Remove what stands under a name if it has this generation; return whether it did.

        Raises:
            StoreError: the store failed.
        """

    def purge(self) -> int:
        """Remove what has ended, and return how many entries that were.

        Raises:
            StoreError: the store failed.
        """

    def close(self) -> None:
        """Close this process's connections; idempotent. Afterwards methods raise StoreError."""
