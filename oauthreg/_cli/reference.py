"""The reference of the command line, made of the commands' own help.

`python -m oauthreg._cli.reference docs/cli.md` writes it into that page, below the line `MARK`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from oauthreg._cli.app import app
from oauthreg._cli.exits import EXIT_CODES

MARK = "<!-- generated from the commands' own help -->\n"
WIDTH = 98
_EPILOG = re.compile(r"\n+ *Exit codes: .*\Z", re.DOTALL)


def reference() -> str:
    """Return the exit codes, and the help of every command, as Markdown."""
    codes = [f"| {code} | {words} |" for code, words in EXIT_CODES.items()]
    parts = ["\n".join(["## Exit codes", "", "| code | meaning |", "|---|---|", *codes])]
    parts += [
        f"## {name}\n\n```text\n{text}\n```" for name, text in _helps(get_command(app), "oauthreg")
    ]
    return "\n\n".join(parts) + "\n"


def written(page: str) -> str:
    """Return a page with the reference as it is now."""
    before, mark, _ = page.partition(MARK)
    return f"{before}{mark}{reference()}"


def _helps(command: Any, name: str, parent: Any = None) -> Iterator[tuple[str, str]]:
    """Give the help of a command and of all below it; hidden ones are left out."""
    with command.make_context(name, [], parent=parent, resilient_parsing=True) as context:
        context.terminal_width = WIDTH
        yield context.command_path, _EPILOG.sub("", command.get_help(context)).strip()
        for below in command.list_commands(context) if hasattr(command, "list_commands") else ():
            found = command.get_command(context, below)
            if not found.hidden:
                yield from _helps(found, below, context)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(written(path.read_text("utf-8")), "utf-8")
