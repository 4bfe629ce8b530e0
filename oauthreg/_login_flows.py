"""What is asked of an authorization server besides a token to hand out: logins, and about tokens.

Each is a flow of one order, run for its caller alone: never shared, never renewed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oauthreg._errors import CallbackError
from oauthreg._grants import authorization_code, device_code, token_management
from oauthreg._protocol.responses import granted_from
from oauthreg._renewal.acquire import attempts, authenticated
from oauthreg._renewal.preparation import prepare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._flow import Flow, Granted
    from oauthreg._grants.authorization_code import AuthorizationRequest
    from oauthreg._grants.device_code import DeviceAuthorization
    from oauthreg._protocol.context import PluginContext
    from oauthreg._renewal.orders import TokenOrder
    from oauthreg._renewal.preparation import Surroundings


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

    context = yield from prepare(order, around, needs="authorization-uri")
    return (yield from authenticated(order, around, context, make))


def complete(
    order: TokenOrder, around: Surroundings, request: AuthorizationRequest, callback_url: str
) -> Flow[Granted]:
    """End a login by the browser: check what came back, and get the tokens."""
    openid = "openid" in order.registration.scopes
    context = yield from prepare(order, around, needs="jwk-set-uri" if openid else "token-uri")
    fields = authorization_code.callback_fields(request, callback_url, context.metadata)
    if request.response_type == "token":
        return granted_from(fields)
    if not fields.get("code"):
        raise CallbackError("the callback brought no code: start the login again")

    def make(context: PluginContext) -> Flow[Granted]:
        return authorization_code.redeem(context, order.plugin, request, fields["code"])

    if not openid:
        return (yield from authenticated(order, around, context, make))
    from oauthreg._grants.id_token import check_id_token, key_set  # noqa: PLC0415 - cryptography

    keys = yield from attempts(order, around, context, key_set)
    granted = yield from authenticated(order, around, context, make)
    check_id_token(context, keys, granted.extra.get("id_token"), request.nonce)
    return granted


def device_authorization(order: TokenOrder, around: Surroundings) -> Flow[DeviceAuthorization]:
    """Begin a login on another device."""
    context = yield from prepare(order, around, needs="device-authorization-uri")

    def make(context: PluginContext) -> Flow[DeviceAuthorization]:
        return device_code.authorize_device(context, order.plugin)

    return (yield from authenticated(order, around, context, make))


def poll(order: TokenOrder, around: Surroundings, device: DeviceAuthorization) -> Flow[Granted]:
    """Wait for a login on another device, and get the tokens."""

    def make(context: PluginContext) -> Flow[Granted]:
        return device_code.poll_device(context, order.plugin, device, now=around.wall)

    context = yield from prepare(order, around, needs="token-uri")
    return (yield from authenticated(order, around, context, make))


def introspect(
    order: TokenOrder, around: Surroundings, token_value: str
) -> Flow[Mapping[str, Any]]:
    """Ask about a token."""
    context = yield from prepare(order, around, needs="introspection-uri")

    def make(context: PluginContext) -> Flow[Mapping[str, Any]]:
        return token_management.introspect(context, order.plugin, token_value)

    return (yield from authenticated(order, around, context, make))


def revoke(order: TokenOrder, around: Surroundings, token_value: str) -> Flow[None]:
    """End a token."""
    context = yield from prepare(order, around, needs="revocation-uri")

    def make(context: PluginContext) -> Flow[None]:
        return token_management.revoke(context, order.plugin, token_value)

    yield from authenticated(order, around, context, make)
