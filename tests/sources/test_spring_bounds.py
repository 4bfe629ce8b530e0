"""Placeholders and YAML aliases multiply what they stand for: both have a bound."""

from __future__ import annotations

import pytest

from oauthreg._sources.canonicalise import UnusableError
from oauthreg._sources.placeholders import PlaceholderError, expand
from oauthreg._sources.spring_yaml import documents

DOUBLING = {f"a{n}": f"${{a{n + 1}}}${{a{n + 1}}}" for n in range(40)} | {"a40": "x"}
GROWING = {f"a{n}": "".join(f"${{a{n + 1}}}" for _ in range(10)) for n in range(5)}


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("${a0}", DOUBLING),
        ("${a0}", GROWING | {"a5": "x" * 10_000}),
        ("${b:" * 50_000 + "}" * 50_000, {}),
        ("${b:" * 400 + "}" * 400, {}),
        ("${b:x}" * 100_000, {}),
    ],
    ids=["doubling", "growing", "nested", "nested less", "many"],
)
def test_placeholders_that_stand_for_too_much_are_an_error(text, known):
    with pytest.raises(PlaceholderError, match=r"too much|too deeply"):
        expand(text, known.get)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${" * 100_000, "${" * 100_000),
        ("${b:x}" * 2_000, "x" * 2_000),
        ("y" * 1_000_000 + "${b:x}", "y" * 1_000_000 + "x"),
        ("{" * 1_000_000, "{" * 1_000_000),
    ],
    ids=["without ends", "many", "long", "braces"],
)
def test_what_is_only_long_is_read(text, expanded):
    assert expand(text, {}.get) == expanded


BOMBS = {
    "lists": "a0: &a0 [x,x]\n"
    + "\n".join(f"a{n}: &a{n} [*a{n - 1},*a{n - 1}]" for n in range(1, 40)),
    "maps": "a0: &a0 {x: y}\n"
    + "\n".join(f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}" for n in range(1, 40)),
    "merged": "a0: &a0 {x: y}\n"
    + "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)),
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_aliases_that_stand_for_too_much_are_an_error(text, tmp_path):
    with pytest.raises(UnusableError, match="has too many values"):
        list(documents(tmp_path / "application.yml", text))
