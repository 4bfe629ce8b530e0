"""The floors of the package: imports go downward only, and within a floor to the left only.

All imports count: those inside functions, and those for type checkers too. Inside one package
anything goes that is no circle.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import oauthreg

PACKAGE = Path(oauthreg.__file__).parent
FLOORS = (
    (
        "_endpoints",
        "_problem",
        "_errors",
        "_extras",
        "_files",
        "_masked",
        "_invisible",
        "_addresses",
        "_suggestions",
        "_quoting",
        "_secret_values",
        "_flow",
        "_tokens",
        "_reports",
        "events",
        "_event_log",
        "_subscriptions",
    ),
    ("_signing_keys", "_dpop", "_urls", "_registration", "stores", "_shared", "_transports"),
    ("_sources", "_protocol"),
    ("_discovery", "_grants", "_token_key"),
    (
        "_templates",
        "_api_headers",
        "_provider_data",
        "_provider_checks",
        "_provider",
        "_common_providers",
        "plugin",
        "_preset_tables",
        "presets",
    ),
    ("_plugins", "_renewal", "_login_flows"),
    ("_settings", "auth"),
    ("_manager", "_check", "_explain"),
    ("telemetry", "_cli", "testing", "_pytest_plugin"),
)
PLACE = {
    name: (floor, place) for floor, names in enumerate(FLOORS) for place, name in enumerate(names)
}
KNOWS_THE_PACKAGE = {
    "testing._demo",
    "testing._presets",
    "testing._store_tests",
    "testing._time",
}
NAME_THE_PACKAGE = {
    "_manager.sync_manager",
    "_manager.async_manager",
    "_pytest_plugin",
    "telemetry",
}
"""Each manager gives the other: their hints name it through the package, which loads it late."""
MAY_IMPORT_AUTHLIB = {"_protocol", "testing"}


def modules():
    """Return every module: its dotted name within the package, and its syntax tree."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        yield name, ast.parse(path.read_text("utf-8"), str(path))


MODULES = dict(modules())


def imports(name):
    """Return every module that a module imports, and the line; within the package, its own name.

    The package itself is the empty name, so that `from oauthreg import X` is told from
    `from oauthreg import discovery`, which imports a module.
    """
    found = {}
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}:{node.lineno} is a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = inner.removeprefix("oauthreg.") in MODULES
                found[inner if is_module else node.module] = node.lineno
    return found


def own_imports(name):
    """Return the modules of the package that a module imports, and the lines."""
    return {
        full.partition(".")[2]: line
        for full, line in imports(name).items()
        if full.partition(".")[0] == "oauthreg"
    }


def top(name):
    return name.partition(".")[0]


INSIDE = [name for name in MODULES if name]


def test_every_module_has_a_floor():
    assert {top(name) for name in INSIDE} <= PLACE.keys()


@pytest.mark.parametrize("name", INSIDE)
def test_imports_go_downward_or_to_the_left(name):
    wrong = [
        f"line {line} imports {target or 'oauthreg itself'}"
        for target, line in own_imports(name).items()
        if top(target) != top(name)
        and not (not target and name in NAME_THE_PACKAGE)
        and (top(target) not in PLACE or PLACE[top(target)] > PLACE[top(name)])
    ]
    assert not wrong, f"{name}: {wrong}"


@pytest.mark.parametrize("package", sorted({top(name) for name in INSIDE if "." in name}))
def test_no_package_imports_in_a_circle(package):
    graph = {
        name: {target for target in own_imports(name) if top(target) == package} - {name}
        for name in INSIDE
        if top(name) == package
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("name", INSIDE)
def test_authlib_stays_where_it_is_wrapped(name):
    if top(name) not in MAY_IMPORT_AUTHLIB:
        assert "authlib" not in {top(full) for full in imports(name)}


@pytest.mark.parametrize("name", [name for name in INSIDE if top(name) == "testing"])
def test_the_test_server_knows_nothing_of_the_package(name):
    if name not in KNOWS_THE_PACKAGE and not name.startswith("testing._kit."):
        assert {top(target) for target in own_imports(name)} <= {"testing"}


def test_the_test_sees_every_way_to_import():
    """The reader of imports is itself checked, on a module made for it."""
    MODULES["made"] = ast.parse(
        "import os.path\n"
        "from oauthreg import _tokens, Problem\n"
        "if TYPE_CHECKING:\n"
        "    from oauthreg._manager.base import BaseManager\n"
        "def f():\n"
        "    from oauthreg._grants import client_credentials, GRANTS\n"
    )
    try:
        assert own_imports("made") == {
            "_tokens": 2,
            "": 2,
            "_manager.base": 4,
            "_grants.client_credentials": 6,
            "_grants": 6,
        }
    finally:
        del MODULES["made"]
