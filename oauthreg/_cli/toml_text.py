"""Settings written as TOML."""

from __future__ import annotations

import json
from typing import Any

from oauthreg._sources.locate import quoted

LINE = 100


def value(item: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(item, list | tuple):
        return f"[{', '.join(map(value, item))}]"
    if isinstance(item, dict):
        return f"{{ {', '.join(f'{quoted(key)} = {value(one)}' for key, one in item.items())} }}"
    if isinstance(item, bool | int | float):
        return json.dumps(item)
    return json.dumps(str(item), ensure_ascii=False).replace("\x7f", "\\u007f")


def line(key: str, item: Any, comment: str = "") -> str:
    """Return `key = value`, with a comment behind it or above it."""
    text = f"{quoted(key)} = {value(item)}"
    if not comment:
        return text
    beside = f"{text}  # {comment}"
    return beside if len(beside) <= LINE else f"# {comment}\n{text}"


def header(section: str, name: str) -> str:
    """Return the header of a table."""
    return f"[{section}.{quoted(name)}]"
