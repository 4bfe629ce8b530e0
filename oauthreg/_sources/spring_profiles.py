"""Spring's profiles: which are active, and whether an expression such as `prod & !eu` holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_TOKEN = re.compile(r"[()&|!]|[^()&|!]+")
_EDGE = re.compile(r"[^\W_](.*[^\W_])?", re.DOTALL)
_ALLOWED = re.compile(r"(?:[^\W_]|[-_.+@])+")


class ProfileError(ValueError):
    """A profile's name or an expression that Spring Boot refuses; the text says why."""


def checked(names: Iterable[str]) -> list[str]:
    """Return profiles' names.

    Raises:
        ProfileError: One is empty, or holds characters that Spring Boot refuses.
    """
    found = list(names)
    for name in found:
        if not name.strip():
            raise ProfileError("names an empty profile")
        if not _ALLOWED.fullmatch(name) or not _EDGE.fullmatch(name):
            message = "Spring Boot takes letters, digits and, within, -_.+@"
            raise ProfileError(f"names the profile {name!r}: {message}")
    return found


def with_groups(names: Iterable[str], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """Return profiles in order, each followed by the members of its group."""
    waiting = [*names][::-1]
    found: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting.extend(reversed(groups.get(name, ())))
    return list(found)


def matches(expressions: Sequence[str], accepted: Callable[[str], bool]) -> bool:
    """Return whether one of the expressions holds.

    Raises:
        ProfileError: One is no expression that Spring knows.
    """
    judged = [_holds(expression, accepted) for expression in expressions]
    return any(judged)


def _holds(expression: str, accepted: Callable[[str], bool]) -> bool:
    tokens = iter([token.strip() for token in _TOKEN.findall(expression)])
    error = ProfileError(f"is no expression of profiles: {expression!r}")
    return _parsed(tokens, accepted, error, "")


def _parsed(
    tokens: Iterator[str], accepted: Callable[[str], bool], error: ProfileError, within: str
) -> bool:
    """Judge tokens up to the end, or within `(` to its end, or within `!` one term; as Spring."""
    values: list[bool] = []
    operator = ""
    for token in tokens:
        match token:
            case "":
                continue
            case "(" | "!":
                value = _parsed(tokens, accepted, error, token)
                if token == "(" and within == "!":
                    return value
                values.append(value if token == "(" else not value)
            case "&" | "|":
                if operator not in ("", token):
                    raise error
                operator = token
            case ")":
                merged = _merged(values, operator, error)
                if within == "(":
                    return merged
                values, operator = [merged], ""
            case _:
                value = accepted(token)
                if within == "!":
                    return value
                values.append(value)
    return _merged(values, operator, error)


def _merged(values: Sequence[bool], operator: str, error: ProfileError) -> bool:
    if not values:
        raise error
    return all(values) if operator == "&" else any(values)
