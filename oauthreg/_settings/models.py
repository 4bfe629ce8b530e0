"""The settings keys as pydantic models: what may be written, and in which form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator

from oauthreg._endpoints import ENDPOINTS
from oauthreg._grants.table import GRANTS, canonical_grant
from oauthreg._protocol.authentication import METHODS
from oauthreg._settings.types import (
    Address,
    AuthorizationParameters,
    CaBundle,
    ClientId,
    Connections,
    Dpop,
    Headers,
    Lifetime,
    Parameters,
    Proxy,
    RedirectUri,
    Resources,
    Scopes,
    Text,
    Timeout,
    Urls,
    Window,
    Word,
    any_spelling,
)
from oauthreg._settings.vocabulary import (
    GRANTS_MEANT,
    METHODS_MEANT,
    SIGNING_ALGORITHMS,
    NotOneOfError,
)
from oauthreg._sources.tree import ALTERNATIVES


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
    client_id: ClientId
    client_secret: Text | None = None
    client_secret_file: Path | None = None
    client_secret_ref: Text | None = None
    client_secrets: tuple[Text | SecretItem, ...] | None = None
    client_authentication_method: Annotated[Text, any_spelling(METHODS)] | None = None
    authorization_grant_type: Annotated[
        Text, any_spelling((row.setting for row in GRANTS.values()), also=GRANTS)
    ] = "client_credentials"
    scope: Scopes = ()
    redirect_uri: RedirectUri | None = None
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
    signing_algorithm: Annotated[Text, any_spelling(SIGNING_ALGORITHMS, exact=True)] | None = None
    assertion_audience: Word | None = None
    assertion_lifetime: Lifetime | None = None
    assertion: Text | None = None
    assertion_file: Path | None = None
    assertion_ref: Text | None = None
    assertion_certificate_file: Path | None = None
    credentials_file: Path | None = None
    credentials_ref: Text | None = None
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    certificate_bound_tokens: bool = False
    dpop: Dpop = False
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
    proxy: Proxy | None = None
    ca_bundle: CaBundle | None = None
    max_connections: Connections = 32


class TopLevelSettings(_Model):
    """The settings outside of any table."""

    environment: Text | None = None


def aliases(model: type[BaseModel]) -> tuple[str, ...]:
    """Return a model's keys as they are written in settings."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


NOT_IN_DEFAULTS = frozenset(
    {"provider", "client-id", "username", "principal", "certificate-file", "certificate-key-file"}
    | {
        "dpop-key-file",
        "assertion-certificate-file",
        *(leaf for all_ in ALTERNATIVES.values() for leaf in all_),
    }
)
"""Keys of a registration that `defaults` may not hold: who it is, and its credentials."""
