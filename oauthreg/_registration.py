"""How this program is known to its authorization servers: the typed, frozen result of settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypedDict, Unpack, cast
from uuid import uuid4

from oauthreg._addresses import origin_of
from oauthreg._dpop import RESOURCE_SERVER, Prover
from oauthreg._flow import NOTHING, ClientCertificate
from oauthreg._masked import Hidden, Masked, without_query
from oauthreg._secret_values import MASK, ChainedToken, SecretSource, TokenOf
from oauthreg._signing_keys.sources import KeySource
from oauthreg._tokens import AccessToken, RefreshToken
from oauthreg._urls import has_one_of_hosts

TOKEN_HEADERS: Mapping[str, str] = MappingProxyType(
    {"Authorization": "{token_type} {access_token}"}
)
"""What puts a token on a request, unless the provider says otherwise (RFC 6750 section 2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProfile:
    """How requests are sent: `http.<name>`.

    Attributes:
        name: The profile's name.
        connect_timeout: Seconds to open a connection.
        read_timeout: Seconds between two parts of an answer.
        total_timeout: Seconds from the start of a request to the end of its answer.
        proxy: A proxy's address, instead of the environment's.
        ca_bundle: A PEM file of trusted roots, instead of the environment's.
        max_connections: Requests in flight to one endpoint at a time, at most.
    """

    name: str = "default"
    connect_timeout: float = 5.0
    read_timeout: float = 10.0
    total_timeout: float = 10.0
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: Path | None = None
    max_connections: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDetails:
    """An authorization server's addresses and options: `provider.<name>.*`.

    Attributes:
        name: The provider's name in the settings.
        type: The name of the plugin that knows its ways; `generic` for none.
        issuer_uri: The issuer identifier, compared with the metadata's to the letter.
        endpoints: Addresses by setting name (`token-uri`, ...): the settings', else the plugin's.
        settings: What the plugin was configured with.
        api_headers: The header fields of requests to APIs: templates over `token_type`,
            `access_token` and `client_id`. The first is the token's own.
        api_uri: The address of the API, if the settings or the plugin say it.
        api_hosts: The hosts at which an API's address that a token answer names may be.
        settling: Seconds after its issue in which an API may still refuse a good token.
        chosen_by: The rule that chose this provider for the registration.
    """

    name: str
    type: str = "generic"
    issuer_uri: str | None = None
    endpoints: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False)
    settings: Mapping[str, Any] = field(default_factory=lambda: NOTHING, hash=False, repr=False)
    user_name_attribute: str | None = None
    user_info_authentication_method: str | None = None
    api_headers: Mapping[str, str] = field(
        default_factory=lambda: TOKEN_HEADERS, hash=False, repr=False
    )
    api_uri: str | None = None
    api_hosts: tuple[str, ...] = ()
    settling: float = 0.0
    chosen_by: str = ""

    def __repr__(self) -> str:
        shown = {name: without_query(url) for name, url in self.endpoints.items()}
        return (
            f"ProviderDetails(name={self.name!r}, type={self.type!r}, "
            f"issuer_uri={self.issuer_uri!r}, endpoints={shown!r})"
        )

    @property
    def token_uri(self) -> str | None:
        """The token endpoint, if the settings or the plugin say it."""
        return self.endpoints.get("token-uri")

    @property
    def token_header(self) -> str:
        """The name of the header field that carries a token to APIs."""
        return next(iter(self.api_headers))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRegistration:
    """How this application is known to an authorization server: `registration.<id>.*`.

    Every field is the setting of the same name; times are seconds. `client_secrets` holds
    every source of a secret in the order in which they are tried. Keys take no part in
    comparisons: the token key tells tokens by them. `prover` is set where `dpop` is on, and
    `dpop_optional` is true where it is "optional". `plugin_options` holds what the provider's
    plugin declares for registrations; `plugin.options(registration)` gives it typed.
    """

    registration_id: str
    provider: ProviderDetails
    client_id: str
    client_secrets: tuple[SecretSource, ...] = field(default=(), repr=False)
    client_authentication_method: str | None = None
    authorization_grant_type: str = "client_credentials"
    scopes: tuple[str, ...] = ()
    redirect_uri: str | None = None
    client_name: str | None = None
    audience: str | None = None
    resource: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False, repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False, repr=False)
    basic_encoding: str = "form"
    refresh_before: float | None = None
    default_lifetime: float = 300.0
    max_lifetime: float | None = None
    urls: tuple[str, ...] = ()
    eager: bool = False
    http: HttpProfile = field(default_factory=HttpProfile)
    signing_key: KeySource | None = field(default=None, repr=False, compare=False)
    signing_algorithm: str | None = None
    assertion: SecretSource | ChainedToken | None = field(default=None, repr=False, compare=False)
    assertion_audience: str | None = None
    assertion_lifetime: float | None = None
    certificate: ClientCertificate | None = None
    prover: Prover | None = field(default=None, repr=False, compare=False)
    username: str | None = None
    password: SecretSource | None = field(default=None, repr=False)
    refresh_token: SecretSource | None = field(default=None, repr=False)
    subject_token: SecretSource | ChainedToken | None = field(default=None, repr=False)
    authorization_details: str | None = field(default=None, repr=False)
    authorization_parameters: Mapping[str, str] = field(
        default_factory=lambda: NOTHING, hash=False, repr=False
    )
    pushed_authorization_requests: bool | None = None
    certificate_bound_tokens: bool = False
    dpop_optional: bool = False
    principal: str | None = None
    shared: bool | None = None
    allow_readable: bool = False
    plugin_options: Mapping[str, Any] = field(
        default_factory=lambda: NOTHING, hash=False, repr=False
    )

    def with_options(self, **changes: Any) -> ClientRegistration:
        """Return this registration with some fields changed for one call."""
        return replace(self, **changes) if changes else self


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizedClient(Masked):
    """What `authorize` returns: a registration and the live token it was granted.

    Attributes:
        registration: The registration that was authorized.
        principal: On whose behalf, as the caller said; None for the client itself.
        access_token: A token with life left.
        refresh_token: The refresh token, where the grant keeps one.
        authorization: The value of the Authorization header. Providers whose APIs want another
            header have it in `headers`.
    """

    registration: ClientRegistration
    principal: str | None
    access_token: AccessToken
    refresh_token: RefreshToken | None = None
    authorization: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        token, templates = self.access_token, self.registration.provider.api_headers
        value = f"{token.token_type} {token.token_value}"
        if templates is not TOKEN_HEADERS:
            value = self.headers.get("Authorization", value)
        object.__setattr__(self, "authorization", value)

    @property
    def headers(self) -> dict[str, str]:
        """The header fields that put the token on an API request; the first has the token."""
        token, registration = self.access_token, self.registration
        templates = registration.provider.api_headers
        if templates is TOKEN_HEADERS:
            return {"Authorization": self.authorization}
        values = {
            "token_type": token.token_type,
            "access_token": token.token_value,
            "client_id": registration.client_id,
        }
        return {name: template.format_map(values) for name, template in templates.items()}

    @property
    def api_uri(self) -> str | None:
        """The address of the API, if anything names it: the token answer, else the settings.

        What the answer names counts only at one of the provider's `api_hosts`.
        """
        named, provider = self.access_token.api_uri, self.registration.provider
        if named is not None and has_one_of_hosts(named, provider.api_hosts):
            return named
        return provider.api_uri

    @property
    def urls(self) -> tuple[str, ...]:
        """Where adapters may send the token: the registration's `urls`, else the API's origin.

        Empty if there is neither: then it stays with the origin that is asked first.
        """
        if self.registration.urls:
            return self.registration.urls
        api_uri = self.api_uri
        return () if api_uri is None else (str(origin_of(api_uri)),)

    @property
    def is_settling(self) -> bool:
        """Whether the token is so new that an API may still refuse it."""
        return time.time() - self.access_token.issued_at.timestamp() < (
            self.registration.provider.settling
        )

    def proof(self, method: str, url: str) -> str | None:
        """Return the DPoP header of one API request (RFC 9449 section 7.1).

        Adapters ask for it; None for a bearer token, which needs none.

        Args:
            method: The HTTP method.
            url: The address of the request.
        """
        prover = self._prover
        if prover is None:
            return None
        return prover.proof(
            method,
            url,
            now=time.time(),
            new_id=lambda: uuid4().hex,
            role=RESOURCE_SERVER,
            token_value=self.access_token.token_value,
        )

    def note_nonce(self, url: str, headers: Mapping[str, str]) -> bool:
        """Keep the nonce that an API's answer brought; True if a new proof should carry it.

        Args:
            url: The address that answered.
            headers: The answer's header fields, looked up as `dpop-nonce`.
        """
        prover = self._prover
        return prover is not None and prover.note(url, headers, role=RESOURCE_SERVER)

    @property
    def _prover(self) -> Prover | None:
        return self.registration.prover if self.access_token.token_type == "DPoP" else None

    def __repr__(self) -> str:
        registration_id = self.registration.registration_id
        return f"AuthorizedClient({registration_id!r}, principal={self.principal!r}, {MASK})"


class AuthorizeOptions(TypedDict, total=False):
    """The options of `authorize`, each for one call.

    Attributes:
        principal: On whose behalf; required for grants of a user.
        scope: Instead of the registration's: a string split at spaces, or a list.
        audience: Instead of the registration's.
        resource: Instead of the registration's: one address or several (RFC 8707).
        parameters: Merged over the registration's.
        subject_token: For token exchange: the token, a callable that gives it, or another
            registration's as `TokenOf("registration-id")`.
        actor_token: Likewise (RFC 8693).
        min_ttl: At least this many seconds of life left by the server's expiry.
        force: Fetch a new token even if the cached one is good.
        timeout: Seconds this caller waits; default: the http profile's total and one second.
    """

    principal: str | None
    scope: str | list[str] | tuple[str, ...]
    audience: str
    resource: str | list[str] | tuple[str, ...]
    parameters: Mapping[str, str]
    subject_token: str | Callable[[], str] | TokenOf
    actor_token: str | Callable[[], str] | TokenOf
    min_ttl: float
    force: bool
    timeout: float


_SHOWN_OPTIONS = AuthorizeOptions.__annotations__.keys() - {
    "parameters",
    "subject_token",
    "actor_token",
}


def hide_options(options: Mapping[str, object]) -> None:
    """Hide the options that may be credentials, in place: those of no known name too."""
    table = cast("dict[str, object]", options)
    for name in options.keys() - _SHOWN_OPTIONS:
        value = options[name]
        if value is not None and not isinstance(value, Hidden):
            table[name] = Hidden(value)


class Manager(Protocol):
    """What adapters need of a manager."""

    def authorize(
        self, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> AuthorizedClient:
        """Return an authorized client with a live token."""

    def reject(self, registration_id: str, token_value: str) -> None:
        """Say that an API refused this token."""

    @property
    def registrations(self) -> Mapping[str, ClientRegistration]:
        """Every registration by its id."""


class AsyncManager(Protocol):
    """What asynchronous adapters need of a manager."""

    async def authorize(
        self, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> AuthorizedClient:
        """Return an authorized client with a live token."""

    def reject(self, registration_id: str, token_value: str) -> None:
        """Say that an API refused this token."""

    @property
    def registrations(self) -> Mapping[str, ClientRegistration]:
        """Every registration by its id."""
