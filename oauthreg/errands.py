"""What is asked of an authorization server besides a token to hand out: logins, and about tokens.

Each is a flow of one order, run for its caller alone: never shared, never renewed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oauthreg.grants import authorization_code, device_code, token_management
from oauthreg.protocol.authentication import credential_sources
from oauthreg.protocol.responses import granted_from
from oauthreg.renewal.acquire import attempts
from oauthreg.renewal.preparation import prepare
from oauthreg.wire import ReadSecret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg.grants.authorization_code import AuthorizationRequest
    from oauthreg.grants.device_code import DeviceAuthorization
    from oauthreg.protocol.context import PluginContext
    from oauthreg.renewal.orders import TokenOrder
    from oauthreg.renewal.preparation import Surroundings
    from oauthreg.wire import Flow, Granted


def authorization_request(
    order: TokenOrder, around: Surroundings, redirect_uri: str
) -> Flow[AuthorizationRequest]:
    """Begin a login by the browser."""
    implicit = order.registration.authorization_grant_type == "implicit"

    def make(context: PluginContext) -> Flow[AuthorizationRequest]:
        return authorization_code.begin(
            context,
            order.plugin,
            redirect_uri=redirect_uri,
            response_type="token" if implicit else "code",
        )

    context = yield from _ready(order, around, "authorization-uri")
    return (yield from attempts(order, around, context, make))


def complete(
    order: TokenOrder, around: Surroundings, request: AuthorizationRequest, callback_url: str
) -> Flow[Granted]:
    """End a login by the browser: check what came back, and get the tokens."""
    openid = "openid" in order.registration.scopes
    context = yield from _ready(order, around, "jwk-set-uri" if openid else "token-uri")
    fields = authorization_code.callback_fields(request, callback_url, context.metadata)
    if request.response_type == "token":
        return granted_from(fields)

    def make(context: PluginContext) -> Flow[Granted]:
        return authorization_code.redeem(context, order.plugin, request, fields.get("code", ""))

    granted = yield from attempts(order, around, context, make)
    if openid:
        from oauthreg.grants.id_token import check_id_token  # noqa: PLC0415 - it loads cryptography

        yield from check_id_token(context, granted.extra.get("id_token"), request.nonce)
    return granted


def device_authorization(order: TokenOrder, around: Surroundings) -> Flow[DeviceAuthorization]:
    """Begin a login on another device."""
    context = yield from _ready(order, around, "device-authorization-uri")

    def make(context: PluginContext) -> Flow[DeviceAuthorization]:
        return device_code.authorize_device(context, order.plugin)

    return (yield from attempts(order, around, context, make))


def poll(order: TokenOrder, around: Surroundings, device: DeviceAuthorization) -> Flow[Granted]:
    """Wait for a login on another device, and get the tokens."""

    def make(context: PluginContext) -> Flow[Granted]:
        return device_code.poll_device(context, order.plugin, device, now=around.wall)

    context = yield from _ready(order, around, "token-uri")
    return (yield from attempts(order, around, context, make))


def introspect(
    order: TokenOrder, around: Surroundings, token_value: str
) -> Flow[Mapping[str, Any]]:
    """Ask about a token."""
    context = yield from _ready(order, around, "introspection-uri")

    def make(context: PluginContext) -> Flow[Mapping[str, Any]]:
        return token_management.introspect(context, order.plugin, token_value)

    return (yield from attempts(order, around, context, make))


def revoke(order: TokenOrder, around: Surroundings, token_value: str) -> Flow[None]:
    """End a token."""
    context = yield from _ready(order, around, "revocation-uri")

    def make(context: PluginContext) -> Flow[None]:
        return token_management.revoke(context, order.plugin, token_value)

    yield from attempts(order, around, context, make)


def _ready(order: TokenOrder, around: Surroundings, needs: str) -> Flow[PluginContext]:
    """Prepare a context with the client's credential in it."""
    context = yield from prepare(order, around, needs=needs)
    name, sources = credential_sources(context.registration)
    if not sources:
        return context
    return replace(context, **{name: (yield ReadSecret(sources[0]))})
