"""What the tests of `oauthreg._sources` share: a folder to read in, and short views of a result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from oauthreg._sources import Read, Sourced, read

# beside the root's own folders hypothesis' would be collected, which it warns of: an error here
set_hypothesis_home_dir(Path(__file__).parents[2] / ".build" / "hypothesis")


@dataclass
class Folder:
    """A working directory with an environment of its own."""

    path: Path

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def read(self, settings: Any = None, environ: dict[str, str] | None = None, **options) -> Read:
        return read(settings, environ=environ or {}, directory=self.path, **options)

    def values(self, settings: Any = None, environ: dict[str, str] | None = None, **options) -> Any:
        """Return the plain values; there must be no problem."""
        result = self.read(settings, environ, **options)
        assert result.problems == ()
        return plain(result.tree)

    def problem(
        self, settings: Any = None, environ: dict[str, str] | None = None, **options
    ) -> str:
        """Return the text of the only problem."""
        (problem,) = self.read(settings, environ, **options).problems
        return str(problem)


def plain(tree: Any) -> Any:
    """Return a tree's values, without its empty sections."""
    if isinstance(tree, Sourced):
        return tree.value
    return {key: plain(value) for key, value in tree.items() if value != {} or key not in SECTIONS}


SECTIONS = ("registration", "provider", "http", "store", "defaults")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)
