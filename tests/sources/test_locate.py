"""Where a value was said, in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oauthreg._sources import Origin, Sourced, locate

TOML = '''
# [registration.a] client-id = "no"
store.type = "x"                                    # 3
defaults = { "refresh-before" = 1, headers = { "X-A" = "{", x-b = "]" } }  # 4
[registration.my_client]
notes = """
client-id = "no" \\""" [registration.no]
"""
client-id = """a""""                                # 9
scope = [ # comment, with = and ]
  "a", 'b]',
  { x = 1, y = [ 2 ] },
]
"audience" = 'x'                                    # 14
[ registration . "a.b" ]
'client-id' = 1979-05-27T07:32:00Z                  # 16
[registration."m\\u00fc\\"nchen"]
client-secret = "\\\\"
'''

LINES = {
    "store.type": 3,
    "defaults.refresh-before": 4,
    "defaults.headers.X-A": 4,
    "defaults.headers.x-b": 4,
    "registration.my_client.notes": 6,
    "registration.my_client.client-id": 9,
    "registration.my_client.scope": 10,
    "registration.my_client.audience": 14,
    'registration."a.b".client-id': 16,
    'registration."mü\\"nchen".client-secret': 18,
}


def leaves(tree):
    for value in tree.values():
        if isinstance(value, Sourced):
            yield value
        else:
            yield from leaves(value)


def test_every_key_of_a_toml_file_is_found_at_its_line(folder):
    folder.write("settings.toml", TOML)
    result = folder.read()
    assert result.problems == ()
    said = {said.origin.key: locate(said.origin) for said in leaves(result.tree)}
    assert said == {key: f"settings.toml line {line}, {key}" for key, line in LINES.items()}


def test_tables_and_arrays_of_tables_have_lines_too(folder):
    path = folder.write("a.toml", "[[x]]\n[[x]]\ny = 1\n\n[z]\n")
    words = [locate(Origin("file", str(path), key)) for key in ("x", "x.y", "z")]
    assert words == ["a.toml line 1, x", "a.toml line 3, x.y", "a.toml line 5, z"]


def test_a_file_that_changed_is_looked_at_anew(folder):
    path = folder.write("a.toml", "x = 1")
    origin = Origin("file", str(path), "x")
    assert locate(origin) == "a.toml line 1, x"
    folder.write("a.toml", "\n\nx = 1")
    os.utime(path, ns=(1, 1))
    assert locate(origin) == "a.toml line 3, x"


@pytest.mark.parametrize("text", ["y = 1", '"\\x" = 1'])
def test_a_key_that_is_no_longer_there_has_no_line(folder, text):
    path = folder.write("a.toml", text)
    assert locate(Origin("file", str(path), "x")) == "a.toml, x"


def test_a_file_that_is_gone_or_is_none_has_no_line(folder):
    assert locate(Origin("file", str(folder.path / "a.toml"), "x")) == "a.toml, x"
    assert locate(Origin("file", str(folder.path), "x")) == "., x"


def test_a_file_elsewhere_is_shown_whole_and_so_is_each_when_there_is_no_directory(
    folder, monkeypatch
):
    assert locate(Origin("file", "/etc/a.toml", "x")) == "/etc/a.toml, x"

    def gone():
        raise FileNotFoundError

    monkeypatch.setattr(Path, "cwd", gone)
    path = str(folder.path / "a.toml")
    assert locate(Origin("file", path, "x")) == f"{path}, x"


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (Origin("environment", "OAUTHREG_X"), "environment variable OAUTHREG_X"),
        (Origin("env-file", "/x/.env", "OAUTHREG_X", line=3), "/x/.env line 3, OAUTHREG_X"),
        (Origin("secrets-directory", "/run/x"), "secrets file /run/x"),
        (Origin("spring-file", "/a.yml", "a.b", line=2), "/a.yml line 2, a.b"),
        (Origin("argument", "the dict", "registration.a"), "the dict, registration.a"),
        (Origin("default", ""), "default"),
        (Origin("plugin", "keycloak"), "plugin keycloak"),
        (Origin("discovery", "https://as"), "discovery https://as"),
    ],
)
def test_words_by_kind(origin, words):
    assert locate(origin) == words
