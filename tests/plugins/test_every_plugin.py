"""Every plugin of ours runs the conformance kit under each of its entry points."""

import ast
import tomllib
from importlib import resources
from pathlib import Path

import pytest

FOLDERS = sorted(path.parent for path in Path(__file__).parents[2].glob("plugins/*/pyproject.toml"))


def package(folder):
    """Return the package of a distribution; it is installed, and its source may be out of reach."""
    return f"oauthreg_{folder.name.replace('-', '_')}"


def entry_points(folder):
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return set(project["entry-points"]["oauthreg.providers"])


def kits(folder):
    """Return the names that the folder's kits give: `name = "acme"` in a class of the kit.

    Or those of all presets, where the tests are made by `preset_tests`.
    """
    for path in folder.glob("tests/test_*.py"):
        if "globals().update(preset_tests(" in path.read_text("utf-8"):
            table = resources.files(package(folder)).joinpath("presets.toml")
            yield from tomllib.loads(table.read_text("utf-8"))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and "ProviderPluginTests" in map(
                ast.unparse, node.bases
            ):
                for each in node.body:
                    if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "name":
                        yield ast.literal_eval(each.value)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_has_a_kit_for_each_name_and_all_that_a_distribution_has(folder):
    assert entry_points(folder) == set(kits(folder))
    for name in ("README.md", "LICENSE"):
        assert (folder / name).is_file(), name
    assert resources.files(package(folder)).joinpath("py.typed").is_file(), "py.typed"
    assert not list(folder.rglob("conftest.py"))
