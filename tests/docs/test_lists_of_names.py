"""Where a document lists fields, options or hooks, it lists those that there are."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from oauthreg import AuthorizeOptions, PluginContext, ProviderPlugin

DOCS = Path(__file__).parents[2] / "docs"
NAME = re.compile(r"`(\w+)(?:\([\w, ]*\))?`")


def listed(document, heading):
    """Return the names in the first column of the table below a heading row."""
    lines = iter((DOCS / document).read_text("utf-8").splitlines())
    assert any(line.startswith(heading) for line in lines), f"{document} has no {heading}"
    rows = iter(lambda: next(lines, ""), "")
    return [name for row in rows for name in NAME.findall(row.split("|")[1])]


def public(names):
    return {name for name in names if not name.startswith("_")}


def test_every_field_of_a_plugins_context_is_listed():
    assert listed("plugins.md", "| field |") == [field.name for field in fields(PluginContext)]


def test_every_attribute_and_hook_of_a_plugin_is_listed():
    hooks = {name for name in vars(ProviderPlugin) if callable(getattr(ProviderPlugin, name))}
    hooks = public(hooks) - {"settings_class", "options_class", "flow"}
    assert set(listed("plugins.md", "| hook |")) == hooks
    attributes = public(vars(ProviderPlugin)) - hooks - {"settings_class", "options_class", "flow"}
    assert set(listed("plugins.md", "| attribute |")) == attributes


def test_every_module_is_on_the_map():
    text = (DOCS / "overview.md").read_text("utf-8")
    package = DOCS.parent / "oauthreg"
    named = set(re.findall(r"`([\w*]+)(?:\.py|/)?`", text))
    wild = tuple(name[:-1] for name in named if name.endswith("*"))
    whole = {"auth", "stores", "testing", "_cli", "_grants", "_signing_keys"}
    for path in package.rglob("*.py"):
        folder = path.parent.name if path.parent != package else None
        name = path.stem if path.stem != "__init__" else folder
        if folder in whole or name is None:
            continue
        assert name in named or name.startswith(wild), path


def test_every_option_of_a_call_is_listed():
    assert listed("overview.md", "| option |") == list(AuthorizeOptions.__annotations__)
