"""Token requests: an ordered form, in which names may repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg.errors import AuthorizationError
from oauthreg.wire import TokenRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthreg.protocol.context import Hooks, PluginContext

OWN_FIELDS = frozenset(
    {"grant_type", "client_id", "client_secret", "scope", "audience", "resource"}
)
"""Form fields that settings of their own fill, so that `parameters` may not."""


def token_request(
    context: PluginContext,
    hooks: Hooks,
    grant_type: str,
    fields: Iterable[tuple[str, str]] = (),
    *,
    single_use: bool = False,
) -> TokenRequest:
    """Build and authenticate the request of one grant (RFC 6749 section 4, RFC 8707).

    Args:
        context: The attempt.
        hooks: The provider plugin's ways.
        grant_type: The grant's name on the wire.
        fields: What this grant sends besides what every grant sends.
        single_use: Whether the fields hold a value that works once.

    Raises:
        AuthorizationError: There is no token endpoint, or no credential.
    """
    registration = context.registration
    form = [("grant_type", grant_type), *fields]
    if registration.scopes:
        form.append(("scope", hooks.scope_separator.join(registration.scopes)))
    if registration.audience:
        form.append(("audience", registration.audience))
    form.extend(("resource", resource) for resource in registration.resource)
    added = dict(hooks.parameters(context))
    form.extend({**added, **registration.parameters}.items())
    request = TokenRequest(
        url=endpoint(context, "token-uri"),
        form=tuple(form),
        headers=tuple(registration.headers.items()),
        single_use=single_use,
    )
    return hooks.authenticate(context, request)


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
