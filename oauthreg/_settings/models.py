"""The settings keys as pydantic models: what may be written, and in which form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    StringConstraints,
    create_model,
    field_validator,
)

from oauthreg._addresses import PORTS, parse_proxy, parse_redirect, parse_secure, refuse_unfit
from oauthreg._endpoints import ENDPOINTS
from oauthreg._grants.table import GRANTS, canonical_grant
from oauthreg._protocol.authentication import METHODS
from oauthreg._protocol.requests import OWN_AUTHORIZATION_FIELDS, OWN_FIELDS
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
    """Split text at spaces, at commas only where there is no space; leave lists as they are."""
    if isinstance(value, str):
        return value.split() if " " in value.strip() else [w for w in value.split(",") if w.strip()]
    return value


def one_or_many(value: Any) -> Any:
    """Return a list of one text, else the value as it is."""
    return [value] if isinstance(value, str) else value


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


Text = Annotated[str, StringConstraints(min_length=1)]
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
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


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
    client_id: Text
    client_secret: Text | None = None
    client_secret_file: Path | None = None
    client_secret_ref: Text | None = None
    client_secrets: tuple[Text | SecretItem, ...] | None = None
    client_authentication_method: Text | None = None
    authorization_grant_type: Text = "client_credentials"
    scope: Scopes = ()
    redirect_uri: Annotated[Text, AfterValidator(_redirect)] | None = None
    client_name: Text | None = None
    audience: Text | None = None
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
    key_id: Text | None = None
    signing_algorithm: Text | None = None
    assertion_audience: Text | None = None
    assertion_lifetime: Seconds | None = None
    assertion_file: Path | None = None
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    certificate_bound_tokens: bool = False
    dpop: bool | Literal["optional"] = False
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
    refresh_before: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    default_lifetime: Seconds = 300.0
    max_lifetime: Seconds | None = None
    urls: Urls = ()
    eager: bool = False
    http: Text = "default"

    @field_validator("client_authentication_method")
    @classmethod
    def _known_method(cls, name: str | None) -> str | None:
        if name is not None and name not in METHODS:
            raise ValueError(f"must be one of {', '.join(METHODS)}")
        return name

    @field_validator("authorization_grant_type")
    @classmethod
    def _known_grant(cls, name: str) -> str:
        grant = canonical_grant(name)
        if grant not in GRANTS:
            raise ValueError(f"must be one of {', '.join(row.setting for row in GRANTS.values())}")
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

    connect_timeout: Seconds = 5.0
    read_timeout: Seconds = 10.0
    total_timeout: Seconds = 10.0
    proxy: Annotated[str, AfterValidator(_proxy)] | None = None
    ca_bundle: FilePath | None = None
    max_connections: Annotated[int, Field(ge=1, le=10_000)] = 32


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
