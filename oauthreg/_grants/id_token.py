"""The id_token of a login, checked (OpenID Connect Core 1.0 section 3.1.3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from oauthreg._errors import CallbackError
from oauthreg._flow import TokenRequest
from oauthreg._protocol.requests import endpoint
from oauthreg._protocol.responses import json_object, refusal
from oauthreg._signing_keys import verified

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._flow import Flow
    from oauthreg._protocol.context import PluginContext

LEEWAY = 60


def key_set(context: PluginContext) -> Flow[Mapping[str, Any]]:
    """Fetch the issuer's public keys (RFC 7517), before a code is spent on what they verify.

    Raises:
        AuthorizationError: they are not to be had.
    """
    response = yield TokenRequest(url=endpoint(context, "jwk-set-uri"), method="GET")
    if response.status != 200:  # noqa: PLR2004 - OK
        raise refusal(response, now=context.now)
    return json_object(response) or {}


def check_id_token(
    context: PluginContext, keys: Mapping[str, Any], id_token: object, nonce: str | None
) -> Mapping[str, Any]:
    """Verify signature, issuer, audience, times and nonce; return the claims.

    Raises:
        CallbackError: there is no id_token, or something of it is wrong; the text says what.
    """
    if not isinstance(id_token, str):
        raise CallbackError("the scope asks for openid, but the answer has no id_token")
    try:
        claims = verified(id_token, keys)
        JWTClaimsRegistry(
            now=int(context.now),
            leeway=LEEWAY,
            iss={"essential": True, "value": str(context.issuer or claims.get("iss"))},
            sub={"essential": True},
            aud={"essential": True, "value": context.registration.client_id},
            exp={"essential": True},
        ).validate(claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise CallbackError(f"the id_token is not to be trusted: {_words(error)}") from None
    if nonce is not None and claims.get("nonce") != nonce:
        raise CallbackError("the id_token's nonce is not the one of this login")
    party = claims.get("azp")
    if party not in (None, context.registration.client_id):
        raise CallbackError("the id_token was made for another client (azp)")
    return claims


def _words(error: Exception) -> str:
    claim = getattr(error, "claim", None)
    name = type(error).__name__.removesuffix("Error")
    return f"{name} ({claim})" if claim else name
