"""Login flows (code, device), introspection and revocation: run for one caller, never shared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oauthreg._discovery import supplemented
from oauthreg._grants import authorization_code, device_code, token_management
from oauthreg._grants.callback import read_callback
from oauthreg._grants.table import GRANTS
from oauthreg._protocol.responses import granted_from, without_id_token
from oauthreg._renewal.acquire import attempts, authenticated
from oauthreg._renewal.preparation import prepare
from oauthreg._secret_values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    response_type = GRANTS[order.registration.authorization_grant_type].response_type or "code"

    def make(context: PluginContext) -> Flow[AuthorizationRequest]:
        return authorization_code.begin(
            context, order.plugin, redirect_uri=redirect_uri, response_type=response_type
        )

    context = yield from prepare(order, around, needs="authorization-uri", login=True)
    if _wants_id_token(context) and response_type == "code":
        _check_can_verify(context)
    return (yield from authenticated(order, around, context, make))


def complete(
    order: TokenOrder, around: Surroundings, request: AuthorizationRequest, callback_url: Secret
) -> Flow[Granted]:
    """End a login by the browser: check the callback, and get the tokens.

    Raises:
        CallbackError: the callback does not belong to the request, or is an error.
        AuthorizationError: the tokens cannot be had.
    """
    context = yield from prepare(order, around, login=True)
    callback = read_callback(context, request, callback_url)
    if request.response_type == "token":
        return without_id_token(granted_from(callback.as_mapping()))
    code = Secret(callback.get("code"))
    if not code:
        raise authorization_code.no_code()

    def make(context: PluginContext) -> Flow[Granted]:
        return authorization_code.redeem(context, order.plugin, request, code)

    return (yield from _logged_in(order, around, context, make, request=request))


def device_authorization(order: TokenOrder, around: Surroundings) -> Flow[DeviceAuthorization]:
    """Begin a login on another device."""

    def make(context: PluginContext) -> Flow[DeviceAuthorization]:
        return device_code.authorize_device(context, order.plugin)

    context = yield from _prepared(order, around, "device-authorization-uri", login=True)
    return (yield from authenticated(order, around, context, make))


def poll(order: TokenOrder, around: Surroundings, device: DeviceAuthorization) -> Flow[Granted]:
    """Wait for a login on another device, and get the tokens."""

    def make(context: PluginContext) -> Flow[Granted]:
        return device_code.poll_device(context, order.plugin, device, now=around.wall)

    context = yield from prepare(order, around, login=True)
    return (yield from _logged_in(order, around, context, make))


def introspect(order: TokenOrder, around: Surroundings, token: Secret) -> Flow[Mapping[str, Any]]:
    """Ask about a token."""

    def make(context: PluginContext) -> Flow[Mapping[str, Any]]:
        return token_management.introspect(context, order.plugin, token)

    context = yield from _prepared(order, around, "introspection-uri")
    return (yield from authenticated(order, around, context, make))


def revoke(
    order: TokenOrder, around: Surroundings, token: Secret, token_type_hint: str | None = None
) -> Flow[None]:
    """End a token.

    Args:
        order: Who asks.
        around: The flow's inputs.
        token: The token.
        token_type_hint: `access_token` or `refresh_token`, if that is known.
    """

    def make(context: PluginContext) -> Flow[None]:
        return token_management.revoke(context, order.plugin, token, token_type_hint)

    context = yield from _prepared(order, around, "revocation-uri")
    yield from authenticated(order, around, context, make)


def _prepared(
    order: TokenOrder, around: Surroundings, name: str, *, login: bool = False
) -> Flow[PluginContext]:
    """Prepare a request to an endpoint that not every metadata document lists."""
    context = yield from prepare(order, around, needs=name, login=login)
    if name in context.endpoints or not context.metadata:
        return context
    issuer = order.registration.provider.issuer_uri
    mutual_tls = order.registration.certificate is not None
    found = yield from supplemented(context.metadata, issuer, mutual_tls=mutual_tls)
    return replace(context, endpoints={**found, **context.endpoints})


def _logged_in(
    order: TokenOrder,
    around: Surroundings,
    context: PluginContext,
    make: Callable[[PluginContext], Flow[Granted]],
    request: AuthorizationRequest | None = None,
) -> Flow[Granted]:
    """Get the tokens of a login, with its id_token verified.

    Where none was asked for, or a device's login has none, there is none in the result.

    Raises:
        AuthorizationError: the tokens cannot be had, or must not be trusted.
    """
    if not _wants_id_token(context):
        return without_id_token((yield from authenticated(order, around, context, make)))
    from oauthreg._protocol.id_token import (  # noqa: PLC0415 - it loads cryptography and Authlib
        check_id_token,
        key_set,
    )

    _check_can_verify(context)
    keys = yield from attempts(order, around, context, key_set)
    granted = yield from authenticated(order, around, context, make)
    if request is None and "id_token" not in granted.extra:
        return granted
    check_id_token(
        context,
        keys,
        granted.extra.get("id_token"),
        nonce=None if request is None else request.nonce,
        access_token=granted.access_token,
    )
    return granted


def _wants_id_token(context: PluginContext) -> bool:
    return "openid" in context.registration.scopes


def _check_can_verify(context: PluginContext) -> None:
    from oauthreg._protocol.id_token import check_can_verify  # noqa: PLC0415 - as above

    check_can_verify(context)
