"""Values that carry a credential: shown masked, copied as themselves, never pickled or dumped.

`Hidden` is for what a caller passes: a local variable that holds it in clear would show it wherever
local variables of a traceback are shown (Sentry, rich, `pytest -l`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn, final

ADVICE = "pass the registration id, and authorize it where it is used"


@final
class _NoDump:
    """Ends `dataclasses.asdict` and `astuple`, which copy every field, this one too."""

    __slots__ = ()

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError(f"this object carries a live credential and is not dumped: {ADVICE}")


_NO_DUMP = _NoDump()


@dataclass(slots=True)
class Hidden:
    """Any value that a caller passed, out of sight of tracebacks that show local variables."""

    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Masked:
    """The base of tokens, requests, answers and authorized clients."""

    _no_dump: _NoDump = field(
        default=_NO_DUMP, init=False, repr=False, compare=False, hash=False, kw_only=True
    )

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __copy__(self) -> Masked:
        return self

    def __deepcopy__(self, memo: object) -> Masked:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is not pickled, it carries a live credential: {ADVICE}"
        )


def without_query(address: str) -> str:
    """Return an address as it is shown: its query may hold a key."""
    head, mark, _ = address.partition("?")
    return f"{head}?..." if mark else head
