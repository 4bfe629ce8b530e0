"""Opening the user's browser."""

from __future__ import annotations

import subprocess
import sys

OPENER = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
SECONDS = 5.0


def open_browser(url: str) -> bool:
    """Open an address; False if there is no browser.

    By a program of its own, without this one's streams: a browser that it starts would keep them
    open, and `$(oauthreg login ... --token)` would wait until it is closed.
    """
    nothing = subprocess.DEVNULL
    command = [sys.executable, "-I", "-c", OPENER, url]
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter, and an address as one argument
            command,
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            start_new_session=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:  # a browser that is not put into the background
        return True
    return done.returncode == 0
