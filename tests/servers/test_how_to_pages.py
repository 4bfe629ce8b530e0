"""The how-to pages of other libraries do what they say, where these libraries are installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".build/pages/bin/python"
PAGES = (
    *("celery", "django", "fastapi", "flask"),
    *("from-other-libraries", "grpc", "openai", "pandas"),
)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_does_what_it_says(page, unavailable):
    if not PYTHON.exists():
        unavailable("the libraries of the pages are not installed: make test-servers does it")
    done = subprocess.run(
        [PYTHON, "tests/docs/pages.py", f"docs/how-to/{page}.md"],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.stdout.write(done.stderr)
