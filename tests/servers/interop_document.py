"""docs/interoperability.md: one section for every server, written by the runs of interop.py."""

import re
from pathlib import Path

from interop import EXTRAS, GRANTS, METHODS, WORKS

PATH = Path(__file__).resolve().parents[2] / "docs" / "interoperability.md"
INTRODUCTION = """\
# Interoperability

Every cell of these tables is a run of this library against a running server, through its public
API, from settings alone: `AuthorizedClientManager.from_settings({...})`. Logins are made by a
browser that fills in the server's own forms. *works* means that a token came and was right;
*no* means that the server does not offer it, and the note says how the server says so.

The file is written by `make interop`, and `make test-servers` fails when it does not say what
runs. The servers and their clients are in `tests/servers`.
"""


def section(title, cells, extras):
    """The section of one server."""
    notes = {}
    rows = [["", *GRANTS], ["---"] * (len(GRANTS) + 1)]
    for method in METHODS:
        word, comma, key = method.partition(",")
        words = [_cell(cells[method, grant], notes) for grant in GRANTS]
        rows.append([f"`{word}`{comma}{key}", *words])
    more = [["", ""], ["---", "---"]]
    more += [[extra, _cell(extras[extra], notes)] for extra in EXTRAS]
    parts = [f"## {title}", _table(rows), _table(more)]
    if notes:
        parts.append("\n".join(f"{number}. {why}" for why, number in notes.items()))
    return "\n\n".join(parts) + "\n"


def _cell(outcome, notes):
    if outcome == WORKS:
        return WORKS
    why = outcome.partition(": ")[2]
    return f"no ({notes.setdefault(why[0].upper() + why[1:], len(notes) + 1)})"


def _table(rows):
    lines = ["|".join(f" {cell} " if cell else " " for cell in row) for row in rows]
    return "\n".join(f"|{line}|" for line in lines)


def sections():
    """The committed sections by title, in their order."""
    text = PATH.read_text() if PATH.exists() else ""
    found = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {one.partition("\n")[0].removeprefix("## "): one.rstrip("\n") + "\n" for one in found}


def write(title, text, order):
    """Put one section in the place of the one about the same server, whatever its version."""
    name = title.rstrip("0123456789. ")
    kept = {one.rstrip("0123456789. "): part for one, part in sections().items()}
    kept[name] = text
    wanted = [kept[one] for one in order if one in kept]
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text("\n".join([INTRODUCTION, *wanted]))
