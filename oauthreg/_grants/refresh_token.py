"""Refreshing an access token (RFC 6749 section 6), with rotation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oauthreg._errors import LoginRequiredError
from oauthreg._protocol.requests import token_request

if TYPE_CHECKING:
    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Hooks, PluginContext


def refresh_token(context: PluginContext, hooks: Hooks) -> Flow[Granted]:
    """Use the refresh token, once; without another one in the answer it stays.

    Raises:
        LoginRequiredError: there is no refresh token.
        AuthorizationError: the request cannot be made, or the server refused it.
    """
    if context.refresh_token is None:
        raise LoginRequiredError(
            "there is no refresh token to renew with",
            hint="Log in again, or set the registration's refresh-token.",
        )
    value = context.refresh_token.get_secret_value()
    request = token_request(
        context, hooks, "refresh_token", [("refresh_token", value)], scope=False, single_use=True
    )
    response = yield replace(request, sensitive=(*request.sensitive, value))
    granted = hooks.parse_response(context, response)
    return granted if granted.refresh_token else replace(granted, refresh_token=value)
