"""Where a vendor's answer has the fields of RFC 6749, and how it writes its times.

`answer` of a provider names, for a standard name, the places of the vendor's JSON: names with dots
between them, a number for an item of a list, or `header:<name>` for a header field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oauthreg._flow import TokenResponse

ANSWER_NAMES = frozenset(
    {
        "access_token",
        "token_type",
        "expires_in",
        "expires_in_ms",
        "expires_at",
        "refresh_in",
        "refresh_token",
        "scope",
        "error",
        "error_description",
        "error_uri",
        "correlation_id",
        "api_uri",
    }
)
"""What `answer` may say the place of."""

Answer = Mapping[str, Sequence[str]]
_HEADER = "header:"
_MISSING = object()


def standard_fields(
    response: TokenResponse, fields: Mapping[str, Any], answer: Answer, *, now: float
) -> dict[str, Any]:
    """Return the fields of an answer under the names of RFC 6749.

    What `answer` says the place of is taken from there alone, and is not repeated in the fields
    that it came from. A lifetime in milliseconds or as a point in time becomes `expires_in`.

    Args:
        response: The answer.
        fields: Its JSON object.
        answer: The places by standard name.
        now: Seconds since the epoch.
    """
    found = {name: _first(response, fields, paths) for name, paths in answer.items()}
    kept: dict[str, Any] = dict(fields)
    for name, paths in answer.items():
        kept.pop(name, None)
        for path in paths:
            kept = _without(kept, path.split("."))
    standard = {**kept, **{name: one for name, one in found.items() if one is not _MISSING}}
    milliseconds = standard.pop("expires_in_ms", None) if "expires_in_ms" in answer else None
    at = standard.pop("expires_at", None) if "expires_at" in answer else None
    if (seconds := _number(milliseconds)) is not None:
        standard["expires_in"] = seconds / 1000
    elif at is not None:
        standard["expires_in"] = seconds_until(at, now)
    return standard


def seconds_until(value: object, now: float) -> float | None:
    """Return the seconds until a point in time; None if the value is none.

    Args:
        value: An ISO 8601 text (UTC if it names no zone), or seconds since the epoch, of a number
            or its text.
        now: Seconds since the epoch.
    """
    number = _number(value)
    if number is not None:
        return number - now
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _first(response: TokenResponse, fields: Mapping[str, Any], paths: Sequence[str]) -> Any:
    for path in paths:
        if path.startswith(_HEADER):
            value: Any = response.headers.get(path.removeprefix(_HEADER).lower(), _MISSING)
        else:
            value = at_path(fields, path, _MISSING)
        if value is not _MISSING and value is not None:
            return value
    return _MISSING


def at_path(value: Any, path: str, default: Any = None) -> Any:
    """Return what a JSON value has at a path, else the default."""
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return default
    return value


def _without(fields: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """Return the fields without what is at a path."""
    name, *rest = path
    kept = dict(fields)
    inner = kept.get(name)
    if not rest:
        kept.pop(name, None)
    elif isinstance(inner, Mapping):
        kept[name] = _without(inner, rest)
    return kept
