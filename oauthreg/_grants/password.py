"""The resource owner password grant (RFC 6749 section 4.3), which the settings must allow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oauthreg._errors import SecretUnavailableError, TokenEndpointError
from oauthreg._grants.refresh_token import refresh_token
from oauthreg._protocol.requests import token_request

if TYPE_CHECKING:
    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Hooks, PluginContext


def password(context: PluginContext, hooks: Hooks) -> Flow[Granted]:
    """Refresh if there is a refresh token that still works, else send the password again.

    Raises:
        SecretUnavailableError: no password is configured.
        AuthorizationError: the request cannot be made, or the server refused it.
    """
    if context.refresh_token is not None:
        try:
            return (yield from refresh_token(context, hooks))
        except TokenEndpointError as error:
            if error.error != "invalid_grant":
                raise
    if context.password is None:
        raise SecretUnavailableError(
            "there is no password to send",
            retryable=False,
            hint=f"Set registration.{context.registration.registration_id}.password-file.",
        )
    value = context.password.get_secret_value()
    fields = [("username", context.registration.username or ""), ("password", value)]
    request = token_request(context, hooks, "password", fields)
    response = yield replace(request, sensitive=(*request.sensitive, value))
    return hooks.parse_response(context, response)
