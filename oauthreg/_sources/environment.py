"""Settings one by one under a long name: the environment, a .env file, a secrets directory."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import TYPE_CHECKING, Any

from oauthreg._errors import Problem
from oauthreg._files import SECRET_SIZE, read_file
from oauthreg._invisible import stripped
from oauthreg._sources.canonicalise import Source, UnusableError, text_of
from oauthreg._sources.locate import quoted, shown
from oauthreg._sources.tree import (
    SECTIONS,
    STRUCTURED,
    TABLES,
    TOP_LEVEL,
    VERBATIM,
    Origin,
    alternatives,
    canonical,
)
from oauthreg._suggestions import close_to

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIX = "OAUTHREG_"
NOT_A_SETTING = "is not the name of a setting"
CONTROLS = ("SETTINGS", "PROFILE", "ENV_FILE", "SECRETS_DIR", "FIXED_TOKENS")
"""Where settings are looked for, and tokens for tests: read from the environment only."""
FIXED_TOKENS = f"{PREFIX}FIXED_TOKENS"

_SERVICE_LINK = re.compile(
    rf"{PREFIX}(\w+_)?"
    r"(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?)?)"
)
"""What Kubernetes sets in every pod for a Service named `oauthreg` or `oauthreg-...`."""

_FORMS = {
    **{word: word for word in CONTROLS},
    **{word.upper(): f"{word.upper()}__<ID>__<SETTING>" for word in SECTIONS},
    **{word.upper(): f"{word.upper()}__<SETTING>" for word in TABLES},
    **{word.upper(): word.upper() for word in TOP_LEVEL},
}


def read_environment(environ: Mapping[str, str], directory: Path) -> Source:
    """Return the settings of the variables named `OAUTHREG_...`; an empty one counts as unset."""
    source = Source()
    for name, text in environ.items():
        if name.upper().startswith(PREFIX) and not _is_text(name, text):
            where = name.encode("ascii", "backslashreplace").decode()
            source.problem(where, "is not UTF-8 text", Origin("environment", where))
            continue
        is_setting = name.upper().startswith(PREFIX) and name not in _CONTROL_NAMES
        if is_setting and stripped(text) and not _is_service_link(name, text):
            _put(source, name, text, Origin("environment", name, base=directory))
    return source


def _is_text(*texts: str) -> bool:
    """Whether no byte of them was outside of the environment's encoding (PEP 383)."""
    return not any("\udc80" <= char <= "\udcff" for text in texts for char in text)


def _is_service_link(name: str, text: str) -> bool:
    if "__" in name or not _SERVICE_LINK.fullmatch(name):
        return False
    return not name.endswith("_PORT") or "://" in text or text.isdecimal()


def read_env_file(path: Path) -> Source:
    """Return the settings of a .env file's variables `OAUTHREG_...`; nothing is interpolated."""
    from dotenv.parser import parse_stream  # noqa: PLC0415 - most programs have no .env file

    source = Source()
    found: dict[str, tuple[str, Origin]] = {}
    for binding in parse_stream(StringIO(text_of(path))):
        written = binding.original.string
        blank = written[: len(written) - len(written.lstrip())]
        line = binding.original.line + blank.count("\n")
        origin = Origin("env-file", str(path), binding.key or "", path.parent, line)
        if binding.error and PREFIX in written.upper():
            source.problem(shown(path), "has a line that is not NAME=value", origin)
        elif binding.key and binding.key.upper().startswith(PREFIX):
            found[binding.key] = binding.value or "", origin
    for name, (text, origin) in found.items():
        if name in _CONTROL_NAMES:
            source.problem(name, "is read from the environment only", origin)
        elif stripped(text):
            _put(source, name, text, origin)
    return source


def read_secrets_directory(path: Path) -> Source:
    """Return the settings of a directory's files that are named like variables, without prefix.

    A file that holds a credential is taken as its file, so that it is read again when it changes.
    """
    source = Source()
    try:
        files = sorted(file for file in path.iterdir() if not file.is_dir())
    except FileNotFoundError:
        raise
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise UnusableError(Problem(shown(path), message)) from None
    for file in files:
        origin = Origin("secrets-directory", str(file), base=path)
        section, *parts = file.name.split("__")
        if file.name.upper().startswith(PREFIX):
            remedy = f"Call it {file.name[len(PREFIX) :]}."
            source.problem(file.name, f"must not begin with {PREFIX}", origin, remedy)
        elif parts and canonical(section) in (*SECTIONS, *TABLES):
            _put_file(source, file, origin)
    return source


def _put_file(source: Source, file: Path, origin: Origin) -> None:
    name = PREFIX + file.name
    section, _, leaf, entry = _address(file.name) or ("", None, "", "")
    try:
        if not entry and canonical(leaf) in alternatives(section):
            if stripped(read_file(file, SECRET_SIZE).decode("utf-8", "replace")):
                _put(source, f"{name}_FILE", str(file), origin)
        elif text := stripped(text_of(file)):
            _put(source, name, text, origin)
    except UnusableError as error:
        source.problems.append(error.problem)
    except OSError as error:
        source.problem(shown(file), f"cannot be read: {error.strerror}", origin)


_CONTROL_NAMES = {PREFIX + word for word in CONTROLS}


def _put(source: Source, name: str, text: str, origin: Origin) -> None:
    if canonical(name[len(PREFIX) :]) in TOP_LEVEL:
        source.put(source.tree, "", name[len(PREFIX) :], text, origin)
        return
    address = _address(name[len(PREFIX) :])
    if address is None:
        source.problem(name, NOT_A_SETTING, origin, _meant(name[len(PREFIX) :]))
        return
    section, id_, leaf, entry = address
    path = section if id_ is None else f"{section}.{quoted(canonical(id_))}"
    try:
        value = {entry: text} if entry else _value(canonical(leaf), text)
    except (ValueError, RecursionError):
        remedy = """Write a list as '["a", "b"]', a table as '{"name": "value"}'."""
        source.problem(
            f"{path}.{canonical(leaf)}", "begins like JSON, but is not valid", origin, remedy
        )
    else:
        source.put(source.table(section, id_, origin), path, leaf, value, origin)


def _address(name: str) -> tuple[str, str | None, str, str] | None:
    """Take `REGISTRATION__MY_CLIENT__CLIENT_ID` apart; None if it is no setting's name.

    A name is the same in any case, but the keys of `parameters` and `headers` are not.
    """
    section, *parts = name.split("__")
    section = canonical(section)
    depth = 2 if section in SECTIONS else 1
    words, entry = [part.lower() for part in parts[:depth]], parts[depth:]
    complete = len(words) == depth and all(words) and all(entry)
    if section not in (*SECTIONS, *TABLES) or not complete:
        return None
    if entry and canonical(words[-1]) not in VERBATIM:
        return None
    id_ = words[0] if section in SECTIONS else None
    return section, id_, words[-1], "__".join(entry)


def _value(leaf: str, text: str) -> Any:
    is_json = leaf in STRUCTURED and text.lstrip().startswith(("[", "{"))
    return json.loads(text) if is_json else text


def _meant(name: str) -> str:
    word = name.partition("__")[0].upper()
    begun = next((known for known in _FORMS if word.startswith(known)), None)
    near = begun or close_to(word, _FORMS)
    if near:
        return f"Did you mean {PREFIX}{_FORMS[near]}?"
    return f"Known: {', '.join(PREFIX + form for form in _FORMS.values())}."
