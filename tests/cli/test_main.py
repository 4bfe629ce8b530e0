"""The program itself: help, version, and what it says without its extra."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from oauthreg import __version__
from oauthreg._cli import main


def test_pyproject_names_the_entry_point():
    (point,) = entry_points(group="console_scripts", name="oauthreg")
    assert point.load() is main


COMMANDS = ["token", "list", "login", "introspect", "revoke"]


def test_help_names_every_command(oauthreg):
    done = oauthreg("-h")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"\n  oauthreg {command}" in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_examples(oauthreg, command):
    done = oauthreg(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"\n  oauthreg {command}" in done.stdout
    assert "Exit codes: 0" in done.stdout


def test_version(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["oauthreg", "--version"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert capsys.readouterr().out == f"oauthreg {__version__}\n"


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_it_says_what_to_install(tmp_path, missing):
    code = f"import sys\nsys.modules[{missing!r}] = None\nfrom oauthreg._cli import main\nmain()\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("pip install 'oauthreg[cli]'\n")
    assert done.stderr.count("\n") == 1


def test_another_missing_module_is_not_taken_for_the_extra(tmp_path):
    code = (
        "import sys; sys.modules['pydantic'] = None; sys.argv[1:] = ['list']\n"
        "from oauthreg._cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert "pydantic" in done.stderr
    assert "Traceback" not in done.stderr
    assert "oauthreg[cli]" not in done.stderr


@pytest.mark.parametrize("flags", [[], ["-X", "dev"]])
def test_a_defect_is_a_line_to_report_and_a_traceback_for_developers(tmp_path, flags):
    """Either prints names and lines, never values."""
    code = (
        "from oauthreg._cli.options import CommonOptions\n"
        "def broken(*args, **kwargs):\n"
        "    hidden = 'value-' + 'of-a-local'\n"
        "    raise RuntimeError('a defect' + hidden[:0])\n"
        "CommonOptions.configuration = broken\n"
        "import sys; sys.argv[1:] = ['list']\n"
        "from oauthreg._cli import main; main()\n"
    )
    done = subprocess.run(
        [sys.executable, *flags, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (1 if flags else 70)
    assert ("Traceback" in done.stderr) == ("a defect" in done.stderr) == bool(flags)
    assert "RuntimeError" in done.stderr
    assert "value-of-a-local" not in done.stderr
