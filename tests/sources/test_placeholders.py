"""Spring's `${NAME:default}`."""

from __future__ import annotations

import pytest

from oauthreg._sources.placeholders import PlaceholderError, Placeholders

ENVIRON = {"A": "a", "EMPTY": "", "MY_KEY_NAME": "dashed", "OTHER_KEYNAME": "boot", "RAW": "${A}"}
PROPERTIES = {
    "host": "h",
    "my.url": "https://${host}/${A}",
    "loop": "${pool}",
    "pool": "${loop}",
    "a": "the environment is first",
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
        ("${my.key-name}", "dashed"),
        ("${other.key-name}", "boot"),
        ("${my.url}", "https://h/a"),
        ("${My.Url}", "https://h/a"),
        ("${${NO:host}}", "h"),
        ("${RAW}", "${A}"),
        ("${unclosed", "${unclosed"),
        ("${A} ${unclosed", "a ${unclosed"),
    ],
)
def test_what_placeholders_become(text, expanded):
    assert Placeholders(ENVIRON, PROPERTIES).expand(text) == expanded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${NO}", "${NO} is neither in the environment nor in the file"),
        ("${NO:${NONE}}", "${NONE} is neither in the environment nor in the file"),
        ("${NO${A:x}}", "${NO...} is neither in the environment nor in the file"),
        ("${random.uuid}", "${random.uuid} is made up by Spring at each start"),
        ("${loop}", "${loop} stands for itself"),
    ],
)
def test_what_cannot_be_known_is_an_error_naming_the_placeholder(text, message):
    with pytest.raises(PlaceholderError) as raised:
        Placeholders(ENVIRON, PROPERTIES).expand(text)
    assert str(raised.value) == message
