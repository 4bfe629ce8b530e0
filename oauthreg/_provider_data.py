"""What a provider plugin says as data: one model for classes, presets and settings.

A plugin's class attributes are checked by it when the class is made; a preset is a table of these
keys; and a provider without a plugin takes those of `GenericSettings` in its own settings.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import fields
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from oauthreg._addresses import ascii_host, parse_secure
from oauthreg._api_headers import OF_THE_CLIENT, check_template, checked_headers
from oauthreg._protocol.answers import ANSWER_NAMES
from oauthreg._protocol.authentication import METHODS
from oauthreg._protocol.context import Explanation
from oauthreg._registration import TOKEN_HEADERS

_EXPLAINED = {field.name: field for field in fields(Explanation)}
_NAME = re.compile(r"[\x21-\x7e]+")
_ADDRESS_NAME = re.compile(r"[a-z][a-z0-9-]*-uri")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ProviderSettings(BaseModel):
    """The settings that a plugin declares: `provider.<name>.<field>`, in kebab case."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )


class RegistrationOptions(ProviderSettings):
    """The settings that a plugin declares for its registrations: `registration.<id>.<field>`."""


def _one_of(name: str, known: Mapping[str, object] | frozenset[str], what: str) -> str:
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1)
    advice = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(known))}"
    raise ValueError(f"must not have {what} {name!r}: {advice}")


def _method(name: str) -> str:
    return _one_of(name, METHODS, "the method")


def _word(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("must be a word of printable ASCII characters, without blanks")
    return text


def _paths(value: object) -> object:
    paths = (value,) if isinstance(value, str) else value
    if not isinstance(paths, list | tuple) or not all(isinstance(one, str) for one in paths):
        raise ValueError("must be a path such as 'data.token', or a list of paths")
    return paths


def _path(text: str) -> str:
    if not all(part.strip() == part and part for part in text.split(".")):
        raise ValueError(f"must be names with dots between them, not {text!r}")
    return text


def _answer(answer: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    for name in answer:
        _one_of(name, ANSWER_NAMES, "the name")
    return answer


def _hint(value: object) -> object:
    if isinstance(value, str):
        return Explanation(hint=value)
    if isinstance(value, Mapping):
        given = {str(name).replace("-", "_"): item for name, item in value.items()}
        for name in given:
            _one_of(name, _EXPLAINED, "the key")
        if "hint" in given:
            return given
    elif isinstance(value, Explanation):
        return value
    raise ValueError(f"must be what to do, as text or as a table with {', '.join(_EXPLAINED)}")


def _hints(hints: Mapping[str, Explanation]) -> Mapping[str, Explanation]:
    for key, explanation in hints.items():
        code, colon, words = key.partition(": ")
        if key != key.strip() or not code or (colon and not words):
            raise ValueError(
                f"must have as keys a code, a status, 'code: words' or '*: words', not {key!r}"
            )
        if code == "*" and not colon:
            raise ValueError("must say after '*: ' in which words: a hint for every error is none")
        if not explanation.hint.strip():
            raise ValueError(f"must say at {key!r} what to do")
    return hints


def _seconds(value: float) -> float:
    if not isfinite(value) or value < 0:
        raise ValueError("must be a number of seconds, 0 or more")
    return value


def _address_names(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not _ADDRESS_NAME.fullmatch(name):
            raise ValueError(f"must be names such as 'impersonation-uri', not {name!r}")
    return names


def _variables(table: Mapping[str, str]) -> Mapping[str, str]:
    for name in table.values():
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"must name environment variables, not {name!r}")
    return table


def _own_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    try:
        for template in headers.values():
            check_template(template, ProviderSettings)
    except TypeError:
        listed = ", ".join(f"{{{name}}}" for name in OF_THE_CLIENT)
        raise ValueError(f"must be printable ASCII, with no placeholders but {listed}") from None
    return headers


def _secure(text: str) -> str:
    parse_secure(text)
    return text


def _host(text: str) -> str:
    name = ascii_host(text.removeprefix("*.")).lower()
    if not _HOST.fullmatch(name):
        raise ValueError(f"must be host names, as in *.example.com, not {text!r}")
    return f"*.{name}" if text.startswith("*.") else name


def _documentation(text: str) -> str:
    parse_secure(text)
    return text


Text = Annotated[str, StringConstraints(min_length=1)]
Word = Annotated[str, AfterValidator(_word)]
Seconds = Annotated[float, AfterValidator(_seconds)]
Path = Annotated[str, AfterValidator(_path)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_paths), Field(min_length=1)]
Answer = Annotated[Mapping[str, Paths], AfterValidator(_answer)]
ApiHeaders = Annotated[Mapping[str, str], AfterValidator(checked_headers)]
Hints = Annotated[
    Mapping[str, Annotated[Explanation, BeforeValidator(_hint)]], AfterValidator(_hints)
]


class GenericSettings(ProviderSettings):
    """The data that a provider without a plugin takes in its own settings.

    Attributes:
        grant_type: The vendor's own word for client_credentials on the wire.
        scope_separator: What stands between two scopes, in requests and answers.
        answer: Where the vendor's JSON has what RFC 6749 calls `access_token`, `error` and so on:
            dotted paths, of which the first that is there counts.
        token_types: The scheme of the Authorization header by the vendor's `token_type`.
        error_hints: What an operator should do, by code, status, `code: words` or `*: words`.
        api_headers: The header fields of requests to APIs, the one with the token first.
        api_uri: The address of the API.
        api_hosts: Where the API's address of an answer may be; `*.` stands for any labels.
    """

    grant_type: Word | None = None
    scope_separator: Text = " "
    answer: Answer = Field(default_factory=dict)
    token_types: Mapping[Text, Word] = Field(default_factory=dict)
    error_hints: Hints = Field(default_factory=dict)
    api_headers: Annotated[ApiHeaders, AfterValidator(_own_headers)] = Field(
        default_factory=lambda: TOKEN_HEADERS
    )
    api_uri: Annotated[str, AfterValidator(_secure)] | None = None
    api_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field((), validate_default=True)

    @field_validator("api_hosts")
    @classmethod
    def _knows_hosts(cls, hosts: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "api_uri" in info.data.get("answer", {}) and not hosts:
            raise ValueError("must say at which hosts the api_uri of an answer may be")
        return hosts


class ProviderData(GenericSettings):
    """All that a plugin's class, or a preset, may say as data, besides its addresses.

    The attributes are those of `ProviderPlugin`, which say what each means.
    """

    api_headers: ApiHeaders = Field(default_factory=lambda: TOKEN_HEADERS)
    api_uri: Text | None = None
    client_authentication_method: Annotated[str, AfterValidator(_method)] | None = None
    uses_principal: bool = False
    defaults: Mapping[str, Any] = Field(default_factory=dict)
    token: Text | None = None
    body: Literal["form", "json"] = "form"
    field_names: Mapping[Text, str] = Field(default_factory=dict)
    addresses: Annotated[tuple[str, ...], AfterValidator(_address_names)] = ()
    assertion_header: tuple[Literal["kid", "x5t", "x5t#S256", "x5c"], ...] = ("kid", "x5t#S256")
    document: Mapping[Text, Path] = Field(default_factory=dict)
    environment: Annotated[Mapping[Text, Text], AfterValidator(_variables)] = Field(
        default_factory=dict
    )
    settling: Seconds = 0.0
    minimum_life: Seconds = 0.0
    required_scopes: tuple[Text, ...] = ()
    link_local: bool = False
    documentation: Annotated[str, AfterValidator(_documentation)] | None = None
    unverified: tuple[Text, ...] = ()
