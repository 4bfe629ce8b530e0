"""The mutator makes the changes it is meant to make, in places that exist."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import oauthreg

HERE = Path(__file__).parent
SOURCE = b"""\
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    LIMIT = 5

def check(life: int = 3, *, text="\xc3\xa9") -> bool:
    'A text.'
    if life <= 0 and not text:
        raise ValueError(f"{1 + 1}")
    self.seen = max(life, 2)
    notice(life)
    logger.info(life)
    return life is None
"""


@pytest.fixture(scope="module")
def mutator():
    """The scripts as modules: they stand side by side and are not of the package."""
    sys.path.insert(0, str(HERE))
    try:
        import generated
        import operators

        yield generated, operators
    finally:
        sys.path.remove(str(HERE))


def test_each_operator_makes_its_changes(mutator):
    _, operators = mutator
    made = {(mutant.line, mutant.was, mutant.becomes) for mutant in operators.mutants("a", SOURCE)}
    assert made == {
        (6, "3", "(4)"),
        (8, "life <= 0 and not text", "(life <= 0 or not text)"),
        (8, "life <= 0 and not text", "(life <= 0)"),
        (8, "life <= 0 and not text", "(not text)"),
        (8, "life <= 0", "(life < 0)"),
        (8, "0", "(1)"),
        (8, "not text", "(text)"),
        (9, 'raise ValueError(f"{1 + 1}")', "pass"),
        (10, "self.seen = max(life, 2)", "pass"),
        (10, "max(life, 2)", "(min(life, 2))"),
        (10, "2", "(3)"),
        (11, "notice(life)", "pass"),
        (13, "return life is None", "return None"),
        (13, "life is None", "(life is not None)"),
    }


def test_a_mutant_changes_its_place_alone_and_parses(mutator):
    _, operators = mutator
    for mutant in operators.mutants("a", SOURCE):
        changed = mutant.applied(SOURCE)
        ast.parse(changed)
        assert len(changed) - len(SOURCE) == len(mutant.becomes) - len(mutant.was)
        assert mutant.becomes.encode() in changed


def test_modules_and_tests_are_there_and_the_sample_is_the_same_for_a_seed(mutator, monkeypatch):
    generated, _ = mutator
    monkeypatch.setattr(generated, "ROOT", Path(oauthreg.__file__).parents[1])
    for aim in generated.AIMS:
        assert aim.mutants(), aim
        assert all((HERE.parents[1] / path).exists() for path in aim.tests), aim
    aims = [aim for aim in generated.AIMS if aim.name == "token key"]
    chosen, everything = generated.sample(aims, 5, seed=1)
    assert (chosen, everything) == generated.sample(aims, 5, seed=1)
    assert len(chosen) == 5 < everything
