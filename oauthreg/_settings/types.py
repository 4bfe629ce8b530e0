"""The types of settings: what each takes, checked and in the form that is used."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from math import inf, isnan, nan
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

from oauthreg._addresses import PORTS, parse_proxy, parse_redirect, parse_secure, refuse_unfit
from oauthreg._api_headers import HEADER_NAME, HEADER_VALUE
from oauthreg._invisible import invisible_inside, stripped
from oauthreg._protocol.requests import OWN_AUTHORIZATION_FIELDS, OWN_FIELDS
from oauthreg._settings.vocabulary import NotOneOfError
from oauthreg._urls import parse_pattern

OWN_HEADERS = frozenset(
    {"authorization", "content-length", "content-type", "dpop", "host", "transfer-encoding"}
)
SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def _address(text: str) -> str:
    parse_secure(text)
    return text


def _link_local_address(text: str) -> str:
    parse_secure(text, link_local=True)
    return text


def checked_resource(text: str) -> str:
    """Return a resource indicator (RFC 8707 section 2).

    Raises:
        ValueError: it is none.
    """
    refuse_unfit(text)
    if not urlsplit(text).scheme or "#" in text:
        raise ValueError("must be absolute addresses without a fragment (RFC 8707)")
    return text


def _proxy(text: str) -> str:
    parse_proxy(text)
    return text


def _redirect(text: str) -> str:
    if "{" in text:  # a template of Spring's
        return text
    refuse_unfit(text)
    scheme = urlsplit(text).scheme
    if not scheme:
        raise ValueError("must be an absolute address")
    if scheme in PORTS:
        parse_redirect(text)
    return text


def _url_pattern(text: str) -> str:
    parse_pattern(text)
    return text


def words(value: Any) -> Any:
    """Split text at blanks and line ends, at commas only where there is neither.

    A comma at the end of a word goes, so that `read, write` is two scopes. Lists stay as they are.

    Raises:
        ValueError: it is neither text nor a list.
    """
    if isinstance(value, str):
        parts = value.split()
        parts = parts if len(parts) > 1 else value.split(",")
        return [word for part in parts if (word := stripped(part).strip(","))]
    return _list(value)


def one_or_many(value: Any) -> Any:
    """Return a list of one text, else the list.

    Raises:
        ValueError: it is neither text nor a list.
    """
    return [value] if isinstance(value, str) else _list(value)


def _list(value: Any) -> Any:
    if isinstance(value, Iterable) and not isinstance(value, Mapping | bytes):
        return list(value)
    raise ValueError("must be text or a list of texts")


def checked_scope(text: str) -> str:
    """Return a scope (RFC 6749 section 3.3).

    Raises:
        ValueError: it is none.
    """
    scope = stripped(text)
    found = invisible_inside(scope, allowed=" ")
    if found is not None:
        raise ValueError(f"must not have {found} in it")
    if not SCOPE_TOKEN.fullmatch(scope):
        raise ValueError('must not contain spaces inside a scope, nor " or \\ (RFC 6749 3.3)')
    return scope


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _table(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _text(item) for key, item in value.items()}
    return value


def free_parameters(parameters: dict[str, str]) -> dict[str, str]:
    """Return parameters that no setting of their own fills.

    Raises:
        ValueError: one of them does.
    """
    return _without(OWN_FIELDS, parameters)


def _authorization_parameters(parameters: dict[str, str]) -> dict[str, str]:
    return _without(OWN_AUTHORIZATION_FIELDS, parameters)


def _without(own: frozenset[str], parameters: dict[str, str]) -> dict[str, str]:
    taken = sorted(own & parameters.keys())
    if taken:
        raise ValueError(f"must not hold {', '.join(taken)}: oauthreg or another setting sets it")
    return parameters


def _headers(headers: dict[str, str]) -> dict[str, str]:
    taken = sorted(name for name in headers if name.lower() in OWN_HEADERS)
    if taken:
        raise ValueError(f"must not hold {', '.join(taken)}: the request has its own")
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
            raise ValueError(f"must be header fields (RFC 9110 section 5), which {name!r} is not")
    return headers


def _visible(text: str) -> str:
    found = invisible_inside(text, allowed=" \xa0\u202f\u3000")
    if found is not None:
        raise ValueError(f"must not have {found} in it")
    return text


def _client_id(text: str) -> str:
    """Check a client id: blanks may stand inside (RFC 6749, appendix A.1)."""
    found = invisible_inside(text, allowed=" ")
    if found is not None:
        raise ValueError(f"must not have {found} in it")
    return text


def _without_blanks(text: str) -> str:
    found = invisible_inside(text)
    if found is not None:
        raise ValueError(f"must not have {found} in it")
    return text


def _seconds(*, most: float, called: str, zero: bool = False) -> BeforeValidator:
    bounds = f"{'from 0 to' if zero else 'more than 0 and at most'} {most:.0f} seconds ({called})"

    def check(value: Any) -> float:
        try:
            is_number = isinstance(value, str | int | float) and not isinstance(value, bool)
            number = float(value) if is_number else nan
        except OverflowError:
            number = inf
        except ValueError:
            number = nan
        if isnan(number):
            raise ValueError("must be a number of seconds")
        if not (number > 0 or (zero and number == 0)) or number > most:
            raise ValueError(f"must be {bounds}")
        return number

    return BeforeValidator(check)


def _count(most: int) -> BeforeValidator:
    def check(value: Any) -> int:
        text = str(value)
        if (
            isinstance(value, bool)
            or not re.fullmatch(r"\d{1,9}", text)
            or not 1 <= int(text) <= most
        ):
            raise ValueError(f"must be a whole number from 1 to {most}")
        return int(text)

    return BeforeValidator(check)


def _dpop(value: Any) -> Any:
    known = ("true", "false", "optional")
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    if word not in known:
        raise NotOneOfError(known)
    return word if word == "optional" else word == "true"


def _there(path: Path) -> Path:
    if not os.path.isfile(path):  # noqa: PTH113 - Path's raises where a name is too long
        raise ValueError("must be a file of PEM certificates")
    return path


def any_spelling(
    names: Iterable[str], *, also: Iterable[str] = (), exact: bool = False
) -> WithJsonSchema:
    """Return the schema of a word of a list: as it is listed, or as settings may also spell it.

    Args:
        names: The list.
        also: Further words, which an editor need not propose.
        exact: Whether only blanks around it are forgiven, and not case, `-` and `_`.
    """
    listed = [*names]
    words = dict.fromkeys((*listed, *also))
    spelled = [re.escape(name) if exact else spellings(name) for name in words]
    pattern = rf"^\s*(?:{'|'.join(spelled)})\s*$"
    return WithJsonSchema({"anyOf": [{"enum": listed}, {"type": "string", "pattern": pattern}]})


def spellings(name: str) -> str:
    """Return a pattern of a word in any case, with `-` or `_`: JSON Schema has no flags for it."""
    return "".join(
        "[-_]" if char in "-_" else f"[{char.lower()}{char.upper()}]" if char.isalpha() else char
        for char in name
    )


TEXT = {"type": "string"}
TEXTS = WithJsonSchema({"anyOf": [TEXT, {"type": "array", "items": TEXT}]})
NUMBER_AS_TEXT = {"type": "string", "pattern": r"^[\s\d.eE+_-]+$"}


def _number_schema(**bounds: Any) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "number", **bounds}, NUMBER_AS_TEXT]})


DAY = 86_400
CENTURY = 100 * 365.25 * DAY
Text = Annotated[str, StringConstraints(min_length=1), AfterValidator(_visible)]
ClientId = Annotated[str, StringConstraints(min_length=1), AfterValidator(_client_id)]
Word = Annotated[str, StringConstraints(min_length=1), AfterValidator(_without_blanks)]
Address = Annotated[str, AfterValidator(_address)]
LinkLocalAddress = Annotated[str, AfterValidator(_link_local_address)]
TextTable = Annotated[
    dict[str, str],
    BeforeValidator(_table),
    WithJsonSchema(
        {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
    ),
]
Parameters = Annotated[TextTable, AfterValidator(free_parameters)]
AuthorizationParameters = Annotated[TextTable, AfterValidator(_authorization_parameters)]
Headers = Annotated[TextTable, AfterValidator(_headers)]
Scopes = Annotated[
    tuple[Annotated[str, AfterValidator(checked_scope)], ...], BeforeValidator(words), TEXTS
]
Resources = Annotated[
    tuple[Annotated[str, AfterValidator(checked_resource)], ...],
    BeforeValidator(one_or_many),
    TEXTS,
]
Urls = Annotated[
    tuple[Annotated[str, AfterValidator(_url_pattern)], ...], BeforeValidator(one_or_many), TEXTS
]
CaBundle = Annotated[Path, AfterValidator(_there)]
Timeout = Annotated[
    float, _seconds(most=DAY, called="a day"), _number_schema(exclusiveMinimum=0, maximum=DAY)
]
Lifetime = Annotated[
    float,
    _seconds(most=CENTURY, called="100 years"),
    _number_schema(exclusiveMinimum=0, maximum=CENTURY),
]
Window = Annotated[
    float,
    _seconds(most=CENTURY, called="100 years", zero=True),
    _number_schema(minimum=0, maximum=CENTURY),
]
RedirectUri = Annotated[Text, AfterValidator(_redirect)]
Proxy = Annotated[str, AfterValidator(_proxy)]
Dpop = Annotated[
    bool | Literal["optional"],
    BeforeValidator(_dpop),
    WithJsonSchema(
        {"anyOf": [{"type": "boolean"}, any_spelling(("optional", "true", "false")).json_schema]}
    ),
]
Connections = Annotated[
    int,
    _count(10_000),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 10_000}, NUMBER_AS_TEXT]}
    ),
]
