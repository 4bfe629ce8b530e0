"""Secret and key files that every user of the machine may read: a warning each, once."""

from __future__ import annotations

import logging
import os
import stat
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

logger = logging.getLogger("oauthreg")


def warn_of_readable(whose: str, table: str, files: Iterable[Path]) -> None:
    """Log a WARNING for each file that everybody may read.

    Args:
        whose: What the line begins with.
        table: The table in which `allow-readable` accepts them.
        files: The files.
    """
    for file in files:
        _look_once(whose, table, file)


@lru_cache(maxsize=4096)
def _look_once(whose: str, table: str, file: Path) -> None:
    try:
        mode = file.stat().st_mode
    except OSError:
        return
    if os.name == "posix" and mode & stat.S_IROTH:
        logger.warning(
            "%s: every user of this machine can read %s; take that away (chmod o-r), or set "
            "%s.allow-readable = true",
            whose,
            file,
            table,
        )
