from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from oauthreg._shared.clock import Observed, elapsed
from oauthreg._shared.names import Names, kind_of
from oauthreg.stores import Reading

PARTS = st.lists(st.text(max_size=8), min_size=3, max_size=3)


def test_time_passes_by_the_longer_of_two_clocks():
    start = Reading(1000.0, "boot", 50.0)
    assert elapsed(start, Reading(1010.0, "boot", 60.0)) == 10
    assert elapsed(start, Reading(1010.0, "boot", 75.0)) == 25
    assert elapsed(start, Reading(1090.0, "boot", 60.0)) == 90
    assert elapsed(start, Reading(400.0, "boot", 60.0)) == 10


def test_after_a_restart_only_the_clock_of_the_day_counts():
    start = Reading(1000.0, "boot", 50.0)
    assert elapsed(start, Reading(1010.0, "other", 1.0)) == 10
    assert elapsed(start, Reading(400.0, "other", 1.0)) is None


def test_a_clock_that_was_set_back_says_nothing():
    assert elapsed(Reading(1000.0), Reading(998.0)) is None
    assert elapsed(Reading(1000.0), Reading(999.5)) == 0


def test_an_estimate_takes_the_side_that_makes_tokens_older():
    """The store was asked at 10, answered at 12 and read its clock somewhere between."""
    observed = Observed(Reading(1000.0, "boot", 50.0), sent=10.0, received=12.0)
    assert observed.at_latest(15.0) == Reading(1005.0, "boot", 55.0)
    assert observed.at_earliest(15.0) == Reading(1003.0, "boot", 53.0)
    assert Observed(Reading(1000.0), 10.0, 12.0).at_latest(15.0) == Reading(1005.0)


@given(
    offset=st.floats(-300, 300),
    delays=st.lists(st.floats(0, 5), min_size=4, max_size=4),
    life=st.floats(0, 100),
)
def test_no_token_is_younger_than_it_is(offset, delays, life):
    """Two machines, a store of any other time, and calls that take their time on both ways."""
    there, back, load_there, load_back = delays
    began = there + back
    seen_by_one = Observed(Reading(1e6 + there), 0.0, began)
    start = seen_by_one.at_earliest(began)
    asked = began + life
    seen_by_two = Observed(
        Reading(1e6 + asked + load_there), asked + offset, asked + load_there + load_back + offset
    )
    now = asked + load_there + load_back
    age = elapsed(start, seen_by_two.at_latest(now + offset))
    assert age is not None
    assert now - began - 1e-6 <= age <= now - began + sum(delays) + 1e-6


@given(PARTS, PARTS)
def test_different_parts_never_have_one_name(one, other):
    assume(one != other)
    names = Names(b"k" * 32)
    assert names.login(*one) != names.login(*other)
    assert names.refused(*one) != names.chain(*one)


@given(PARTS)
def test_a_name_fits_and_depends_on_the_key(parts):
    name = Names(b"k" * 32).refused(*parts)
    assert len(name) <= 80
    assert kind_of(name) == "refused"
    assert name.removeprefix("refused.").isalnum()
    assert name != Names(b"l" * 32).refused(*parts)
    assert name == Names(b"k" * 32).refused(*parts)


def test_every_kind_has_its_own_names():
    names = Names(b"k" * 32)
    made = [
        names.access_token("a"),
        names.wait("a"),
        names.login("a", "", ""),
        names.chain("a", "", ""),
        names.refused("a", "", ""),
    ]
    assert [kind_of(name) for name in made] == ["token", "wait", "login", "chain", "refused"]
    assert len({name.partition(".")[2] for name in made}) == len(made)


def test_a_fingerprint_is_keyed():
    assert Names(b"k" * 32).fingerprint("token") != Names(b"l" * 32).fingerprint("token")
    assert "token" not in Names(b"k" * 32).fingerprint("token")
