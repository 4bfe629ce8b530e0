"""Where a setting stands, in words; the line in a TOML file is looked up only here."""

from __future__ import annotations

import json
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from oauthreg._sources.tree import canonical

if TYPE_CHECKING:
    from oauthreg._sources.tree import Origin

_TOKEN = re.compile(
    r"""
      (?P<text> \"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
    | (?P<skip> \#[^\n]* | [ \t.]+ )
    | (?P<sign> [\n\[\]{}=,] )
    | (?P<word> [^\s\[\]{}=,."'\#]+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def locate(origin: Origin) -> str:
    """Return where a value stands, in words for an error or an explanation."""
    match origin.kind:
        case "file" | "spring-file" | "env-file":
            line = origin.line or _toml_line(origin)
            place = shown(origin.name) + (f" line {line}" if line else "")
            return f"{place}, {origin.key}" if origin.key else place
        case "environment" | "spring-variable":
            return f"environment variable {origin.name}"
        case "secrets-directory":
            return f"secrets file {shown(origin.name)}"
        case "argument":
            return ", ".join(filter(None, (origin.name, origin.key)))
        case _:
            return " ".join(filter(None, (origin.kind, origin.name, origin.key)))


def written(path: str, origin: Origin) -> str:
    """Return a setting's path as its file or dict spells it, without `[oauthreg]` around it.

    Args:
        path: The canonical path, for sources that spell it in no dotted way.
        origin: Where the setting stands.
    """
    if origin.kind not in ("file", "argument") or not origin.key:
        return path
    return origin.key.removeprefix("tool.").removeprefix("oauthreg.")


_OWNER = re.compile(
    r"(?:spring\.security\.oauth2\.client\.)?(\w+)"
    r'(?:\[([^\]]*)\]|\.("(?:\\.|[^"\\])*")|\.([^.\[]+))'
)


def owner(path: str) -> tuple[str, str]:
    """Return the section and canonical id that a problem's path begins with; else empty texts."""
    found = _OWNER.match(path)
    if found is None:
        return "", ""
    section, bracketed, in_quotes, bare = found.groups()
    name = json.loads(in_quotes) if in_quotes else bracketed or bare
    return canonical(section), canonical(name)


def shown(path: str | Path) -> str:
    """Return a path as people write it: from the working directory where it lies below that."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)


@lru_cache(maxsize=1024)
def quoted(name: str) -> str:
    """Return one part of a dotted key as TOML writes it: in quotes where it is no bare key."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _toml_line(origin: Origin) -> int:
    path = Path(origin.name)
    try:
        changed = path.stat().st_mtime_ns
        lines = _toml_lines(path, changed) if path.is_file() else {}
        below = f"{origin.key}."  # a table may have no header, only dotted keys
        return lines.get(origin.key) or next(
            (line for key, line in lines.items() if key.startswith(below)), 0
        )
    except (OSError, ValueError):  # the file is gone or is another one by now: no line, no harm
        return 0


@lru_cache(maxsize=1)
def _toml_lines(path: Path, _changed: int) -> dict[str, int]:  # noqa: C901 - one automaton
    """Return the line of every key of a valid TOML text, by its dotted key, tables included."""
    lines: dict[str, int] = {}
    line = 1
    table = path_to_value = ""
    inside: list[
        str | None
    ] = []  # open brackets of a value: an inline table's key, an array's None
    key: list[str] | None = []  # the parts of the key being read; None within a value
    header = False

    for token in _TOKEN.finditer(path.read_text("utf-8-sig")):
        text = token[0]
        match text:
            case "\n" if not inside:
                key = []
            case "[" if key is None:
                inside.append(None)
            case "[":
                header = True
            case "]" if header:
                header, table, key = False, ".".join(key or ()), None
                lines.setdefault(table, line)
            case "{":
                inside.append(path_to_value)
                key = []
            case "]" | "}" if inside:
                inside.pop()
                key = None
            case "," if inside and inside[-1] is not None:
                key = []
            case "=" if key:
                around = (inside[-1] if inside else table) or ""
                path_to_value = ".".join([around, *key] if around else key)
                lines.setdefault(path_to_value, line)
                key = None
            case _ if key is not None and token.lastgroup == "text":
                key.append(quoted(tomllib.loads(f"key = {text}")["key"]))
            case _ if key is not None and token.lastgroup == "word":
                key.append(quoted(text))
        line += text.count("\n")
    return lines
