"""What a misspelt name may have meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def close_to(word: str, known: Iterable[str], least: float = 0.6) -> str | None:
    """Return the known name that a misspelt one is nearest to, or None.

    Case, `-` and `_` make no difference. `least` is how alike they must be, up to 1.
    """
    by_spelling = {_spelling(name): name for name in known}
    near = difflib.get_close_matches(_spelling(word), by_spelling, 1, least)
    return by_spelling[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return advice for a misspelt name, or an empty string."""
    near = close_to(word, known)
    return f"Did you mean {near!r}?" if near is not None else ""


def _spelling(name: str) -> str:
    return name.lower().replace("_", "-")
