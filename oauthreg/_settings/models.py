"""The settings keys as pydantic models: what may be written, and in which form."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    field_validator,
)

from oauthreg._addresses import PORTS, parse_proxy, parse_redirect, parse_secure, refuse_unfit
from oauthreg._endpoints import ENDPOINTS
from oauthreg._grants.table import GRANTS, canonical_grant
from oauthreg._invisible import invisible_inside
from oauthreg._protocol.authentication import METHODS
from oauthreg._protocol.requests import OWN_AUTHORIZATION_FIELDS, OWN_FIELDS
from oauthreg._settings.vocabulary import (
    GRANTS_MEANT,
    METHODS_MEANT,
    SIGNING_ALGORITHMS,
    NotOneOfError,
)
from oauthreg._sources.tree import ALTERNATIVES
from oauthreg._urls import parse_pattern

OWN_HEADERS = frozenset(
    {"authorization", "content-length", "content-type", "dpop", "host", "transfer-encoding"}
)
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?|")
SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def _address(text: str) -> str:
    parse_secure(text)
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
        return [word for part in parts if (word := part.strip().strip(","))]
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
    if not SCOPE_TOKEN.fullmatch(text.strip()):
        raise ValueError('must not contain spaces inside a scope, nor " or \\ (RFC 6749 3.3)')
    return text.strip()


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
            raise ValueError(f"must be fields as RFC 9110 has them, which {name!r} is not")
    return headers


def _visible(text: str) -> str:
    found = invisible_inside(text, allowed=" \xa0\u202f\u3000")
    if found is not None:
        raise ValueError(f"must not have {found} in it")
    return text


def _without_blanks(text: str) -> str:
    found = invisible_inside(text)
    if found is not None:
        raise ValueError(f"must not have {found} in it")
    return text


def _seconds(*, most: float, called: str, zero: bool = False) -> BeforeValidator:
    bounds = f"{'from 0' if zero else 'more than 0 and'} up to {called} ({most:.0f})"

    def check(value: Any) -> float:
        try:
            number = float(value) if isinstance(value, str | int | float) else -1
        except (ValueError, OverflowError):
            number = -1
        fits = isfinite(number) and (number > 0 or (zero and number == 0)) and number <= most
        if isinstance(value, bool) or not fits:
            raise ValueError(f"must be a number of seconds, {bounds}")
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


DAY = 86_400
CENTURY = 100 * 365.25 * DAY
Text = Annotated[str, StringConstraints(min_length=1), AfterValidator(_visible)]
Word = Annotated[str, StringConstraints(min_length=1), AfterValidator(_without_blanks)]
Address = Annotated[str, AfterValidator(_address)]
Table = Annotated[dict[str, str], BeforeValidator(_table)]
Parameters = Annotated[Table, AfterValidator(free_parameters)]
AuthorizationParameters = Annotated[Table, AfterValidator(_authorization_parameters)]
Headers = Annotated[Table, AfterValidator(_headers)]
Scopes = Annotated[
    tuple[Annotated[str, AfterValidator(checked_scope)], ...], BeforeValidator(words)
]
Resources = Annotated[
    tuple[Annotated[str, AfterValidator(checked_resource)], ...], BeforeValidator(one_or_many)
]
Urls = Annotated[
    tuple[Annotated[str, AfterValidator(_url_pattern)], ...], BeforeValidator(one_or_many)
]
CaBundle = Annotated[Path, AfterValidator(_there)]
Timeout = Annotated[float, _seconds(most=DAY, called="a day")]
Lifetime = Annotated[float, _seconds(most=CENTURY, called="100 years")]
Window = Annotated[float, _seconds(most=CENTURY, called="100 years", zero=True)]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )


class SecretItem(_Model):
    """One of `client-secrets`, where it is not written as text: a file or a reference."""

    file: Path | None = None
    ref: Text | None = None


class RegistrationSettings(_Model):
    """`registration.<id>.*`, and without credentials, provider and id, `defaults.*`."""

    provider: Text | None = None
    client_id: Word
    client_secret: Text | None = None
    client_secret_file: Path | None = None
    client_secret_ref: Text | None = None
    client_secrets: tuple[Text | SecretItem, ...] | None = None
    client_authentication_method: Text | None = None
    authorization_grant_type: Text = "client_credentials"
    scope: Scopes = ()
    redirect_uri: Annotated[Text, AfterValidator(_redirect)] | None = None
    client_name: Text | None = None
    audience: Word | None = None
    resource: Resources = ()
    parameters: Parameters = Field(default_factory=dict)
    authorization_parameters: AuthorizationParameters = Field(default_factory=dict)
    headers: Headers = Field(default_factory=dict)
    authorization_details: tuple[dict[str, Any], ...] = ()
    basic_encoding: Literal["form", "raw"] = "form"
    private_key: Text | None = None
    private_key_file: Path | None = None
    private_key_ref: Text | None = None
    private_key_passphrase: Text | None = None
    private_key_passphrase_file: Path | None = None
    private_key_passphrase_ref: Text | None = None
    key_id: Word | None = None
    signing_algorithm: Text | None = None
    assertion_audience: Word | None = None
    assertion_lifetime: Lifetime | None = None
    assertion_file: Path | None = None
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    certificate_bound_tokens: bool = False
    dpop: Annotated[bool | Literal["optional"], BeforeValidator(_dpop)] = False
    dpop_key_file: Path | None = None
    username: Text | None = None
    password: Text | None = None
    password_file: Path | None = None
    password_ref: Text | None = None
    refresh_token: Text | None = None
    refresh_token_file: Path | None = None
    refresh_token_ref: Text | None = None
    subject_token: Text | None = None
    subject_token_file: Path | None = None
    subject_token_ref: Text | None = None
    principal: Text | None = None
    pushed_authorization_requests: bool | None = None
    allow_insecure_grants: bool = False
    allow_readable: bool = False
    shared: bool | None = None
    refresh_before: Window | None = None
    default_lifetime: Lifetime = 300.0
    max_lifetime: Lifetime | None = None
    urls: Urls = ()
    eager: bool = False
    http: Text = "default"

    @field_validator("client_authentication_method")
    @classmethod
    def _known_method(cls, name: str | None) -> str | None:
        method = name.lower().replace("-", "_") if name is not None else None
        if method is not None and method not in METHODS:
            raise NotOneOfError(METHODS, METHODS_MEANT)
        return method

    @field_validator("signing_algorithm")
    @classmethod
    def _known_algorithm(cls, name: str | None) -> str | None:
        if name is not None and name not in SIGNING_ALGORITHMS:
            raise NotOneOfError(SIGNING_ALGORITHMS)
        return name

    @field_validator("authorization_grant_type")
    @classmethod
    def _known_grant(cls, name: str) -> str:
        grant = canonical_grant(name)
        if grant not in GRANTS:
            raise NotOneOfError((row.setting for row in GRANTS.values()), GRANTS_MEANT)
        return grant


class ProviderKeys(_Model):
    """The keys of `provider.<name>.*` that every plugin shares, but for the addresses."""

    type: Text | None = None
    user_info_authentication_method: Literal["header", "form", "query"] | None = None
    user_name_attribute: Text | None = None


_addresses: dict[str, Any] = {row.attribute: (Address | None, None) for row in ENDPOINTS.values()}
ProviderAddresses: type[ProviderKeys] = create_model(
    "ProviderAddresses", __base__=ProviderKeys, **_addresses
)
"""All keys of `provider.<name>.*` that every plugin shares."""


class HttpSettings(_Model):
    """`http.<profile>.*`."""

    connect_timeout: Timeout = 5.0
    read_timeout: Timeout = 10.0
    total_timeout: Timeout = 10.0
    proxy: Annotated[str, AfterValidator(_proxy)] | None = None
    ca_bundle: CaBundle | None = None
    max_connections: Annotated[int, _count(10_000)] = 32


class TopLevelSettings(_Model):
    """The settings outside of any table."""

    environment: Text | None = None


def aliases(model: type[BaseModel]) -> tuple[str, ...]:
    """Return a model's keys as they are written in settings."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


NOT_IN_DEFAULTS = frozenset(
    {"provider", "client-id", "username", "principal", "certificate-file", "certificate-key-file"}
    | {
        "assertion-file",
        "dpop-key-file",
        *(leaf for all_ in ALTERNATIVES.values() for leaf in all_),
    }
)
"""Keys of a registration that `defaults` may not hold: who it is, and its credentials."""
