"""Token exchange (RFC 8693): one token for another, about the same subject."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oauthreg._errors import SecretUnavailableError
from oauthreg._protocol.requests import token_request

if TYPE_CHECKING:
    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Hooks, PluginContext

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def token_exchange(context: PluginContext, hooks: Hooks) -> Flow[Granted]:
    """Exchange the subject token; `parameters` may name another type than access tokens.

    Raises:
        SecretUnavailableError: there is no subject token.
        AuthorizationError: the request cannot be made, or the server refused it.
    """
    if context.subject_token is None:
        raise SecretUnavailableError(
            "there is no subject token to exchange",
            retryable=False,
            hint="Pass subject_token=, or set the registration's subject-token.",
        )
    subject = context.subject_token.get_secret_value()
    fields = [("subject_token", subject), ("subject_token_type", ACCESS_TOKEN)]
    sensitive = [subject]
    if context.actor_token is not None:
        actor = context.actor_token.get_secret_value()
        fields += [("actor_token", actor), ("actor_token_type", ACCESS_TOKEN)]
        sensitive.append(actor)
    request = token_request(context, hooks, TOKEN_EXCHANGE, fields)
    response = yield replace(request, sensitive=(*request.sensitive, *sensitive))
    return hooks.parse_response(context, response)
