"""The JWT bearer grant (RFC 7523 section 2.1): an assertion instead of a login."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oauthreg._errors import SecretUnavailableError
from oauthreg._protocol.assertions import JWT_BEARER, LIFETIME, audience
from oauthreg._protocol.requests import endpoint, token_request

if TYPE_CHECKING:
    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Hooks, PluginContext


def jwt_bearer(context: PluginContext, hooks: Hooks) -> Flow[Granted]:
    """Send the subject's assertion, else one signed with the private key about `username`.

    Raises:
        SecretUnavailableError: there is neither an assertion nor a key to sign one.
        AuthorizationError: the request cannot be made, or the server refused it.
    """
    assertion = _assertion(context)
    request = token_request(context, hooks, JWT_BEARER, [("assertion", assertion)], single_use=True)
    response = yield replace(request, sensitive=(*request.sensitive, assertion))
    return hooks.parse_response(context, response)


def _assertion(context: PluginContext) -> str:
    if context.subject_token is not None:
        return context.subject_token.get_secret_value()
    if context.signing_key is None:
        raise SecretUnavailableError(
            "there is neither an assertion to send nor a private key to sign one",
            retryable=False,
            hint="Set the registration's subject-token-file or private-key-file.",
        )
    registration = context.registration
    issued = int(context.now)
    claims = {
        "iss": registration.client_id,
        "sub": registration.username or registration.client_id,
        "aud": audience(context, endpoint(context, "token-uri")),
        "jti": context.new_id(),
        "iat": issued,
        "exp": issued + int(registration.assertion_lifetime or LIFETIME),
    }
    return context.signing_key.sign(claims)
