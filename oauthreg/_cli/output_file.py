"""A file that a command writes: whole or not at all, and over another only where that is asked."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from oauthreg._errors import ConfigurationError, Problem

OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write this file.")
]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Write over a file that is there already.")
]
OWN_ONLY = 0o600
READABLE = 0o644


def check_free(path: Path, *, replace: bool) -> None:
    """Refuse to write over a file.

    Raises:
        ConfigurationError: it is there, and must not be replaced.
    """
    if not replace and os.path.lexists(path):
        remedy = "Name another file by --output, or say --replace."
        raise ConfigurationError([Problem(str(path), "is there already", remedy=remedy)])


def write_file(path: Path, text: str, *, replace: bool, mode: int = READABLE) -> None:
    """Write a file, whole or not at all.

    Raises:
        ConfigurationError: it is there already, or cannot be written.
    """
    check_free(path, replace=replace)
    temporary: Path | None = None
    try:
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            temporary = Path(file.name)
            file.write(text)
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise ConfigurationError([Problem(str(path), f"cannot be written: {reason}")]) from None
