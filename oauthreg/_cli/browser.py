"""Opening the user's browser."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

OPENER = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.stdin.readline().strip()))"
SECONDS = 5.0
SETTINGS = ("OAUTHREG_", "SPRING_")
"""How variables begin that settings are read from, client secrets among them."""


def open_browser(url: str, hidden: Iterable[str] = ()) -> bool:
    """Open an address; False if there is no browser.

    By a program of its own, without this one's output: a browser that it starts would keep that
    open, and `$(oauthreg login ... --token)` would wait until it is closed. And without settings
    in its environment, which every program that a browser starts can read.

    Args:
        url: The address.
        hidden: Further variables of the environment that the browser is not given.
    """
    dropped = frozenset(hidden)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.upper().startswith(SETTINGS)
    }
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter, and no argument from outside
            [sys.executable, "-I", "-c", OPENER],
            input=f"{url}\n".encode(),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:  # a browser that is not put into the background
        return True
    return done.returncode == 0
