"""Token requests: an ordered form, in which names may repeat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oauthreg._errors import AuthorizationError
from oauthreg._flow import TokenRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthreg._protocol.context import Hooks, PluginContext

OWN_FIELDS = frozenset(
    {"grant_type", "client_id", "client_secret", "scope", "audience", "resource"}
)
"""Form fields that settings of their own fill, so that `parameters` may not."""

OWN_AUTHORIZATION_FIELDS = OWN_FIELDS | {
    "authorization_details",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_type",
    "state",
}
"""Query fields of the authorization request that `authorization-parameters` may not set."""


def token_request(
    context: PluginContext,
    hooks: Hooks,
    grant_type: str,
    fields: Iterable[tuple[str, str]] = (),
    *,
    scope: bool = True,
    single_use: bool = False,
) -> TokenRequest:
    """Build and authenticate the token request of one grant (RFC 6749 section 4).

    Args:
        context: The attempt.
        hooks: The provider plugin's ways.
        grant_type: The grant's name on the wire.
        fields: What this grant sends besides what every grant sends.
        scope: Whether the scopes are asked for here, and not where the grant began.
        single_use: Whether the fields hold a value that works once.

    Raises:
        AuthorizationError: There is no token endpoint, or no credential.
    """
    url = endpoint(context, "token-uri")
    request = described_request(
        context, hooks, url, [("grant_type", grant_type), *fields], scope=scope
    )
    return hooks.authenticate(context, replace(request, single_use=single_use))


def described_request(
    context: PluginContext,
    hooks: Hooks,
    url: str,
    fields: Iterable[tuple[str, str]],
    *,
    scope: bool = True,
) -> TokenRequest:
    """Build a request that says what is wanted, without credentials.

    What it wants: scope, audience, resource (RFC 8707, repeated), authorization_details (RFC
    9396), then the plugin's parameters, then the registration's, each replacing fields of the
    same name that came before.
    """
    registration = context.registration
    form = list(fields)
    if scope and registration.scopes:
        form.append(("scope", hooks.scope_separator.join(registration.scopes)))
    if registration.audience:
        form.append(("audience", registration.audience))
    form.extend(("resource", resource) for resource in registration.resource)
    if registration.authorization_details:
        form.append(("authorization_details", registration.authorization_details))
    added = {**dict(hooks.parameters(context)), **registration.parameters}
    form = [(name, value) for name, value in form if name not in added]
    return TokenRequest(
        url=url,
        form=(*form, *added.items()),
        headers=tuple(registration.headers.items()),
        certificate=registration.certificate,
    )


def endpoint(context: PluginContext, name: str) -> str:
    """Return an address of the provider by its setting name.

    Raises:
        AuthorizationError: neither the settings nor the metadata have it.
    """
    url = context.endpoints.get(name)
    if url is None:
        provider = context.registration.provider.name
        raise AuthorizationError(
            f"provider {provider} has no {name}",
            hint=f"Set provider.{provider}.{name}, or provider.{provider}.issuer-uri if the "
            "server publishes metadata.",
        )
    return url
