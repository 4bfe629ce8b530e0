"""Login flows (code, device), introspection and revocation: run for one caller, never shared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from oauthreg._discovery import endpoints
from oauthreg._errors import AuthorizationError, CallbackError
from oauthreg._flow import NeedMetadata
from oauthreg._grants import authorization_code, device_code
from oauthreg._grants.callback import read_callback
from oauthreg._grants.table import GRANTS
from oauthreg._protocol.binding import read_certificate
from oauthreg._protocol.hints import LOG_IN_AGAIN
from oauthreg._protocol.responses import granted_from, without_id_token
from oauthreg._renewal.flow_inputs import prepare
from oauthreg._renewal.token_flow import attempts, authenticated
from oauthreg._secret_values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._flow import Flow, Granted
    from oauthreg._grants.authorization_code import AuthorizationRequest
    from oauthreg._grants.device_code import DeviceAuthorization
    from oauthreg._protocol.context import PluginContext
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.flow_inputs import FlowInputs
    from oauthreg._reports import Introspection


def authorization_request(
    fetch: TokenFetch, inputs: FlowInputs, redirect_uri: str
) -> Flow[AuthorizationRequest]:
    """Begin a login by the browser."""
    response_type = GRANTS[fetch.registration.authorization_grant_type].response_type or "code"

    def make(context: PluginContext) -> Flow[AuthorizationRequest]:
        return authorization_code.begin(
            context, fetch.plugin, redirect_uri=redirect_uri, response_type=response_type
        )

    context = yield from prepare(fetch, inputs, needs="authorization-uri", login=True)
    if _wants_id_token(context) and response_type == "code":
        _check_can_verify(context)
    return (yield from authenticated(fetch, inputs, context, make))


def complete(
    fetch: TokenFetch, inputs: FlowInputs, request: AuthorizationRequest, callback_url: Secret
) -> Flow[Granted]:
    """End a login by the browser: check the callback, and get the tokens.

    Raises:
        CallbackError: the callback does not belong to the request, or is an error.
        AuthorizationError: the tokens cannot be had.
    """
    context = yield from prepare(fetch, inputs, login=True)
    callback = read_callback(context, request, callback_url)
    response_type = GRANTS[fetch.registration.authorization_grant_type].response_type
    if request.response_type != response_type:
        raise CallbackError(
            f"this login was begun for {request.response_type}, and the registration's grant has "
            f"{response_type} as response_type",
            hint=LOG_IN_AGAIN,
        )
    if response_type == "token":
        granted = without_id_token(granted_from(callback.as_mapping()))
        yield from read_certificate(fetch.registration, granted)
        return granted
    code = Secret(callback.get("code"))
    if not code:
        raise authorization_code.no_code()

    def make(context: PluginContext) -> Flow[Granted]:
        return authorization_code.redeem(context, fetch.plugin, request, code)

    granted = yield from _logged_in(fetch, inputs, context, make, request=request)
    yield from read_certificate(fetch.registration, granted)
    return granted


def device_authorization(fetch: TokenFetch, inputs: FlowInputs) -> Flow[DeviceAuthorization]:
    """Begin a login on another device."""

    def make(context: PluginContext) -> Flow[DeviceAuthorization]:
        return device_code.authorize_device(context, fetch.plugin)

    context = yield from _prepared(fetch, inputs, "device-authorization-uri", login=True)
    return (yield from authenticated(fetch, inputs, context, make))


def poll(fetch: TokenFetch, inputs: FlowInputs, device: DeviceAuthorization) -> Flow[Granted]:
    """Wait for a login on another device, and get the tokens."""

    def make(context: PluginContext) -> Flow[Granted]:
        return device_code.poll_device(context, fetch.plugin, device, now=inputs.wall)

    context = yield from prepare(fetch, inputs, login=True)
    granted = yield from _logged_in(fetch, inputs, context, make)
    yield from read_certificate(fetch.registration, granted)
    return granted


def introspect(fetch: TokenFetch, inputs: FlowInputs, token: Secret) -> Flow[Introspection]:
    """Ask about a token."""

    def make(context: PluginContext) -> Flow[Introspection]:
        return cast("Flow[Introspection]", fetch.plugin.introspect(context, token))

    context = yield from _prepared(fetch, inputs, "introspection-uri")
    return (yield from authenticated(fetch, inputs, context, make))


def revoke(
    fetch: TokenFetch, inputs: FlowInputs, token: Secret, token_type_hint: str | None = None
) -> Flow[None]:
    """End a token.

    Args:
        fetch: Who asks.
        inputs: The flow's inputs.
        token: The token.
        token_type_hint: `access_token` or `refresh_token`, if that is known.
    """

    def make(context: PluginContext) -> Flow[None]:
        return fetch.plugin.revoke(context, token, token_type_hint)

    context = yield from _prepared(fetch, inputs, "revocation-uri")
    yield from authenticated(fetch, inputs, context, make)


def _prepared(
    fetch: TokenFetch, inputs: FlowInputs, name: str, *, login: bool = False
) -> Flow[PluginContext]:
    """Prepare a request to an endpoint that not every metadata document lists."""
    context = yield from prepare(fetch, inputs, needs=name, login=login)
    if name in context.endpoints or not context.metadata:
        return context
    if fetch.registration.provider.issuer_uri is None:
        return context
    try:
        further = yield NeedMetadata(supplement=True)
    except AuthorizationError:  # the address is missing then, and that error says what to set
        return context
    mutual_tls = fetch.registration.certificate is not None
    found = endpoints({**further, **context.metadata}, mutual_tls=mutual_tls)
    return replace(context, endpoints={**found, **context.endpoints})


def _logged_in(
    fetch: TokenFetch,
    inputs: FlowInputs,
    context: PluginContext,
    make: Callable[[PluginContext], Flow[Granted]],
    request: AuthorizationRequest | None = None,
) -> Flow[Granted]:
    """Get the tokens of a login, with its id_token verified.

    There is none in the result where none was asked for; and after a device's login where the
    answer has none, or the issuer or its keys are not known.

    Raises:
        AuthorizationError: the tokens cannot be had, or must not be trusted.
    """
    verifiable = context.issuer is not None and "jwk-set-uri" in context.endpoints
    if not _wants_id_token(context) or (request is None and not verifiable):
        return without_id_token((yield from authenticated(fetch, inputs, context, make)))
    from oauthreg._protocol.id_token import (  # noqa: PLC0415 - it loads cryptography and Authlib
        check_id_token,
        key_set,
    )

    _check_can_verify(context)
    if request is not None and not request.nonce:
        raise CallbackError(
            "this login was begun without the scope openid, which has been added since",
            hint=LOG_IN_AGAIN,
        )
    keys = yield from attempts(fetch, inputs, context, key_set)
    granted = yield from authenticated(fetch, inputs, context, make)
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
