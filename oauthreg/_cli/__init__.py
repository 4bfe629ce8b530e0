"""The `oauthreg` command, of the extra `cli`; each command is a small module of its own."""

from __future__ import annotations

import sys

REMEDY = "The oauthreg command needs typer and rich: pip install 'oauthreg[cli]'\n"


def main() -> None:
    """Run the command line; without the extra, say in one sentence what to install."""
    try:
        from oauthreg._cli.app import app  # noqa: PLC0415 - the extra may not be installed
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"typer", "rich"}:
            raise
        sys.stderr.write(REMEDY)
        sys.exit(2)
    app()
