"""Break the code on purpose, one line at a time, and see whether the tests beside it notice.

A test names its mutation itself: `@pytest.mark.killed_by(path, old, new)`. Each is made in a copy
of the tree, where only the tests that name it are run.

    python tests/mutants/run.py [-k WORD]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("oauthreg", "tests", "plugins", "pyproject.toml")
MARK = "killed_by"
DEADLINE = 60
FAILED_TESTS = 1


class Mutations:
    """Collects the mutations that the tests name, and which tests name them."""

    def __init__(self):
        self.tests = defaultdict(set)

    def pytest_collection_modifyitems(self, items):
        for item in items:
            for mark in item.iter_markers(MARK):
                self.tests[mark.args].add(item.nodeid.partition("[")[0])


def collect():
    found = Mutations()
    files = [str(file) for file in ROOT.glob("tests/**/test_*.py") if MARK in file.read_text()]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *files], [found])
    if code:
        sys.exit(f"{said.getvalue()}the tests cannot be collected (pytest said {code})")
    return found.tests


def copied(target):
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, target / name)


def run(tree, tests):
    """Whether the tests fail in this tree; a hang is a failure too."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, timeout=DEADLINE, check=False
        )
    except subprocess.TimeoutExpired:
        return "killed (it hung)"
    if done.returncode == FAILED_TESTS:
        return "killed"
    if done.returncode:
        return f"BROKEN (pytest said {done.returncode})"
    return "SURVIVED"


def mutate(tree, path, old, new, tests):
    file = tree / path
    text = file.read_text(encoding="utf-8")
    count = text.count(old)
    if count != 1:
        return f"NOT APPLIED: the text to be replaced is there {count} times"
    file.write_text(text.replace(old, new), encoding="utf-8")
    try:
        return run(tree, sorted(tests))
    finally:
        file.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-k", default="", metavar="WORD", help="only where a test's name has it")
    word = parser.parse_args().k
    mutations = {
        mutation: tests
        for mutation, tests in collect().items()
        if any(word in test for test in tests)
    }
    alive = 0
    with tempfile.TemporaryDirectory(prefix="oauthreg-mutants-") as folder:
        tree = Path(folder)
        copied(tree)
        for (path, old, new), tests in mutations.items():
            begun = time.monotonic()
            verdict = mutate(tree, path, old, new, tests)
            alive += not verdict.startswith("killed")
            print(f"{verdict:9} {time.monotonic() - begun:5.1f} s  {path}: {old.strip()!r}")
            for test in sorted(tests):
                print(f"{'':18} {test}", flush=True)
    print(f"{len(mutations)} mutations, {len(mutations) - alive} killed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
