"""docs/cli.md says what the commands say."""

from __future__ import annotations

from pathlib import Path

from oauthreg._check.results import STEPS
from oauthreg._cli.app import Commands
from oauthreg._cli.exits import EPILOG, EXIT_CODES
from oauthreg._cli.reference import written

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_made_of_the_commands_own_help():
    page = PAGE.read_text("utf-8")
    remedy = "python -m oauthreg._cli.reference docs/cli.md"
    assert page == written(page), remedy


def test_every_command_teaches_with_an_example():
    page = PAGE.read_text("utf-8")
    for name in Commands.rows:
        text = page.partition(f"\n## oauthreg {name}\n")[2].partition("\n## ")[0]
        is_group = "COMMAND [ARGS]" in text
        assert is_group or f"\n  oauthreg {name}" in text, name


def test_every_step_of_a_check_is_explained():
    page = PAGE.read_text("utf-8")
    assert [line.split("`")[1] for line in page.splitlines() if line[:3] == "| `"] == [*STEPS]


def test_the_help_names_every_exit_code():
    assert all(f"{code} " in EPILOG for code in EXIT_CODES)
