"""The settings that docs/fleet.md shows are settings, and its lists are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from oauthreg._plugins import OWN_STORES
from oauthreg._settings.load import load
from oauthreg._shared.seal import new_key
from oauthreg.stores import _redis as redis_store
from oauthreg.stores._redis_url import SCHEMES

TEXT = (Path(__file__).parents[2] / "docs/fleet.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```\w+\n# ([\w.-]+)\n(.*?)```", TEXT, re.DOTALL))
PLACES = re.compile("/etc/oauthreg-store|/run/secrets|/state")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "store.keys").write_text(new_key())
    return tmp_path


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("sqlite", None),
        ("redis", "rediss://user:password@redis.example.com:6379/0"),
        ("sql", "postgresql://user:password@db.example.com/app"),
    ],
)
def test_the_settings_load(folder, name, address):
    text = BLOCKS[f"{name}.toml"]
    (folder / "settings.toml").write_text(text)
    if address is not None:
        assert f"# {address}" in text
        (folder / "store.url").write_text(address)
    assert load(folder / "settings.toml").store.config.type == name


def variables(name, container):
    document = yaml.safe_load(BLOCKS[name])
    if name == "compose.yaml":
        return document["services"][container]["environment"]
    spec = document["spec"]
    pod = spec if name == "pod.yaml" else spec["template"]["spec"]
    (found,) = [one for one in pod["containers"] if one["name"] == container]
    assert {mount["name"] for mount in found["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    return {one["name"]: one["value"] for one in found["env"]}


@pytest.mark.parametrize(
    ("name", "container", "kind"),
    [
        ("compose.yaml", "app", "redis"),
        ("deployment.yaml", "app", "redis"),
        ("pod.yaml", "web", "sqlite"),
        ("pod.yaml", "worker", "sqlite"),
    ],
)
def test_the_variables_of_containers_are_settings(folder, monkeypatch, name, container, kind):
    (folder / "url").write_text("redis://user:password@redis.example.com:6379/0")
    (folder / "keys").write_text(new_key())
    (folder / "store-keys").write_text(new_key())
    for variable, value in variables(name, container).items():
        monkeypatch.setenv(variable, PLACES.sub(str(folder), value))
    store = load(None, env_file=None).store
    assert store.config.type == kind
    assert store.key_ring().current()


def test_the_types_are_those_that_there_are():
    rows = re.findall(r"^\| `(\w+)` \| ", TEXT, re.MULTILINE)
    assert rows == ["memory", *OWN_STORES]


def test_the_rights_are_those_that_the_hint_names():
    (line,) = re.findall(r"^ACL SETUSER .*$", TEXT, re.MULTILINE)
    named = set(re.findall(r"\+(\w+)", line))
    hint = redis_store.HINTS[redis_store.NoPermissionError]
    assert named == set(
        re.findall(r"[a-z]+", hint.partition("needs")[2].partition("on the")[0])
    ) - {"and"}
    scripts = " ".join(redis_store.SHAS)
    called = {command.lower() for command in re.findall(r"call\('(\w+)'", scripts)}
    assert named == called | {"eval", "evalsha"}


def test_every_scheme_is_shown():
    for scheme in SCHEMES:
        assert f"`{scheme}://" in TEXT, scheme
