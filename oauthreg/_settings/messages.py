"""What is wrong with one value, in words: pydantic's errors become ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from oauthreg._quoting import quoted_address, quoted_word
from oauthreg._settings.vocabulary import NotOneOfError
from oauthreg._sources.tree import BASES, STORE_BASES, VERBATIM
from oauthreg._suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

CREDENTIALS = (
    frozenset(BASES)
    | frozenset(STORE_BASES)
    | VERBATIM
    | {
        "assertion-certificate-file",
        "authorization-details",
        "certificate-file",
        "certificate-key-file",
        "dpop-key-file",
    }
)
"""Settings whose values no error quotes."""

_ADDRESSES = ("-uri", "-url", "proxy", "urls", "resource", "domain", "audience")
_DURATION = re.compile(
    r"(?:PT?)?(\d+(?:\.\d+)?)\s*(ms|s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|d|days?)",
    re.IGNORECASE,
)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TEXTS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "mapping_type": "must be a table",
    "path_type": "must be the path of a file",
    "string_too_short": "must not be empty",
    "tuple_type": "must be a list",
}
_EXAMPLES = {
    "urls": 'Write urls = ["https://api.example.com"].',
    "resource": 'Write resource = "https://api.example.com"; a name is written as audience.',
    "audience": 'Write audience = "https://api.example.com"; several are written as resource.',
    "redirect-uri": 'Write redirect-uri = "https://app.example.com/callback".',
    "proxy": 'Write proxy = "http://proxy.example.com:3128".',
}
_RANGES = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_long": "must have at most {max_length} characters",
}


def described(error: ErrorDetails, leaf: str, value: Any) -> tuple[str, str]:
    """Return what is wrong with a setting, and what to do.

    Args:
        error: What pydantic says of it.
        leaf: The setting's name.
        value: What it holds; quoted only if it plainly is no credential.
    """
    context = error.get("ctx") or {}
    value, place = _inner(value, error["loc"][1:])
    cause = context.get("error")
    known: Sequence[str] = ()
    remedy = ""
    match error["type"]:
        case "value_error":
            message = str(cause) if cause is not None else "is not valid"
            known = cause.known if isinstance(cause, NotOneOfError) else ()
            if isinstance(cause, NotOneOfError) and isinstance(value, str):
                remedy = cause.advice(value)
            elif "seconds" in message:
                remedy = _in_seconds(leaf, value)
            elif message.endswith("a list of texts"):
                remedy = f'Write {leaf} = ["a", "b"].'
        case "string_type":
            message = f"must be text{_kind(value)}"
            if isinstance(value, bool | int | float):
                shown = "..." if leaf in CREDENTIALS else quoted_word(value)
                remedy = f'Write "{shown}".' if place else f'Write {leaf} = "{shown}".'
        case "literal_error" | "enum":
            known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
            message = f"must be {_either(known)}"
            remedy = did_you_mean(value, known) if isinstance(value, str) else ""
        case kind if kind in _RANGES:
            message = _RANGES[kind].format(**context)
        case kind:
            message = _TEXTS.get(kind, "is not what this setting takes")
    remedy = remedy or _example(leaf, value, message)
    quoted = _quoted(
        leaf, value, (*known, *(cause.meant if isinstance(cause, NotOneOfError) else ()))
    )
    return f"{place}{message}" + (f"; it is {quoted}" if quoted else ""), remedy


def _example(leaf: str, value: Any, message: str) -> str:
    """Return what to write where only an example can say it, or an empty string."""
    if leaf in CREDENTIALS:
        return ""
    if "must not have" in message:
        hidden = "invisible" in message or message.endswith((" blank in it", " tab in it"))
        return "Take it out; text that is copied often has such characters." if hidden else ""
    if leaf.endswith("-uri") and leaf != "redirect-uri":
        return _address_example(leaf, value, message)
    if "seconds" in message:
        return f"Write {leaf} = 60."
    if message == "must be true or false":
        return f"Write {leaf} = true."
    return _EXAMPLES.get(leaf, "")


def _address_example(leaf: str, value: Any, message: str) -> str:
    shown = quoted_address(value).strip("'") if isinstance(value, str) else ""
    if shown and "://" not in shown:
        return f'Write {leaf} = "https://{shown}".'
    if shown.startswith("http:") and message.startswith("must be https"):
        return f'Write {leaf} = "https{shown.removeprefix("http")}", if the server takes https.'
    return ""


def _inner(value: Any, path: tuple[int | str, ...]) -> tuple[Any, str]:
    """Return the part of a list that an error is about, and its place in words."""
    place = ""
    for step in path:
        if isinstance(value, list | tuple) and isinstance(step, int) and step < len(value):
            value, place = value[step], f"item {step + 1} "
        elif isinstance(value, dict) and step in value:
            value = value[step]
    return value, place


def _quoted(leaf: str, value: Any, known: Sequence[str]) -> str:
    if leaf in CREDENTIALS:
        return ""
    if isinstance(value, str) and leaf.endswith(_ADDRESSES):
        return quoted_address(value)
    return quoted_word(value, known)


def _kind(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", not a list"
    return ", not a table" if isinstance(value, dict) else " in quotes"


def _either(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _in_seconds(leaf: str, value: Any) -> str:
    """Return advice for a duration that is written with its unit."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return ""
    unit = found[2].lower()
    seconds = float(found[1]) * _UNITS["ms" if unit == "ms" else unit[0]]
    return f"Write {leaf} = {seconds:g}."
