"""The terminal, or the pipe, that a command writes to."""

from __future__ import annotations

from typing import NoReturn

from rich.console import Console


class Terminal(Console):
    """A console that leaves a closed pipe to the command, which has an exit code for it."""

    def on_broken_pipe(self) -> NoReturn:
        """Raise it again."""
        raise BrokenPipeError
