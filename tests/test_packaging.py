"""The package's door: what `oauthreg` offers, and what importing it costs."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from importlib.metadata import metadata, version
from pathlib import Path

import pytest

import oauthreg

DOOR = Path(oauthreg.__file__)
HEAVY = {"requests", "httpx", "httpx2", "stevedore", "authlib", "pydantic", "joserfc", "asyncio"}


@pytest.fixture(scope="module")
def branches():
    """The two sides of the door: what type checkers read, and what runs."""
    (found,) = [
        node
        for node in ast.parse(DOOR.read_text("utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return found


def python(code, cwd):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True
    ).stdout


def test_all_is_sorted_and_without_repetition():
    names = oauthreg.__all__
    assert names == sorted(set(names))


def test_all_is_what_type_checkers_read(branches):
    imported = {
        alias.name: node.module
        for node in branches.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(imported) == oauthreg.__all__


def test_all_is_what_is_loaded_lazily(branches):
    (table,) = [
        ast.literal_eval(node.value)
        for node in branches.orelse
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES"
    ]
    read = {
        (node.module, alias.name)
        for node in branches.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {(f"oauthreg.{home}", name) for home, names in table.items() for name in names} == read


@pytest.mark.parametrize("name", oauthreg.__all__)
def test_each_name_is_there_and_is_its_home_s_own(name):
    value = getattr(oauthreg, name)
    home = getattr(value, "__module__", None)
    if isinstance(home, str) and home.startswith("oauthreg."):
        assert getattr(importlib.import_module(home), name) is value


def test_dir_lists_what_there_is():
    assert {*oauthreg.__all__, "__version__"} <= {*dir(oauthreg)}


def test_the_version_is_the_distribution_s():
    assert oauthreg.__version__ == version("oauthreg")
    assert re.fullmatch(r"\d+\.\d+\.\d+", oauthreg.__version__)


def test_a_misspelt_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'AuthorisedClientManager'"):
        oauthreg.AuthorisedClientManager  # noqa: B018 - reading it is the test


def test_importing_it_loads_nothing_else(tmp_path):
    code = (
        "import sys, typing; before = {*sys.modules}; import oauthreg; "
        "print(*sorted({*sys.modules} - before))"
    )
    assert python(code, tmp_path).split() == ["oauthreg"]


def test_errors_alone_load_no_library(tmp_path):
    loaded = python("import sys, oauthreg._errors; print(*sys.modules)", tmp_path).split()
    assert not HEAVY & {name.partition(".")[0] for name in loaded}


def test_type_checkers_see_a_misspelt_import(tmp_path):
    snippet = tmp_path / "snippet.py"
    snippet.write_text(
        "from oauthreg import AuthorizedClientManager, AuthorisedClientManager\n"
        "reveal_type(AuthorizedClientManager.from_settings().authorize('x').access_token)\n"
        "AuthorizedClientManager.from_settings().authorize('x', audiance='y')\n"
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary"),
            *("--cache-dir", str(tmp_path / "cache"), "--config-file", ""),
            *("--follow-imports", "silent", str(snippet)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    first, second, third = (
        [line for line in done.stdout.splitlines() if line.startswith(f"snippet.py:{number}: ")]
        for number in (1, 2, 3)
    )
    assert 'Module "oauthreg" has no attribute "AuthorisedClientManager"' in first[0]
    assert 'Revealed type is "oauthreg._tokens.AccessToken"' in second[0]
    assert 'Unexpected keyword argument "audiance"' in third[0]


def test_without_extras_all_else_works_and_each_missing_one_is_named(tmp_path):
    script = Path(__file__).with_name("base_install.py")
    libraries = [
        "httpx2",
        "httpcore2",
        "httpx",
        "aiohttp",
        "keyring",
        "javaproperties",
        "yaml",
        "rich",
        "typer",
        "opentelemetry.metrics",
    ]
    code = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({libraries})); "
        f"runpy.run_path({str(script)!r})"
    )
    assert python(code, tmp_path) == "ok\n"


def test_the_package_is_marked_as_typed():
    assert (DOOR.parent / "py.typed").is_file()


def test_the_extra_all_is_every_extra_but_the_vendors():
    extras = {}
    for line in metadata("oauthreg").get_all("Requires-Dist"):
        if found := re.fullmatch(r"(.+?); extra == '(.+?)'", line.replace('"', "'")):
            extras.setdefault(found[2], set()).add(found[1])
    everything = extras.pop("all")
    vendors = {each for each in set().union(*extras.values()) if each.startswith("oauthreg-")}
    assert everything == set().union(*extras.values()) - vendors
    assert {"requests", "pydantic"}.isdisjoint(everything)
