"""The arithmetic of a token's life."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oauthreg._tokens import life

PROFILE = settings(deadline=None, derandomize=True)
TABLE = [
    (5, 4.5, 2.5, 3.0),
    (30, 27, 15, 18),
    (60, 54, 30, 36),
    (300, 290, 150, 180),
    (3600, 3590, 2400, 2640),
    (86400, 86390, 85200, 85440),
]
LIFETIMES = st.floats(min_value=0.001, max_value=1e10)
CHANCES = st.floats(min_value=0, max_value=1, exclude_max=True)


@pytest.mark.parametrize(("lifetime", "expired", "earliest", "latest"), TABLE)
def test_the_table_of_the_contract(lifetime, expired, earliest, latest):
    assert life(lifetime, spread=0.0) == (earliest, expired)
    assert life(lifetime, spread=1.0) == pytest.approx((latest, expired))


@PROFILE
@given(LIFETIMES, CHANCES, st.none() | st.floats(min_value=0, max_value=1e10))
def test_a_token_is_fresh_for_a_tenth_of_its_life_and_never_stale_after_it_expired(
    lifetime, chance, before
):
    stale, expired = life(lifetime, spread=chance, refresh_before=before)
    assert 0.1 * lifetime <= stale * 1.000001
    assert stale <= expired < lifetime
    assert lifetime - expired == pytest.approx(min(10, 0.1 * lifetime), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(
    ("before", "stale"), [(0, 290), (5, 290), (10, 290), (60, 240), (270, 30), (299, 30), (1e9, 30)]
)
def test_a_window_of_ones_own_ends_at_nine_tenths(before, stale):
    assert life(300, spread=0.0, refresh_before=before).stale_after == pytest.approx(stale)
