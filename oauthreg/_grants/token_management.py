"""Requests about a token: introspection (RFC 7662) and revocation (RFC 7009)."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from oauthreg._errors import InvalidTokenResponseError
from oauthreg._protocol.refusals import is_success, refusal
from oauthreg._protocol.requests import endpoint, request_to
from oauthreg._protocol.text import json_object

if TYPE_CHECKING:
    from oauthreg._errors import TokenEndpointError
    from oauthreg._flow import Flow, TokenRequest, TokenResponse
    from oauthreg._protocol.context import Hooks, PluginContext
    from oauthreg._reports import Introspection
    from oauthreg._secret_values import Secret

INTROSPECTION_ENDPOINT = "the introspection endpoint"
REVOCATION_ENDPOINT = "the revocation endpoint"
NOTHING_TO_REVOKE = frozenset({"unsupported_token_type", "invalid_token"})


def introspect(context: PluginContext, hooks: Hooks, token: Secret) -> Flow[Introspection]:
    """Ask the authorization server about a token.

    Raises:
        AuthorizationError: the server has no such endpoint, refused, or answered without `active`.
    """
    response = yield _request(context, hooks, "introspection-uri", token)
    fields = json_object(response)
    if response.status != HTTPStatus.OK:
        raise refusal(response, now=context.now, endpoint=INTROSPECTION_ENDPOINT)
    if fields is None or not isinstance(fields.get("active"), bool):
        raise InvalidTokenResponseError(
            f"{INTROSPECTION_ENDPOINT} answered 200 without saying whether the token is active",
            status=response.status,
            hint="Is this the introspection endpoint's address (RFC 7662)?",
        )
    return cast("Introspection", fields)


def revoke(
    context: PluginContext, hooks: Hooks, token: Secret, token_type_hint: str | None = None
) -> Flow[None]:
    """Have the authorization server end a token.

    A token that the server does not know, or cannot revoke, is no error (RFC 7009 section 2.2).

    Args:
        context: The attempt.
        hooks: The provider plugin.
        token: The token.
        token_type_hint: `access_token` or `refresh_token`, if that is known (section 2.1).

    Raises:
        AuthorizationError: the server has no such endpoint, or refused.
    """
    fields = [("token_type_hint", token_type_hint)] if token_type_hint else []
    response: TokenResponse = yield _request(context, hooks, "revocation-uri", token, fields)
    if is_success(response.status):
        return
    error = refusal(response, now=context.now, endpoint=REVOCATION_ENDPOINT)
    if not _is_ended(error):
        raise error


def _is_ended(error: TokenEndpointError) -> bool:
    """Whether a refusal means that there is nothing to revoke."""
    if error.error is None or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return False
    words = f"{error.error} {error.error_description}".lower().replace("_", " ")
    return error.error in NOTHING_TO_REVOKE or ("token" in words and "not found" in words)


def _request(
    context: PluginContext,
    hooks: Hooks,
    name: str,
    token: Secret,
    fields: list[tuple[str, str]] | None = None,
) -> TokenRequest:
    value = token.get_secret_value()
    form = (("token", value), *(fields or ()))
    request = request_to(context, endpoint(context, name), form, sensitive=(value,))
    return replace(hooks.authenticate(context, request), single_use=False)
