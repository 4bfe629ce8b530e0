"""Tokens, logins and failures in one store: sealed, named, and never older than once seen.

Everything here is synchronous and made of a few calls of the store, so that a worker performs it
as one step. `StoreBusyError` may leave any method, which then may simply be called again. What
cannot be read is a miss, `Unusable`, and never an exception.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from oauthreg._secret_values import SecretReadError
from oauthreg._shared.clock import Observed
from oauthreg._shared.codec import decode, encode
from oauthreg._shared.entries import AccessEntry, Content, FailureRecord, LoginEntry, NamingKey
from oauthreg._shared.names import NAMING, REFUSED, WAIT, Names, kind_of
from oauthreg._shared.seal import KEY_BYTES, UnreadableError
from oauthreg.stores import Entry, StoreError
from oauthreg.stores._process import ProcessLock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from oauthreg._shared.key_ring import KeyRing
    from oauthreg._shared.seal import Seal
    from oauthreg.stores import Loaded, Reading, Store

LARGEST_ENTRY = 64 * 1024
REMEMBERED_GENERATIONS = 10_000
CLEAN_UP_AFTER = 60.0
NAMING_RENEWED_AFTER = 30 * 86_400.0
ATTEMPTS = 3
MICROSECONDS = 1_000_000

C = TypeVar("C", bound=Content)
Shareable = AccessEntry | LoginEntry


class _Timed(Protocol):
    @property
    def now(self) -> Reading: ...


T = TypeVar("T", bound=_Timed)


class ForeignStoreError(StoreError):
    """The store is another's: its naming key was sealed by a key that is not in this key ring."""


@dataclass(frozen=True, slots=True)
class Stored(Generic[C]):
    """A record that stands in the store.

    Attributes:
        content: The record.
        after: What `SharedStore.save` and `delete` are given to change this very record.
    """

    content: C
    after: int


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something stands in the store that cannot be used: it is a miss.

    Attributes:
        reason: Why, in words.
        after: What `SharedStore.save` is given to replace it; None if it must not be replaced,
            because a newer version of this package wrote it.
    """

    reason: str
    after: int | None


@dataclass(frozen=True, slots=True)
class View:
    """What one look into the store found.

    Attributes:
        clock: The store's clock.
        entries: By name: an `AccessEntry`, `LoginEntry` or `FailureRecord`, or why there is none.
        lease_left: Seconds for which the lease asked about is taken.
    """

    clock: Observed
    entries: Mapping[str, Stored[Shareable | FailureRecord] | Unusable]
    lease_left: float

    def after(self, name: str) -> int | None:
        """Return what `save` is given under this name: 0 if nothing stands, None for never."""
        entry = self.entries.get(name)
        return entry.after if entry is not None else 0

    def under(self, lease: Taken) -> View:
        """Return this view with what stands under the name of a lease that was taken since."""
        entries = {name: entry for name, entry in self.entries.items() if name != lease.name}
        if lease.entry is not None:
            entries[lease.name] = lease.entry
        return View(lease.clock, entries, 0.0)


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to taking a lease.

    Attributes:
        name: What the lease is for.
        owner: Who asked for it.
        taken: Whether he has it.
        left: Seconds until it runs out, whoever has it.
        clock: The store's clock.
        entry: What stands under the name, if he has it.
    """

    name: str
    owner: str
    taken: bool
    left: float
    clock: Observed
    entry: Stored[Shareable | FailureRecord] | Unusable | None


class SharedStore:
    """One store, with the keys that open what stands in it.

    Args:
        store: The store.
        keys: Its key ring.
        monotonic: This process's clock in seconds.

    Attributes:
        closed: Whether it was closed: what fails then is no failure of the store.
    """

    def __init__(
        self, store: Store, keys: KeyRing, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._keys = keys
        self._monotonic = monotonic
        self._named: tuple[Names, Entry, Seal] | None = None
        self._clock: Observed | None = None
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._lock = ProcessLock()
        self.closed = False

    def names(self) -> Names:
        """Return the maker of this store's names, looked up once and again when the keys change.

        Raises:
            ForeignStoreError: the store is another's.
            StoreError: the store failed, or the keys cannot be read.
        """
        seal = self._seal()
        if self._named is None or self._named[2] is not seal:
            self._named = self._look_up_names(seal)
        return self._named[0]

    def load(self, names: Sequence[str], *, lease: str | None = None) -> View:
        """Return what stands under some names, in one call of the store.

        Args:
            names: Made by `names()`.
            lease: Also say how long the lease of this name is taken.

        Raises:
            StoreError: the store failed, or its naming key was replaced: the names are void.
        """
        loaded, clock = self._observe(lambda: self._store.load([NAMING, *names], lease=lease))
        self._check_names(loaded)
        found = {
            name: self._usable(name, loaded.entries[name])
            for name in names
            if name in loaded.entries
        }
        return View(clock, found, loaded.lease_left)

    def take_lease(self, name: str, owner: str, seconds: float) -> Taken:
        """Take the lease of a name, for one owner.

        Raises:
            StoreError: the store failed.
        """
        lease, clock = self._observe(lambda: self._store.take_lease(name, owner, seconds))
        entry = self._usable(name, lease.entry) if lease.entry is not None else None
        return Taken(name, owner, lease.taken, lease.left, clock, entry)

    def give_back(self, name: str, owner: str) -> None:
        """Give a lease back, if this owner still has it.

        Raises:
            StoreError: the store failed.
        """
        self._store.give_back(name, owner)

    def save(self, name: str, entry: Shareable, *, after: int, owner: str | None = None) -> int:
        """Save a record if nobody changed it meanwhile.

        Args:
            name: Its name.
            entry: The record.
            after: What `View.after` said, or what the last save returned.
            owner: Who gives the lease of this name back, if the record is saved.

        Returns:
            What the next save is given as `after`; 0 if it was not saved: it was overtaken, or it
            is larger than 64 KiB.

        Raises:
            StoreError: the store failed, or the keys cannot be read.
        """
        passed = self._observed().at_earliest(self._monotonic()).time
        generation = max(after + 1, self._seen.get(name, 0) + 1, int(passed * MICROSECONDS))
        value = self._seal().seal(encode(entry, name=name, generation=generation))
        ttl = max(entry.end - passed, 0.0) + CLEAN_UP_AFTER
        if len(value) > LARGEST_ENTRY or not self._store.save(
            name, value, generation=generation, ttl=ttl, after=after, owner=owner
        ):
            return 0
        self._see(name, generation)
        return generation

    def save_failure(self, name: str, record: FailureRecord) -> None:
        """Save a failure, unless one that ends later is known.

        Raises:
            StoreError: the store failed, or the keys cannot be read.
        """
        generation = max(1, int(record.until * MICROSECONDS))
        value = self._seal().seal(encode(record, name=name, generation=generation))
        ttl = max(record.until - self._now(), 0.0) + CLEAN_UP_AFTER
        self._store.save(name, value, generation=generation, ttl=ttl)

    def delete(self, name: str, *, after: int) -> bool:
        """Remove a record if nobody changed it meanwhile, and return whether it was removed.

        Raises:
            StoreError: the store failed.
        """
        return self._store.delete(name, generation=after)

    def purge(self) -> int:
        """Remove what has ended, and return how many records that were.

        Raises:
            StoreError: the store failed.
        """
        return self._store.purge()

    def close(self) -> None:
        """Close the store."""
        self.closed = True
        self._store.close()

    # Names

    def _look_up_names(self, seal: Seal) -> tuple[Names, Entry, Seal]:
        for _ in range(ATTEMPTS):
            loaded, _ = self._observe(lambda: self._store.load([NAMING]))
            entry = loaded.entries.get(NAMING)
            if entry is None:
                made = self._save_naming(os.urandom(KEY_BYTES), seal, after=0)
                if made is not None:
                    return made
                continue
            naming = self._naming(entry)
            old = self._now() - naming.saved > NAMING_RENEWED_AFTER
            if old or not seal.is_current(entry.value):
                renewed = self._save_naming(naming.key, seal, after=entry.generation)
                if renewed is not None:
                    return renewed
            return Names(naming.key), entry, seal
        raise StoreError("its naming key comes and goes")

    def _save_naming(
        self, key: bytes, seal: Seal, *, after: int
    ) -> tuple[Names, Entry, Seal] | None:
        naming = NamingKey(key=key, saved=self._now())
        generation = max(after + 1, int(naming.saved * MICROSECONDS))
        value = seal.seal(encode(naming, name=NAMING, generation=generation))
        ttl = naming.end - naming.saved
        if not self._store.save(NAMING, value, generation=generation, ttl=ttl, after=after):
            return None
        return Names(key), Entry(generation, value), seal

    def _naming(self, entry: Entry) -> NamingKey:
        try:
            content = self._open(NAMING, entry)
        except UnreadableError as error:
            if error.newer:
                raise StoreError(f"its naming key cannot be read: {error.reason}") from None
            raise ForeignStoreError(
                f"the store is another's: its naming key cannot be read, {error.reason}. Give "
                "this program the same keys (store.keys, or the file .key beside a store in "
                "sqlite), or a store of its own (store.prefix, or store.path)"
            ) from None
        assert isinstance(content, NamingKey)  # noqa: S101 - that is what stands under its name
        return content

    def _check_names(self, loaded: Loaded) -> None:
        """Follow the naming key that stands, or put ours back if none does."""
        named = self._named
        entry = loaded.entries.get(NAMING)
        if named is None or (entry is not None and entry == named[1]):
            return
        names, _, seal = named
        if entry is None:
            self._named = self._save_naming(names.key, self._seal(), after=0)
        elif self._naming(entry).key == names.key:
            self._named = (names, entry, seal)
        else:
            self._named = None
        if self._named is None:
            raise StoreError("its naming key was replaced: what was saved before is not found")

    # Records

    def _usable(self, name: str, entry: Entry) -> Stored[Shareable | FailureRecord] | Unusable:
        try:
            content = self._open(name, entry)
        except UnreadableError as error:
            return Unusable(error.reason, None if error.newer else entry.generation)
        assert not isinstance(content, NamingKey)  # noqa: S101 - it has one name
        if kind_of(name) not in (REFUSED, WAIT):  # these are replaced by what ends later
            if entry.generation < self._seen.get(name, 0):
                return Unusable("it is older than one that was seen before", entry.generation)
            self._see(name, entry.generation)
        return Stored(content, entry.generation)

    def _open(self, name: str, entry: Entry) -> Content:
        try:
            content = self._seal().open(entry.value)
        except UnreadableError:
            content = self._seal(fresh=True).open(entry.value)
        return decode(content, name=name, generation=entry.generation)

    def _see(self, name: str, generation: int) -> None:
        with self._lock:
            self._seen[name] = max(generation, self._seen.pop(name, 0))
            while len(self._seen) > REMEMBERED_GENERATIONS:
                self._seen.popitem(last=False)

    # Keys and time

    def _seal(self, *, fresh: bool = False) -> Seal:
        try:
            return self._keys.current(fresh=fresh)
        except SecretReadError as error:
            raise StoreError(f"store.keys cannot be read: {error}") from None

    def _observe(self, call: Callable[[], T]) -> tuple[T, Observed]:
        sent = self._monotonic()
        answer = call()
        self._clock = clock = Observed(answer.now, sent, self._monotonic())
        return answer, clock

    def _now(self) -> float:
        return self._observed().at_latest(self._monotonic()).time

    def _observed(self) -> Observed:
        if self._clock is None:
            self._observe(lambda: self._store.load([]))
        assert self._clock is not None  # noqa: S101 - it was set just now
        return self._clock
