"""`oauthreg plugin new`: a distribution whose tests pass at once; a name that nobody else has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

KINDS = {"acme-id": [], "acme-preset": ["--preset"], "flow": ["--flow"]}


@pytest.fixture
def install(tmp_path):
    """Build a folder's wheel without a network, and put it on a path: the installed folder."""
    site = tmp_path / "site"

    def install(folder):
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        (wheel,) = Path(folder, "dist").glob("*.whl")
        ZipFile(wheel).extractall(site)
        return site

    return install


def python(*arguments, site, cwd):
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_it_writes_passes_its_tests_at_once(oauthreg, install, tmp_path):
    packages = []
    for name, options in KINDS.items():
        done = oauthreg("plugin", "new", name, *options)
        assert done.returncode == 0, done.stderr
        site = install(f"oauthreg-{name}")
        packages.append(f"oauthreg_{name.replace('-', '_')}")
    tests = [f"oauthreg-{name}/tests" for name in KINDS]
    pytest_options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-W", "error"]
    done = python("-m", "pytest", *pytest_options, *tests, site=site, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert f"{26 * len(KINDS)} passed" in done.stdout
    assert all((site / package / "py.typed").is_file() for package in packages)


def test_the_readme_has_the_settings_of_the_class(oauthreg, tmp_path):
    for name, options in KINDS.items():
        oauthreg("plugin", "new", name, *options)
        text = (tmp_path / f"oauthreg-{name}" / "README.md").read_text()
        row = "| `base-url` | base-url | required | The address of the authorization server. |"
        assert row in text
        assert f'type = "{name}"' in text
    assert not [name for name in sys.modules if name.startswith("oauthreg_acme")]


def test_the_project_names_entry_point_and_versions(oauthreg, tmp_path):
    oauthreg("plugin", "new", "acme-id")
    project = tomllib.loads((tmp_path / "oauthreg-acme-id" / "pyproject.toml").read_text())
    assert project["project"]["name"] == "oauthreg-acme-id"
    assert project["project"]["dependencies"] == [f"oauthreg>={version('oauthreg')},<0.2"]
    points = project["project"]["entry-points"]["oauthreg.providers"]
    assert points == {"acme-id": "oauthreg_acme_id:AcmeId"}


def test_it_says_as_json_what_it_wrote(oauthreg):
    found = json.loads(oauthreg("plugin", "new", "acme-id", "--preset", "--json").stdout)
    assert found["folder"] == "oauthreg-acme-id"
    assert found["kind"] == "preset"
    assert "oauthreg_acme_id/presets.toml" in found["files"]


WRONG = [
    ("Acme_ID", "write acme-id"),
    ("acme--id", "write acme-id"),
    ("-acme", "No such option"),
    ("1acme", "lower-case letters"),
    ("../acme", "write acme"),
    ("a" * 41, "40 at most"),
    ("", "lower-case letters"),
    ("oauthreg-acme", "write acme"),
    ("keycloak", "is a plugin of oauthreg-keycloak"),
    ("google", "is built into oauthreg"),
    ("generic", "is built into oauthreg"),
    ("presets", "there is a distribution oauthreg-presets already"),
]


@pytest.mark.parametrize(("name", "words"), WRONG)
def test_a_name_that_cannot_be_is_refused(oauthreg, tmp_path, name, words):
    done = oauthreg("plugin", "new", name)
    assert done.returncode == 2
    assert words in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_the_name_of_another_plugin_that_is_installed_is_refused(oauthreg, monkeypatch):
    from oauthreg._plugins import Installed

    other = Installed("acme", "acme:Acme", "acme-oauth 1.0")
    monkeypatch.setattr("oauthreg._plugins.installed", lambda _group: (other,))
    assert "acme is a plugin of acme-oauth 1.0" in oauthreg("plugin", "new", "acme").stderr


def test_a_folder_that_is_there_is_left_as_it_is(oauthreg, tmp_path):
    (tmp_path / "oauthreg-acme").mkdir()
    done = oauthreg("plugin", "new", "acme")
    assert (done.returncode, [*(tmp_path / "oauthreg-acme").iterdir()]) == (2, [])
    assert "left as it is" in done.stderr


def test_a_preset_has_no_flow(oauthreg):
    assert "exclude each other" in oauthreg("plugin", "new", "a", "--flow", "--preset").stderr
