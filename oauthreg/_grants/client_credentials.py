"""The client credentials grant (RFC 6749 section 4.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oauthreg._protocol.requests import token_request

if TYPE_CHECKING:
    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Hooks, PluginContext


def client_credentials(context: PluginContext, hooks: Hooks) -> Flow[Granted]:
    """Ask for a token of the client itself; a refresh token in the answer is dropped.

    Raises:
        AuthorizationError: the request cannot be made, or the server refused it.
    """
    request = token_request(context, hooks, hooks.grant_type or "client_credentials")
    response = yield request
    granted = hooks.parse_response(context, response)
    return replace(granted, refresh_token=None)
