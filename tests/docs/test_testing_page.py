"""docs/testing.md: its tests pass, and its server starts."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

from oauthreg.testing.__main__ import _parser

PAGE = "docs/testing.md"


def test_the_tests_of_the_page_pass_by_the_plugin_that_is_installed(runner):
    runner.write(PAGE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_kit.py"],
        env={**os.environ, "PYTHONPATH": str(runner.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_the_flags_of_the_page_are_flags_of_the_server(runner):
    (block,) = [block for block in runner.blocks(PAGE) if block.language == "sh"]
    words = shlex.split(block.text.replace("\\\n", " "))
    options = _parser().parse_args(words[words.index("oauthreg.testing") + 1 :])
    assert options.user == [("alice", "hers")]
    assert options.fault[0][1].status == 503
