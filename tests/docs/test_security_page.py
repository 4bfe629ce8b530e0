"""Each test that docs/security.md names is there to be run."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_security_page_names_exists():
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "security.md").read_text())
    files = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    written = set(re.findall(r"^(?:async )?def (test_\w+)\(", "\n".join(files), re.MULTILINE))
    assert len(named) > 40
    assert set(named) - written == set()
