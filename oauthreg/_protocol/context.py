"""What a flow is given, and what it may ask of a provider plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from oauthreg._errors import TokenEndpointError
from oauthreg._flow import NOTHING, Granted, TokenRequest, TokenResponse
from oauthreg._registration import ClientRegistration
from oauthreg._secret_values import Secret
from oauthreg._signing_keys.signing_key import SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginContext:
    """Everything timed, random or read that one attempt needs.

    Attributes:
        registration: The registration, with this call's options in it.
        endpoints: Addresses by setting name (`token-uri`, ...): settings, else plugin, else
            metadata.
        now: Seconds since the epoch at the start of the attempt.
        new_id: Gives a fresh unguessable id at each call (`jti`, `state`).
        issuer: The issuer identifier, if the provider has one.
        metadata: The issuer's metadata, empty unless something in it was needed.
        secret: The client secret of this attempt, freshly read.
        signing_key: The private key of this attempt, likewise.
        assertion: A client assertion that somebody else signed, likewise.
        principal: On whose behalf, where the grant acts for a user, or the plugin's class says
            `uses_principal`; otherwise None, since calls for different users share a token.
        subject_token: The token to exchange (RFC 8693), as given by the caller.
        actor_token: The acting party's token (RFC 8693).
        refresh_token: The refresh token, if there is one.
        password: The resource owner's password, freshly read.
        secrets: The plugin's own settings of the type `Secret`, freshly read, by their names.
    """

    registration: ClientRegistration
    endpoints: Mapping[str, str]
    now: float
    new_id: Callable[[], str]
    issuer: str | None = None
    metadata: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    secret: Secret | None = None
    signing_key: SigningKey | None = None
    assertion: Secret | None = None
    principal: str | None = None
    subject_token: Secret | None = None
    actor_token: Secret | None = None
    refresh_token: Secret | None = None
    password: Secret | None = None
    secrets: Mapping[str, Secret] = field(default_factory=lambda: NOTHING)


Category = Literal[
    "credential",
    "configuration",
    "permission",
    "policy",
    "throttled",
    "transient",
    "propagation",
    "clock",
]
"""What kind of thing is behind a vendor's error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a vendor's error means.

    Attributes:
        hint: What the operator should do.
        category: What kind of thing is behind it. After a `credential` that is refused the next
            one is tried; what is `throttled`, `transient` or a `propagation` passes by itself.
        retryable: Whether asking again may help; None keeps the category's rule, else the general
            one.
        retry_after: Seconds to wait at least; None keeps the general rule.
    """

    hint: str
    category: Category = "configuration"
    retryable: bool | None = None
    retry_after: float | None = None

    @property
    def is_retryable(self) -> bool | None:
        """Whether asking again may help; None keeps the general rule."""
        passes = self.category in ("throttled", "transient", "propagation")
        return self.retryable if self.retryable is not None else (passes or None)


class Hooks(Protocol):
    """The part of a provider plugin that grants are written against."""

    @property
    def grant_type(self) -> str | None:
        """The vendor's own word for the client_credentials grant, if it has one."""

    @property
    def scope_separator(self) -> str:
        """What stands between two scopes in requests and answers."""

    @property
    def uses_principal(self) -> bool:
        """Whether requests of grants without a user depend on the principal too."""

    def parameters(self, context: PluginContext) -> Iterable[tuple[str, str | Secret]]:
        """Return form fields to add."""

    def authenticate(self, context: PluginContext, request: TokenRequest) -> TokenRequest:
        """Return the request with the client's credentials on it."""

    def shape(self, context: PluginContext, request: TokenRequest) -> TokenRequest:
        """Return the token request with its body as the vendor wants it."""

    def parse_response(self, context: PluginContext, response: TokenResponse) -> Granted:
        """Return what was granted, or raise an AuthorizationError."""

    def explain_error(self, error: TokenEndpointError) -> Explanation | None:
        """Return what the error means, if the vendor's documentation says more than the RFC."""
