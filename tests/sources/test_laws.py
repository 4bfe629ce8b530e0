"""What holds for any settings: spelling does not matter, and merging is by leaf."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from oauthreg._sources import Sourced, canonical, read
from oauthreg._sources.tree import BASES

names = st.text("abAB-_1", min_size=1).filter(lambda name: name.strip("-_"))
leaves = st.sampled_from(["client-id", "scope", *BASES])
entries = st.dictionaries(st.text("kK_-", min_size=1), st.integers(), max_size=3)


@st.composite
def registrations(draw):
    """Settings in canonical spelling, without contradictions."""
    ids = draw(st.lists(names.map(canonical), unique=True, max_size=3))
    tree = {}
    for name in ids:
        chosen = draw(st.lists(leaves, max_size=4, unique_by=lambda leaf: BASES.get(leaf, leaf)))
        tree[name] = {leaf: draw(st.integers()) for leaf in chosen}
        if draw(st.booleans()):
            tree[name]["parameters"] = draw(entries)
    return {"registration": tree}


def values(*layers):
    """Return value and leaf name by path, the layers being a dict and arguments over it."""
    low, *high = layers
    result = read(low, arguments=high[0] if high else None, directory=Path("/"))
    assert result.problems == ()
    return flat(result.tree)


def flat(tree, path=()):
    if isinstance(tree, Sourced):
        return {path: (tree.value, tree.leaf)}
    return {k: v for key, value in tree.items() for k, v in flat(value, (*path, key)).items()}


@given(names)
def test_a_canonical_name_stays(name):
    assert canonical(canonical(name)) == canonical(name)
    assert canonical(name.swapcase().replace("-", "_")) == canonical(name)


@given(registrations(), st.data())
def test_spelling_does_not_matter(settings, data):
    def respelt(name):
        spelling = st.sampled_from([str.upper, str.title, str.lower])
        return data.draw(spelling)(name).replace("-", data.draw(st.sampled_from("-_")))

    other = {
        respelt("registration"): {
            respelt(name): {respelt(leaf): value for leaf, value in table.items()}
            for name, table in settings["registration"].items()
        }
    }
    assert values(settings) == values(other)


@given(registrations(), registrations())
def test_the_higher_source_wins_each_leaf_and_no_other(low, high):
    assert values(low, high) == values(low) | values(high)


@given(registrations())
def test_merging_with_itself_or_with_nothing_changes_nothing(settings):
    assert values(settings, settings) == values(settings, {}) == values({}, settings)
