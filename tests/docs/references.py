"""References that are written from the code: `WRITE_REFERENCES=1 pytest tests/docs` does it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `([a-z-]+)` \|(?:[^|]*\|){2} (.*) \|$", re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def same(path, wanted):
    """Whether a file holds this text; it is written first where that is asked for."""
    if os.environ.get("WRITE_REFERENCES"):
        path.write_text(wanted, "utf-8")
    return path.exists() and path.read_text("utf-8") == wanted


def meanings():
    """Return what docs/settings.md says of every key, by section, as JSON text."""
    found = {}
    for part in (ROOT / "docs/settings.md").read_text("utf-8").split("\n## ")[1:]:
        section = re.split(r"\W", part.lstrip("`").lower(), maxsplit=1)[0]
        rows = {key: LINK.sub(r"\1", meaning) for key, meaning in ROW.findall(part)}
        if rows:
            found[section] = rows
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"
