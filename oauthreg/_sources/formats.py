"""Files of formats that settings are not read from: refused in words, never read as empty."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from oauthreg._errors import Problem
from oauthreg._sources.canonicalise import UnusableError, text_of
from oauthreg._sources.locate import shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from oauthreg._sources.canonicalise import Source

FORMATS = "Settings are read from TOML, and from Spring's .yml, .yaml and .properties files."
_BY_SUFFIX = {".json": "JSON", ".ini": "an INI file", ".cfg": "an INI file", ".xml": "XML"}
_CONTENT = re.compile(r"^\s*[^\s#!-]", re.MULTILINE)


def refuse_suffix(path: Path) -> None:
    """Refuse a file whose name says that it is of a format that is not read.

    Raises:
        UnusableError: It is such a file.
    """
    if path.suffix.lower() == ".env" or path.name == ".env":
        remedy = "Name it by env_file=, by --env-file, or in OAUTHREG_ENV_FILE."
        message = "is a .env file, and no settings file"
        raise UnusableError(Problem(shown(path), message, remedy=remedy))
    kind = _BY_SUFFIX.get(path.suffix.lower())
    if kind is not None and path.exists():
        message = f"is {kind}, which settings are not read from"
        raise UnusableError(Problem(shown(path), message, remedy=FORMATS))


def refuse_foreign(files: Iterable[Path], source: Source) -> None:
    """Refuse files that have a Spring file's suffix, content, and nothing of Spring.

    Args:
        files: The files.
        source: What was read of them and of the files beside them.

    Raises:
        UnusableError: The first such file, if nothing was read at all.
    """
    if source.tree or source.problems:
        return
    for path in files:
        text = text_of(path)
        if "spring" not in text.lower() and _CONTENT.search(text):
            message = "has no settings: nothing in it is below spring.security.oauth2.client"
            raise UnusableError(Problem(shown(path), message, remedy=FORMATS))
