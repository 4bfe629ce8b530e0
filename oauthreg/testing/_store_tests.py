"""The conformance kit for stores: what every store has to keep to, as one class to subclass.

```python
from oauthreg.testing import StoreTests


class TestMyStore(StoreTests):
    def connect(self, place):
        return MyStore(prefix=str(place))
```

pytest finds and runs it; nothing here needs pytest itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from oauthreg.stores import Entry, Store, StoreError
from oauthreg.stores._protocol import LARGEST_VALUE, LONGEST_NAME
from oauthreg.testing._kit.answers import expect
from oauthreg.testing._kit.processes import DEADLINE, THREADS, in_child, patiently, together

DAY = 86_400.0
SHORT = 0.25
LONG = 60.0
ROUNDS = 10
CLOCK = 0.05
"""Seconds by which a store's clock may be coarse."""
LARGEST_GENERATION = 2**62


class StoreTests:
    """Checks of one store; subclass it and say how to open one.

    Attributes:
        shared: Whether processes share what is in it: False for one that is in memory only.
    """

    shared: ClassVar[bool] = True

    def connect(self, place: Path) -> Store:
        """Return a new store. Those of one place share what is in them, empty at first."""
        raise NotImplementedError

    @contextmanager
    def opened(self, place: Path) -> Iterator[Store]:
        """Give a store that is closed in the end."""
        store = self.connect(place)
        try:
            yield store
        finally:
            store.close()

    # Values

    def test_nothing_stands_at_first(self, tmp_path: Path) -> None:
        """An empty store answers without entries, and with its clock."""
        with self.opened(tmp_path) as store:
            loaded = patiently(lambda: store.load(["a", "b"], lease="a"))
        expect(not loaded.entries, f"there is {loaded.entries}")
        expect(loaded.lease_left == 0, f"the lease is taken for {loaded.lease_left} s")
        expect(loaded.now.time > 0, f"its clock says {loaded.now}")

    def test_what_was_saved_is_loaded(self, tmp_path: Path) -> None:
        """Any bytes, up to the largest value, under the longest name, with the largest number."""
        name, value = "Az09._-".ljust(LONGEST_NAME, "x"), bytes(range(256)) * (LARGEST_VALUE // 256)
        with self.opened(tmp_path) as store:
            expect(self._save(store, name, value, LARGEST_GENERATION, after=0), "it was not saved")
            expect(self._save(store, "empty", b"", 1), "an empty value was not saved")
            entries = patiently(lambda: store.load([name, "empty", "none"])).entries
        expect(set(entries) == {name, "empty"}, f"there is {set(entries)}")
        expect(entries[name].value == value, "the bytes differ")
        expect(entries[name].generation == LARGEST_GENERATION, "the generation differs")
        expect(entries["empty"].value == b"", "the empty value differs")

    def test_the_first_save_is_for_one_only(self, tmp_path: Path) -> None:
        """`after=0` writes where nothing stands, and nowhere else."""
        with self.opened(tmp_path) as store:
            expect(self._save(store, "a", b"first", 1, after=0), "the first was not saved")
            expect(not self._save(store, "a", b"second", 2, after=0), "the second was saved")
            self._expect_standing(store, "a", 1, b"first")

    def test_an_overtaken_save_writes_nothing(self, tmp_path: Path) -> None:
        """`after` names the generation that has to stand."""
        with self.opened(tmp_path) as store:
            expect(not self._save(store, "a", b"early", 6, after=5), "it was saved on nothing")
            self._save(store, "a", b"first", 5, after=0)
            expect(self._save(store, "a", b"second", 9, after=5), "the second was not saved")
            expect(not self._save(store, "a", b"late", 10, after=5), "the overtaken was saved")
            self._expect_standing(store, "a", 9, b"second")

    def test_the_later_of_two_wins(self, tmp_path: Path) -> None:
        """Without `after`, any lower generation is replaced, an equal or higher one is not."""
        with self.opened(tmp_path) as store:
            expect(self._save(store, "a", b"7", 7), "it was not saved on nothing")
            expect(not self._save(store, "a", b"6", 6), "a lower one was saved")
            expect(not self._save(store, "a", b"again", 7), "an equal one was saved")
            expect(self._save(store, "a", b"8", 8), "a higher one was not saved")
            expect(not self._save(store, "a", b"8", 8, after=8), "an equal one was saved after it")
            self._expect_standing(store, "a", 8, b"8")

    def test_delete_asks_for_the_generation(self, tmp_path: Path) -> None:
        """What was saved anew meanwhile stays."""
        with self.opened(tmp_path) as store:
            self._save(store, "a", b"x", 3)
            expect(not patiently(lambda: store.delete("a", generation=2)), "another was deleted")
            self._expect_standing(store, "a", 3, b"x")
            expect(patiently(lambda: store.delete("a", generation=3)), "it was not deleted")
            expect(not patiently(lambda: store.delete("a", generation=3)), "it was deleted twice")
            expect(not patiently(lambda: store.load(["a"])).entries, "it still stands")
            expect(self._save(store, "a", b"y", 4, after=0), "nothing could follow it")

    def test_what_has_ended_stands_no_more(self, tmp_path: Path) -> None:
        """It is not loaded, not compared with, and removed by a purge; what lives stays."""
        with self.opened(tmp_path) as store:
            self._save(store, "lives", b"x", 1, ttl=LONG)
            self._save(store, "a", b"old", 5, ttl=SHORT)
            self._save(store, "b", b"old", 5, ttl=SHORT)
            self._wait(lambda: set(store.load(["lives", "a", "b"]).entries) == {"lives"})
            expect(not patiently(lambda: store.delete("a", generation=5)), "it could be deleted")
            expect(not self._save(store, "a", b"x", 6, after=5), "it was compared with")
            expect(self._save(store, "a", b"new", 2, after=0), "it was in the way")
            expect(self._save(store, "b", b"new", 2), "its generation was compared with")
            self._save(store, "c", b"old", 5, ttl=SHORT)
            self._wait(lambda: not store.load(["c"]).entries)
            patiently(store.purge)
            entries = patiently(lambda: store.load(["lives", "a", "b", "c"])).entries
        expect(set(entries) == {"lives", "a", "b"}, f"there is {set(entries)}")

    def test_the_clock_goes_forward(self, tmp_path: Path) -> None:
        """Time passes in the store, about as fast as here."""
        with self.opened(tmp_path) as store:
            before, begun = patiently(lambda: store.load([])).now, time.monotonic()
            time.sleep(SHORT)
            after, most = patiently(lambda: store.load([])).now, time.monotonic() - begun
        passed = after.time - before.time
        expect(0.5 * SHORT <= passed <= most + DEADLINE, f"{passed} s passed")
        expect(after.boot == before.boot, "the machine was started again")
        expect(not after.boot or after.steady > before.steady, "the steady clock stands still")

    # Leases

    def test_a_lease_is_one_owner_s(self, tmp_path: Path) -> None:
        """Others learn how long it lasts; its owner may take it again."""
        with self.opened(tmp_path) as store:
            first = patiently(lambda: store.take_lease("a", "one", LONG))
            second = patiently(lambda: store.take_lease("a", "two", LONG))
            again = patiently(lambda: store.take_lease("a", "one", LONG))
            other = patiently(lambda: store.take_lease("b", "two", LONG))
            seen = patiently(lambda: store.load([], lease="a")).lease_left
            patiently(lambda: store.take_lease("c", "one", LONG / 4))
            longer = patiently(lambda: store.take_lease("c", "one", LONG)).left
            longer = min(longer, patiently(lambda: store.load([], lease="c")).lease_left)
        expect(first.taken and again.taken and other.taken, "a free lease was not given")
        expect(not second.taken, "a lease was given to two owners")
        expect(
            all(LONG / 2 < left <= LONG for left in (second.left, again.left, seen)),
            f"{second.left}",
        )
        expect(LONG / 2 < longer <= LONG, f"taken again for {LONG:g} s it lasts {longer:g} s")

    def test_a_lease_that_was_given_back_is_free(self, tmp_path: Path) -> None:
        """Its owner gives it back, and nobody else does."""
        with self.opened(tmp_path) as store:
            patiently(lambda: store.take_lease("a", "one", LONG))
            patiently(lambda: store.give_back("a", "two"))
            expect(not patiently(lambda: store.take_lease("a", "two", LONG)).taken, "it was free")
            patiently(lambda: store.give_back("a", "one"))
            expect(patiently(lambda: store.load([], lease="a")).lease_left == 0, "it is not free")
            expect(patiently(lambda: store.take_lease("a", "two", LONG)).taken, "it was not given")
            patiently(lambda: store.give_back("a", "one"))
            expect(patiently(lambda: store.load([], lease="a")).lease_left > 0, "it was lost")

    def test_a_lease_brings_what_stands(self, tmp_path: Path) -> None:
        """Who takes it learns what stands under its name; who does not, learns nothing."""
        with self.opened(tmp_path) as store:
            empty = patiently(lambda: store.take_lease("empty", "one", LONG))
            self._save(store, "a", b"x", 7)
            first = patiently(lambda: store.take_lease("a", "one", LONG))
            second = patiently(lambda: store.take_lease("a", "two", LONG))
            self._save(store, "ended", b"old", 7, ttl=SHORT)
            self._wait(lambda: not store.load(["ended"]).entries)
            ended = patiently(lambda: store.take_lease("ended", "one", LONG))
            patiently(lambda: store.give_back("a", "one"))
            self._save(store, "a", b"y", 8)
            later = patiently(lambda: store.take_lease("a", "two", LONG))
        expect(later.entry == Entry(8, b"y"), f"after another save it brought {later.entry}")
        expect(empty.taken and empty.entry is None, f"on nothing it brought {empty.entry}")
        expect(first.taken and first.entry == Entry(7, b"x"), f"it brought {first.entry}")
        expect(not second.taken and second.entry is None, f"without it came {second.entry}")
        expect(ended.taken and ended.entry is None, f"what had ended came: {ended.entry}")

    def test_a_save_gives_the_lease_back(self, tmp_path: Path) -> None:
        """If it names the owner, and writes."""
        with self.opened(tmp_path) as store:
            patiently(lambda: store.take_lease("a", "one", LONG))
            self._save(store, "a", b"x", 1, owner="two")
            self._save(store, "a", b"y", 2)
            expect(not self._save(store, "a", b"z", 3, after=1, owner="one"), "it was overtaken")
            expect(patiently(lambda: store.load([], lease="a")).lease_left > 0, "it was lost")
            expect(self._save(store, "a", b"z", 3, after=2, owner="one"), "it was not saved")
            expect(patiently(lambda: store.load([], lease="a")).lease_left == 0, "it is not free")
            patiently(lambda: store.take_lease("new", "one", LONG))
            expect(self._save(store, "new", b"z", 1, after=0, owner="one"), "it was not saved")
            expect(patiently(lambda: store.take_lease("new", "two", LONG)).taken, "it is not free")

    def test_a_lease_runs_out(self, tmp_path: Path) -> None:
        """Then anyone may take it, and its former owner gives nothing back."""
        with self.opened(tmp_path) as store:
            begun = time.monotonic()
            taken = patiently(lambda: store.take_lease("a", "one", SHORT))
            took = time.monotonic() - begun
            expect(
                taken.left >= SHORT - took - CLOCK, f"after {took:g} s it lasts {taken.left:g} s"
            )
            self._wait(lambda: store.load([], lease="a").lease_left == 0)
            self._wait(lambda: store.take_lease("a", "two", LONG).taken)
            patiently(lambda: store.give_back("a", "one"))
            expect(
                patiently(lambda: store.load([], lease="a")).lease_left > LONG / 2, "it was lost"
            )

    def test_a_lease_and_a_value_of_one_name_are_apart(self, tmp_path: Path) -> None:
        """Neither makes, changes or removes the other."""
        with self.opened(tmp_path) as store:
            patiently(lambda: store.take_lease("a", "one", LONG))
            expect(not patiently(lambda: store.load(["a"])).entries, "a lease stands as a value")
            expect(self._save(store, "a", b"x", 1, after=0), "a lease was in the way of a value")
            patiently(lambda: store.delete("a", generation=1))
            expect(patiently(lambda: store.load([], lease="a")).lease_left > 0, "it was lost")
            self._save(store, "a", b"y", 2)
            patiently(lambda: store.give_back("a", "one"))
            self._expect_standing(store, "a", 2, b"y")
            patiently(store.purge)
            self._expect_standing(store, "a", 2, b"y")

    # Sharing

    def test_stores_of_one_place_share(self, tmp_path: Path) -> None:
        """What one saved or took, the other sees; one of another place does not."""
        here, there = tmp_path / "here", tmp_path / "there"
        here.mkdir(mode=0o700)
        there.mkdir(mode=0o700)
        with self.opened(here) as one, self.opened(here) as two, self.opened(there) as far:
            self._save(one, "a", b"x", 1)
            patiently(lambda: one.take_lease("a", "one", LONG))
            self._expect_standing(two, "a", 1, b"x")
            expect(not patiently(lambda: two.take_lease("a", "two", LONG)).taken, "two have it")
            expect(not patiently(lambda: far.load(["a"])).entries, "another place has it too")
            expect(patiently(lambda: far.take_lease("a", "far", LONG)).taken, "places share leases")

    def test_a_herd_gets_one_lease(self, tmp_path: Path) -> None:
        """Of threads that ask at one moment, one gets it."""
        with self.opened(tmp_path) as store:
            for attempt in range(ROUNDS):
                name = f"herd-{attempt}"
                taken = together(
                    lambda n, name=name: (
                        patiently(  # type: ignore[misc]
                            lambda: store.take_lease(name, f"owner-{n}", LONG)
                        ).taken
                    )
                )
                expect(sum(taken) == 1, f"{sum(taken)} of {THREADS} got it")

    def test_who_takes_the_lease_sees_the_save_before(self, tmp_path: Path) -> None:
        """However close they come: one thread finds nothing and saves, all others find that."""

        def fetch_once(number: int) -> bool:
            owner = f"owner-{number}"
            while not (lease := patiently(lambda: store.take_lease(name, owner, LONG))).taken:
                time.sleep(0)
            if lease.entry is None:
                expect(self._save(store, name, b"x", 1, after=0, owner=owner), "it was overtaken")
                return True
            patiently(lambda: store.give_back(name, owner))
            return False

        with self.opened(tmp_path) as store:
            for attempt in range(ROUNDS):
                name = f"once-{attempt}"
                fetched = together(fetch_once)
                expect(sum(fetched) == 1, f"{sum(fetched)} of {THREADS} found nothing")

    def test_no_save_is_lost(self, tmp_path: Path) -> None:
        """Threads that each count up by comparing and setting lose nothing."""

        def count_up(_: int) -> None:
            done = 0
            while done < ROUNDS:
                standing = patiently(lambda: store.load(["n"])).entries.get("n")
                at = standing.generation if standing else 0
                done += self._save(store, "n", str(at + 1).encode(), at + 1, after=at)

        with self.opened(tmp_path) as store:
            together(count_up)
            total = THREADS * ROUNDS
            self._expect_standing(store, "n", total, str(total).encode())

    # Life cycle

    def test_a_fork_gets_a_store_that_works(self, tmp_path: Path) -> None:
        """A child uses the store it was born with; parent and child see each other's values."""
        with self.opened(tmp_path) as store:
            self._save(store, "parent", b"p", 1)
            expect(in_child(lambda: self._use_as_child(store)), "the child failed")
            entries = patiently(lambda: store.load(["parent", "child"])).entries
            expect("parent" in entries, "the parent's value is lost")
            expect(("child" in entries) == self.shared, "the child's value: seen, or not shared")
            expect(self._save(store, "parent", b"q", 2, after=1), "the parent cannot go on")

    def test_a_closed_store_raises_store_errors(self, tmp_path: Path) -> None:
        """Closing twice is closing once; afterwards every use is a StoreError."""
        store = self.connect(tmp_path)
        self._save(store, "a", b"x", 1)
        store.close()
        store.close()
        for use in (
            lambda: store.load(["a"]),
            lambda: store.take_lease("a", "one", 1),
            lambda: store.give_back("a", "one"),
            lambda: store.save("a", b"x", generation=2, ttl=1),
            lambda: store.delete("a", generation=1),
            store.purge,
        ):
            try:
                use()
            except StoreError:
                continue
            raise AssertionError("a closed store was used")

    # What the checks are made of

    def _use_as_child(self, store: Store) -> bool:
        seen = patiently(lambda: store.load(["parent"])).entries["parent"]
        saved = self._save(store, "child", b"c", 1, after=0)
        lease = patiently(lambda: store.take_lease("a", "child", LONG))
        return seen.value == b"p" and saved and lease.taken

    @staticmethod
    def _save(
        store: Store,
        name: str,
        value: bytes,
        generation: int,
        *,
        after: int | None = None,
        ttl: float = DAY,
        owner: str | None = None,
    ) -> bool:
        return patiently(
            lambda: store.save(
                name, value, generation=generation, ttl=ttl, after=after, owner=owner
            )
        )

    @staticmethod
    def _expect_standing(store: Store, name: str, generation: int, value: bytes) -> None:
        entry = patiently(lambda: store.load([name])).entries.get(name)
        expect(entry is not None and entry.value == value, f"another value stands under {name}")
        expect(entry is not None and entry.generation == generation, f"{entry} stands")

    @staticmethod
    def _wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not patiently(holds):
            expect(time.monotonic() < deadline, "what was to end did not")
            time.sleep(0.01)
