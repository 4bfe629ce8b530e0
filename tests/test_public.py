"""The line between public and private, as docs/public.md draws it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import get_type_hints

import pytest

import oauthreg
from oauthreg import events

PACKAGE = Path(oauthreg.__file__).parent
ROOT = Path(__file__).parents[1]
LISTED = re.findall(
    r"`(oauthreg[\w.]*)`(?=[^|\n]*\|[^|\n]*\|$)",
    (ROOT / "docs/public.md").read_text("utf-8"),
    re.MULTILINE,
)
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/*.md")]
PROGRAMS = [*ROOT.glob("plugins/*/*/*.py"), *PACKAGE.parent.glob("oauthreg_*/*.py")]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def modules_without_underscore():
    """Return the dotted names of the modules none of whose parts begins with `_`."""
    parts = [
        path.relative_to(PACKAGE.parent).with_suffix("").parts for path in PACKAGE.rglob("*.py")
    ]
    dotted = {".".join(part for part in found if part != "__init__") for found in parts}
    return {name for name in dotted if "._" not in name}


def test_every_module_is_private_but_those_that_the_page_lists():
    # oauthreg.auth is the package of the adapters and has no names of its own
    assert modules_without_underscore() - {"oauthreg.auth"} == set(LISTED)


@pytest.mark.parametrize("name", LISTED)
def test_a_public_module_says_which_of_its_names_are_public(name):
    module = importlib.import_module(name)
    assert len(module.__all__) == len(set(module.__all__)) > 0
    for public in module.__all__:
        assert not public.startswith("_")
        assert hasattr(module, public)


def test_every_event_is_public():
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type)]
    assert {kind.__name__ for kind in kinds if issubclass(kind, events.Event)} <= {*events.__all__}


def imported(text):
    """Return what a program imports of oauthreg: modules, and the modules of names."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("path", [*DOCUMENTS, *PROGRAMS], ids=str)
def test_documents_and_plugins_import_public_names_only(path):
    text = path.read_text("utf-8")
    blocks = BLOCK.findall(text) if path.suffix == ".md" else [text]
    for module, name in (pair for block in blocks for pair in imported(block)):
        if module.partition(".")[0] == "oauthreg":
            assert module in {*LISTED, "oauthreg.auth"}, module
            assert name in {None, "*", *importlib.import_module(module).__all__}, f"{module}.{name}"
    assert not re.search(r"\boauthreg(\.\w+)*\._(?!_version__)", text)


def documented(owner):
    """Return a public object and, of a class, the public methods and properties that are ours."""
    yield owner
    for base in getattr(owner, "__mro__", ()):
        if base.__module__.startswith("oauthreg"):
            for name, member in vars(base).items():
                function = getattr(member, "__func__", None) or getattr(member, "fget", member)
                private = name.startswith("_") and name != "__init__"
                called_by_pytest = name.startswith("test_")
                if inspect.isfunction(function) and not private and not called_by_pytest:
                    yield function


@pytest.mark.parametrize("name", LISTED)
def test_the_type_hints_of_public_objects_can_be_read(name):
    module = importlib.import_module(name)
    found = [
        part
        for public in module.__all__
        if (inspect.isclass(owner := getattr(module, public)) or inspect.isfunction(owner))
        for part in documented(owner)
    ]
    assert found
    for part in found:
        get_type_hints(part, include_extras=True)
