r"""Spring's `${NAME:default}`, as its `PropertyPlaceholderHelper` reads it."""

from __future__ import annotations

import pytest

from oauthreg._sources.placeholders import PlaceholderError, expand

KNOWN = {
    "A": "a",
    "EMPTY": "",
    "NESTED": "x${A}y",
    "host": "h",
    "my.url": "https://${host}/${A}",
    "loop": "${pool}",
    "pool": "${loop}",
    "odd:name": "with a colon",
}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain {baseUrl} $A", "plain {baseUrl} $A"),
        ("${A}", "a"),
        ("x${A}y${A}z", "xayaz"),
        ("${NO:default}", "default"),
        ("${NO:}", ""),
        ("${A:default}", "a"),
        ("${EMPTY:default}", ""),
        ("${NO:https://x:1/y}", "https://x:1/y"),
        ("${NO:${NONE:deep}}!", "deep!"),
        ("${NO:{baseUrl}/login}", "{baseUrl}/login"),
        ("${NO:-d}", "-d"),
        ("${NO: d }", " d "),
        ("${my.url}", "https://h/a"),
        ("${NESTED}", "xay"),
        ("${${NO:host}}", "h"),
        ("${${A:b}:c}", "c"),
        ("${odd:name}", "with a colon"),
        (r"${odd\:name:d}", "with a colon"),
        (r"${no\:name:d}", "d"),
        ("${unclosed", "${unclosed"),
        ("${A} ${unclosed", "a ${unclosed"),
        ("${A", "${A"),
        (r"\${A}", "${A}"),
        (r"\${A} ${A}", "${A} a"),
        (r"${NO:\${A}}", "${A}"),
        (r"\\${A}", r"\${A}"),
        (r"\${unclosed", r"\${unclosed"),
        ("", ""),
    ],
)
def test_what_placeholders_become(text, expanded):
    assert expand(text, KNOWN.get) == expanded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${NO}", "${NO} is neither in the environment nor in the file"),
        ("${}", "${} is neither in the environment nor in the file"),
        ("${NO:${NONE}}", "${NONE} is neither in the environment nor in the file"),
        ("${NO${A:x}}", "${NO...} is neither in the environment nor in the file"),
        ("${loop}", "${loop} stands for itself"),
    ],
)
def test_what_cannot_be_known_is_an_error_naming_the_placeholder(text, message):
    with pytest.raises(PlaceholderError) as raised:
        expand(text, KNOWN.get)
    assert str(raised.value) == message
