"""What is written from the code is as the code is: references.py says how to write it anew."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

from oauthreg._settings import schema

ROOT = Path(__file__).parents[2]
ADVICE = "WRITE_REFERENCES=1 pytest tests/docs/test_references.py"


def _load(name, folder):
    sys.path.insert(0, str(folder))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(folder))


references = _load("references", Path(__file__).parent)
plots = _load("plots", ROOT / "tests/bench")


def test_what_the_schema_says_of_a_key_is_what_the_reference_says():
    path = Path(schema.__file__).with_name("meanings.json")
    assert references.same(path, references.meanings()), ADVICE


def test_the_published_schema_is_that_of_the_models():
    wanted = json.dumps(schema.json_schema(), indent=2, ensure_ascii=False) + "\n"
    assert references.same(ROOT / "docs/settings.schema.json", wanted), ADVICE


def test_the_plots_of_the_comparison_are_of_its_figures():
    drawn = plots.plots()
    assert all(references.same(path, text) for path, text in drawn.items()), ADVICE
    page = (ROOT / "docs/comparison.md").read_text("utf-8")
    assert all(f"](plots/{path.name})" in page for path in drawn)
