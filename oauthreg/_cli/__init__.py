"""The `oauthreg` command, of the extra `cli`; each command is a small module of its own."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from io import TextIOWrapper
from pathlib import Path

from oauthreg._cli.exits import FAULT, INTERRUPTED, NO_TOKEN

REMEDY = "The oauthreg command needs typer and rich: pip install 'oauthreg[cli]'\n"
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""How writing the output fails, though its reader is there."""


def main() -> None:
    """Run the command line; without the extra, say in one sentence what to install."""
    _mend_streams()
    try:
        import rich  # noqa: F401, PLC0415 - the extra may not be installed

        from oauthreg._cli.app import app  # noqa: PLC0415 - likewise
        from oauthreg._cli.common import drop_output  # noqa: PLC0415 - likewise

    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"typer", "rich"}:
            raise
        sys.stderr.write(REMEDY)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    try:
        app()
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            drop_output()
            sys.stderr.write(f"The output cannot be written: {error.strerror}.\n")
            sys.exit(NO_TOKEN)
        if sys.flags.dev_mode:
            raise
        sys.stderr.write(_fault(error))
        sys.exit(FAULT)


def _fault(error: Exception) -> str:
    """Return what to report of a defect: where it is, and nothing that may be secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = "/".join(Path(frame.filename).parts[-3:])
    what = str(error) if isinstance(error, ImportError) else type(error).__name__
    return (
        f"oauthreg failed by a fault of its own: {what} ({place} line {frame.lineno}).\n"
        "    Please report this line: nothing in it is secret. python -X dev -m oauthreg._cli\n"
        "    instead of oauthreg shows the whole traceback.\n"
    )


def _mend_streams() -> None:
    """Give a program without stdout or stderr one that goes nowhere; let no character fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
