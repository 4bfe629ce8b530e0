"""The `oauthreg` command, of the extra `cli`; each command is a small module of its own."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

REMEDY = "The oauthreg command needs typer and rich: pip install 'oauthreg[cli]'\n"
INTERRUPTED = 130


def main() -> None:
    """Run the command line; without the extra, say in one sentence what to install."""
    _mend_streams()
    try:
        import rich  # noqa: F401, PLC0415 - the extra may not be installed

        from oauthreg._cli.app import app  # noqa: PLC0415 - likewise

    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"typer", "rich"}:
            raise
        sys.stderr.write(REMEDY)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    app()


def _mend_streams() -> None:
    """Give a program without stdout or stderr one that goes nowhere; let no character fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
