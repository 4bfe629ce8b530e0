"""Token requests: an ordered form, in which names may repeat."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oauthreg._errors import AuthorizationError, ConnectionFailedError
from oauthreg._flow import TokenRequest
from oauthreg._secret_values import Secret
from oauthreg._transports import address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from oauthreg._protocol.context import Hooks, PluginContext

OWN_FIELDS = frozenset({"grant_type", "client_secret", "scope", "audience", "resource"})
"""Form fields that settings of their own fill, so that `parameters` may not.

`client_id` may be among them where it is the client-id: some servers want it beside Basic.
"""

OWN_AUTHORIZATION_FIELDS = OWN_FIELDS | {
    "authorization_details",
    "client_id",
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

    The plugin's parameters come after the grant's fields, then the registration's; each replaces
    fields of the same name that came before.

    Args:
        context: The attempt.
        hooks: The provider plugin.
        grant_type: The value of `grant_type`.
        fields: What this grant sends besides what every grant sends.
        scope: Whether to send the scopes: not where they were sent at the start of a login.
        single_use: Whether the fields hold a value that works once.

    Raises:
        AuthorizationError: There is no token endpoint, or no credential.
    """
    form = [("grant_type", grant_type), *fields, *wanted(context, hooks, scope=scope)]
    own, given = dict(context.registration.parameters), list(hooks.parameters(context))
    added = [(name, own.get(name, _plain(value))) for name, value in given]
    added += [(name, value) for name, value in own.items() if name not in dict(given)]
    names = {name for name, _ in added}
    _check_client_id(context, added)
    form = [(name, value) for name, value in form if name not in names]
    secrets = tuple(_plain(value) for _, value in given if isinstance(value, Secret))
    url = endpoint(context, "token-uri")
    request = request_to(context, url, (*form, *added), sensitive=secrets, single_use=single_use)
    return hooks.shape(context, hooks.authenticate(context, request))


def shaped(request: TokenRequest, *, body: str, field_names: Mapping[str, str]) -> TokenRequest:
    """Return a token request as the vendor wants its body.

    Args:
        request: The request, with the names of RFC 6749.
        body: `form` or `json`; in JSON the values of a repeated name are a list.
        field_names: The vendor's names; an empty one leaves the field out.
    """
    named = ((field_names.get(name, name), value) for name, value in request.form)
    form = tuple((name, value) for name, value in named if name)
    if body == "form" or request.content is not None:
        return replace(request, form=form)
    values: dict[str, list[str]] = {}
    for name, value in form:
        values.setdefault(name, []).append(value)
    content = {name: one if one[1:] else one[0] for name, one in values.items()}
    return replace(
        request,
        form=(),
        content=json.dumps(content, ensure_ascii=False).encode(),
        headers=(*request.headers, ("Content-Type", "application/json")),
    )


def _plain(value: str | Secret) -> str:
    return value.get_secret_value() if isinstance(value, Secret) else value


def _check_client_id(context: PluginContext, added: Iterable[tuple[str, str]]) -> None:
    registration = context.registration
    if any(name == "client_id" and value != registration.client_id for name, value in added):
        raise AuthorizationError(
            "the parameters have another client_id than the registration",
            hint=f"Leave it out, or write registration.{registration.registration_id}.client-id.",
        )


def wanted(
    context: PluginContext, hooks: Hooks, *, scope: bool = True
) -> Iterator[tuple[str, str]]:
    """Give the fields that say what is asked for.

    Scope, audience, resource (RFC 8707, repeated) and authorization_details (RFC 9396).
    """
    registration = context.registration
    if scope and registration.scopes:
        yield "scope", hooks.scope_separator.join(registration.scopes)
    if registration.audience:
        yield "audience", registration.audience
    for resource in registration.resource:
        yield "resource", resource
    if registration.authorization_details:
        yield "authorization_details", registration.authorization_details


def asked_for(context: PluginContext) -> str:
    """Return what a request asks for, for an error's text."""
    registration = context.registration
    parts = [f'scope "{" ".join(registration.scopes)}"' if registration.scopes else "no scope"]
    if registration.audience:
        parts.append(f'audience "{registration.audience}"')
    parts.extend(f'resource "{resource}"' for resource in registration.resource)
    return ", ".join(parts)


def request_to(
    context: PluginContext, url: str, form: Iterable[tuple[str, str]], **fields: Any
) -> TokenRequest:
    """Build a request with the registration's headers and certificate, without credentials."""
    registration = context.registration
    return TokenRequest(
        url=url,
        form=tuple(form),
        headers=tuple(registration.headers.items()),
        certificate=registration.certificate,
        **fields,
    )


def with_client_id(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Return the request with `client_id` in its form, once."""
    if any(name == "client_id" for name, _ in request.form):
        return request
    field = ("client_id", context.registration.client_id)
    return replace(request, form=(*request.form, field))


def endpoint(context: PluginContext, name: str) -> str:
    """Return an address of the provider by its setting name.

    Raises:
        AuthorizationError: neither the settings nor the metadata have it, or nothing may be sent
            to the one that the metadata has.
    """
    provider = context.registration.provider
    url = context.endpoints.get(name)
    if url is None:
        raise _no_endpoint(context, name)
    if provider.endpoints.get(name) == url:
        return url
    try:
        address.parse(url)
    except ConnectionFailedError as error:
        failure = error
    else:
        return url
    raise failure.copy(
        message=f"{failure.message}. The address is {name} in the metadata of {provider.name}",
        provider=provider.name,
        hint=f"Have the server publish an https address, or set provider.{provider.name}.{name}.",
    )


def _no_endpoint(context: PluginContext, name: str) -> AuthorizationError:
    """Return the error of a missing address: not set, or not in the metadata."""
    provider = context.registration.provider
    path = f"provider.{provider.name}"
    if context.metadata:
        return AuthorizationError(
            f"provider {provider.name} has no {name}: its metadata does not list one",
            hint=f"Set {path}.{name}, if the server has such an endpoint.",
        )
    discovered = "" if provider.issuer_uri else f", or {path}.issuer-uri if it publishes metadata"
    return AuthorizationError(
        f"provider {provider.name} has no {name}", hint=f"Set {path}.{name}{discovered}."
    )
