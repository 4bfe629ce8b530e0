"""What else can be done with a token: introspection (RFC 7662), revocation (RFC 7009)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oauthreg._errors import InvalidTokenResponseError
from oauthreg._flow import TokenRequest
from oauthreg._protocol.requests import endpoint
from oauthreg._protocol.responses import json_object, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._flow import Flow, TokenResponse
    from oauthreg._protocol.context import Hooks, PluginContext


def introspect(context: PluginContext, hooks: Hooks, token_value: str) -> Flow[Mapping[str, Any]]:
    """Ask the authorization server about a token.

    Raises:
        AuthorizationError: the server has no such endpoint, refused, or answered without `active`.
    """
    response = yield _request(context, hooks, "introspection-uri", token_value)
    fields = json_object(response)
    if response.status != 200:  # noqa: PLR2004 - OK
        raise refusal(response, now=context.now)
    if fields is None or not isinstance(fields.get("active"), bool):
        raise InvalidTokenResponseError(
            "the introspection endpoint answered without saying whether the token is active",
            status=response.status,
        )
    return fields


def revoke(context: PluginContext, hooks: Hooks, token_value: str) -> Flow[None]:
    """Have the authorization server end a token; one that it does not know is no error.

    Raises:
        AuthorizationError: the server has no such endpoint, or refused.
    """
    response: TokenResponse = yield _request(context, hooks, "revocation-uri", token_value)
    if not 200 <= response.status < 300:  # noqa: PLR2004 - the class of success statuses
        raise refusal(response, now=context.now)


def _request(context: PluginContext, hooks: Hooks, name: str, token_value: str) -> TokenRequest:
    registration = context.registration
    request = TokenRequest(
        url=endpoint(context, name),
        form=(("token", token_value),),
        headers=tuple(registration.headers.items()),
        certificate=registration.certificate,
        sensitive=(token_value,),
    )
    return replace(hooks.authenticate(context, request), single_use=False)
