from __future__ import annotations

import pytest

from oauthreg.stores._memory import PURGE_FROM, MemoryStore
from oauthreg.testing import StoreTests


class TestMemoryStore(StoreTests):
    shared = False

    @pytest.fixture(autouse=True)
    def places(self):
        self.stores = {}

    def connect(self, place):
        return self.stores.setdefault(place, MemoryStore())


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_time_is_its_clock_s():
    clock = Clock()
    store = MemoryStore(clock)
    store.save("a", b"x", generation=1, ttl=60)
    store.take_lease("a", "one", 15)
    clock.now += 14
    assert store.load(["a"], lease="a").lease_left == 1
    clock.now += 1
    assert store.take_lease("a", "two", 15).taken
    clock.now += 45
    assert store.load(["a"]).entries == {}
    assert store.load([]).now.time == 1060


def test_what_has_ended_takes_no_room():
    clock = Clock()
    store = MemoryStore(clock)
    for number in range(3 * PURGE_FROM):
        clock.now += 1
        store.save(f"a{number}", b"x", generation=1, ttl=10)
        store.take_lease(f"a{number}", "one", 10)
    kept = dict(store._entries)
    assert len(kept) + len(store._leases) <= PURGE_FROM
    clock.now += 10
    assert store.purge() == len(kept)
    assert not store._entries
    assert not store._leases
