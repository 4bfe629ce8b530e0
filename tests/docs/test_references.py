"""What is written from the code is as the code is: references.py says how to write it anew."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

from oauthreg._settings import schema

ROOT = Path(__file__).parents[2]
ADVICE = "WRITE_REFERENCES=1 pytest tests/docs/test_references.py"


def _load():
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        return import_module("references")
    finally:
        sys.path.remove(str(Path(__file__).parent))


references = _load()


def test_what_the_schema_says_of_a_key_is_what_the_reference_says():
    path = Path(schema.__file__).with_name("meanings.json")
    assert references.same(path, references.meanings()), ADVICE


def test_the_published_schema_is_that_of_the_models():
    wanted = json.dumps(schema.json_schema(), indent=2, ensure_ascii=False) + "\n"
    assert references.same(ROOT / "docs/settings.schema.json", wanted), ADVICE
