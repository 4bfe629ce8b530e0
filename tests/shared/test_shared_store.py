from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oauthreg import RefreshToken, StoreError
from oauthreg._secret_values import LiteralSecret, Secret, SecretReadError
from oauthreg._shared import shared_store
from oauthreg._shared.entries import AccessEntry, FailureRecord, LoginEntry, Rejection, StoredToken
from oauthreg._shared.key_ring import UNENCRYPTED, FixedKeys, KeysFromSource, ring_of
from oauthreg._shared.names import NAMING
from oauthreg._shared.seal import new_key
from oauthreg._shared.shared_store import ForeignStoreError, SharedStore, Stored, Unusable
from oauthreg.stores import Entry, Reading
from oauthreg.stores._memory import MemoryStore

OLD, NEW, OTHER = new_key(), new_key(), new_key()
DAY = 86_400.0


class Clock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock(1_000_000.0)


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


def over(store, *keys):
    return SharedStore(store, FixedKeys(ring_of(keys or (OLD,))), monotonic=Clock(0.0))


def token(value="t", *, start=1_000_000.0, lifetime=300.0):
    return StoredToken(
        token_value=value,
        token_type="Bearer",
        scopes=("read",),
        start=Reading(start),
        lifetime=lifetime,
        end=start + lifetime,
    )


def login(value="r"):
    issued = datetime(2026, 1, 1, tzinfo=UTC)
    return LoginEntry(refresh_token=RefreshToken(token_value=value, issued_at=issued), used=1e6)


def found(shared, name):
    return shared.load([name]).entries.get(name)


def put(store, name, entry):
    """Write bytes past every rule, as who owns the store can."""
    store._entries[name] = (entry, float("inf"))


def test_what_one_process_saves_another_loads(store):
    one, two = over(store), over(store)
    name = one.names().access_token("key")
    assert two.names().access_token("key") == name
    assert one.load([name]).after(name) == 0
    after = one.save(name, AccessEntry(token=token()), after=0)
    assert found(two, name) == Stored(AccessEntry(token=token()), after)
    assert two.save(name, AccessEntry(token=token("u")), after=after) > after
    assert one.save(name, AccessEntry(token=token("v")), after=after) == 0
    assert found(one, name).content.token.token_value == "u"


def test_nothing_can_be_read_in_the_store(store):
    shared = over(store)
    name = shared.names().login("https://auth.example.com", "my-client", "alice")
    shared.save(name, login("refresh-secret"), after=0)
    everything = repr([(name, entry.value) for name, (entry, _) in store._entries.items()])
    for hidden in ("alice", "my-client", "example", "refresh-secret", "refresh_token"):
        assert hidden not in everything


def test_a_lease_brings_the_store_s_clock(store, clock):
    shared = over(store)
    taken = shared.take_lease("a", "one", 15)
    assert taken.taken
    assert taken.clock.reading.time == clock.now
    assert not shared.take_lease("a", "two", 15).taken
    assert shared.load([], lease="a").lease_left == 15
    shared.give_back("a", "one")
    assert shared.take_lease("a", "two", 15).taken


# Names


def test_two_processes_that_begin_together_use_one_naming_key(store):
    class Late(MemoryStore):
        """Another process makes the naming key between our look and our save."""

        def save(self, *args, **kwargs):
            del Late.save
            over(self).names()
            return self.save(*args, **kwargs)

    late = Late()
    shared = over(late)
    assert shared.names().key == over(late).names().key


def test_rotation_renames_nothing(store):
    name = over(store, OLD).names().access_token("key")
    for keys in ((OLD, NEW), (NEW, OLD), (NEW,)):
        assert over(store, *keys).names().access_token("key") == name
    with pytest.raises(ForeignStoreError):
        over(store, OLD).names()


def test_a_running_process_seals_its_naming_key_anew_when_its_keys_change(store, clock):
    class Vault:
        reference, local, text = "vault:keys", False, OLD

        def read(self):
            return Secret(self.text)

    vault, time = Vault(), Clock(0.0)
    shared = SharedStore(store, KeysFromSource(vault, time), monotonic=time)
    name = shared.names().access_token("key")
    vault.text = f"{NEW} {OLD}"
    time.now += 60
    assert shared.names().access_token("key") == name
    assert over(store, NEW).names().access_token("key") == name


def test_who_is_overtaken_while_sealing_anew_goes_on():
    class Overtaken(MemoryStore):
        overtaking = False

        def save(self, *args, **kwargs):
            return not self.overtaking and super().save(*args, **kwargs)

    overtaken = Overtaken()
    name = over(overtaken, OLD).names().access_token("key")
    overtaken.overtaking = True
    assert over(overtaken, NEW, OLD).names().access_token("key") == name


@pytest.mark.parametrize("keys", [FixedKeys(ring_of([OTHER])), UNENCRYPTED])
def test_another_s_store_is_left_as_it_is(store, keys):
    over(store).names()
    before = dict(store._entries)
    with pytest.raises(ForeignStoreError, match=r"store\.prefix"):
        SharedStore(store, keys).names()
    assert store._entries == before


def test_a_naming_key_of_a_newer_version_is_left_as_it_is(store):
    put(store, NAMING, Entry(1, b"\x07 what comes later"))
    with pytest.raises(StoreError, match="newer") as caught:
        over(store).names()
    assert not isinstance(caught.value, ForeignStoreError)
    assert store.load([NAMING]).entries[NAMING].value == b"\x07 what comes later"


def test_a_naming_key_is_saved_again_long_before_it_is_forgotten(store, clock):
    name = over(store).names().access_token("key")
    for _ in range(30):
        clock.now += 31 * DAY
        assert over(store).names().access_token("key") == name


def test_a_lost_naming_key_is_put_back(store):
    shared = over(store)
    names = shared.names()
    store._entries.clear()
    shared.load([])
    assert over(store).names().key == names.key


def test_a_replaced_naming_key_is_followed(store):
    shared = over(store)
    before = shared.names().key
    store._entries.clear()
    after = over(store).names().key
    assert after != before
    with pytest.raises(StoreError, match="replaced"):
        shared.load([])
    assert shared.names().key == after
    shared.load([])


def test_a_naming_key_that_was_sealed_anew_is_the_same(store):
    shared = over(store, OLD, NEW)
    name = shared.names().access_token("key")
    over(store, NEW, OLD).names()
    shared.load([])
    assert shared.names().access_token("key") == name


def test_a_store_that_keeps_nothing_is_an_error(store):
    class Leaky(MemoryStore):
        def save(self, *_, **__):
            return False

    with pytest.raises(StoreError, match="comes and goes"):
        over(Leaky()).names()


# What cannot be used


def test_an_older_copy_is_a_miss_for_who_saw_a_newer_one(store):
    shared = over(store)
    name = shared.names().login("issuer", "client", "alice")
    first = shared.save(name, login("first"), after=0)
    copy = store.load([name]).entries[name]
    second = shared.save(name, login("second"), after=first)
    put(store, name, copy)
    old = found(shared, name)
    assert isinstance(old, Unusable)
    assert "older" in old.reason
    assert isinstance(found(over(store), name), Stored)  # who saw nothing cannot know
    assert shared.save(name, login("second"), after=old.after) > second
    assert found(over(store), name).content.refresh_token.token_value == "second"


def test_an_entry_does_not_stand_in_for_another(store):
    shared = over(store)
    names = shared.names()
    one, two = names.access_token("one"), names.access_token("two")
    shared.save(one, AccessEntry(token=token("one")), after=0)
    entry = store.load([one]).entries[one]
    put(store, two, entry)
    assert "another name" in found(shared, two).reason
    put(store, two, replace(entry, generation=entry.generation + 1))
    assert isinstance(found(shared, two), Unusable)
    put(store, one, replace(entry, generation=entry.generation + 1))
    assert "generation" in found(shared, one).reason


def test_what_another_key_sealed_is_a_miss_and_may_be_replaced(store):
    shared = over(store)
    name = shared.names().access_token("key")
    put(store, name, Entry(5, ring_of([OTHER]).seal(b"{}")))
    miss = found(shared, name)
    assert miss == Unusable("it was sealed by a key that store.keys does not hold", 5)
    assert shared.save(name, AccessEntry(token=token()), after=miss.after)


def test_what_a_newer_version_wrote_is_not_replaced(store):
    shared = over(store)
    name = shared.names().login("issuer", "client", "alice")
    content = b'{"format": 9, "needs": "3.0"}'
    put(store, name, Entry(5, ring_of([OLD]).seal(content)))
    view = shared.load([name])
    assert view.entries[name] == Unusable("it needs oauthreg 3.0", None)
    assert view.after(name) is None


def test_keys_are_looked_at_again_when_something_does_not_open(store):
    time = Clock(0.0)
    source = LiteralSecret(Secret(OLD))
    keys = KeysFromSource(source, time)
    shared = SharedStore(store, keys, monotonic=time)
    name = shared.names().access_token("key")
    over(store, OLD, NEW).names()
    over(store, NEW, OLD).save(name, AccessEntry(token=token()), after=0)
    assert isinstance(found(shared, name), Unusable)
    keys._source = LiteralSecret(Secret(f"{OLD} {NEW}"))
    time.now += 1
    assert isinstance(found(shared, name), Stored)


def test_keys_that_cannot_be_read_are_the_store_s_error(store):
    class Away:
        def current(self, *, fresh=False):
            raise SecretReadError("vault:keys is away")

    with pytest.raises(StoreError, match=r"store\.keys cannot be read: vault:keys is away"):
        SharedStore(store, Away()).names()


@settings(max_examples=60)
@given(st.integers(0, 2**62), st.binary(max_size=200), st.booleans())
def test_whatever_stands_in_a_store_is_a_miss_at_worst(generation, noise, encrypted):
    store = MemoryStore()
    keys = FixedKeys(ring_of([OLD])) if encrypted else UNENCRYPTED
    shared = SharedStore(store, keys)
    names = shared.names()
    for name in (names.access_token("a"), names.login("a", "b", "c"), names.wait("a")):
        put(store, name, Entry(generation, noise))
        assert isinstance(found(shared, name), Unusable)
        put(store, name, Entry(generation, keys.current().seal(noise)))
        assert isinstance(found(shared, name), Unusable)


# Times and sizes


def test_generations_go_on_after_a_record_was_forgotten(store, clock):
    """Else who saw the record before would take the new one for an older copy."""
    one, two = over(store), over(store)
    name = one.names().access_token("key")
    first = one.save(name, AccessEntry(token=token()), after=0)
    assert one.delete(name, after=first)
    assert not one.delete(name, after=first)
    clock.now += 1
    two.names()
    assert two.save(name, AccessEntry(token=token("u")), after=0) > first
    assert isinstance(found(one, name), Stored)


def test_records_are_kept_until_nobody_needs_them(store, clock):
    shared = over(store)
    names = shared.names()
    rejected = AccessEntry(rejections=(Rejection("x", clock.now + 600),))
    records = {
        names.access_token("a"): (AccessEntry(token=token()), 300),
        names.access_token("b"): (rejected, 600),
        names.login("a", "b", "c"): (login(), 90 * DAY),
        names.chain("a", "b", "c"): (replace(login(), ends=clock.now + 50), 50),
    }
    for name, (record, _) in records.items():
        shared.save(name, record, after=0)
        assert store._entries[name][1] == clock.now + records[name][1] + 60
    clock.now += 400
    assert shared.purge() == 2
    shared.close()
    with pytest.raises(StoreError):
        shared.load([])


def test_of_two_failures_the_one_that_ends_later_counts(store, clock):
    one, two = over(store), over(store)
    name = one.names().wait("https://auth.example.com/token")
    record = FailureRecord(said=clock.now, until=clock.now + 60, status=429, message="slow")
    one.save_failure(name, record)
    two.save_failure(name, replace(record, until=clock.now + 5))
    stored = found(two, name)
    assert stored.content.until == clock.now + 60
    assert two.delete(name, after=stored.after)
    two.save_failure(name, replace(record, until=clock.now + 5))
    assert found(one, name).content.until == clock.now + 5


def test_an_entry_that_is_too_large_is_not_saved(store):
    shared = over(store)
    name = shared.names().access_token("key")
    large = AccessEntry(token=replace(token(), extra={"id_token": "x" * 64 * 1024}))
    assert shared.save(name, large, after=0) == 0
    assert found(shared, name) is None


def test_what_was_seen_is_remembered_in_a_bounded_table(store, monkeypatch):
    monkeypatch.setattr(shared_store, "REMEMBERED_GENERATIONS", 3)
    shared = over(store)
    for number in range(9):
        shared.save(shared.names().access_token(str(number)), AccessEntry(), after=0)
    assert len(shared._seen) == 3
