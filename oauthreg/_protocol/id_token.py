"""The id_token of a login, verified (OpenID Connect Core 1.0 section 3.1.3.7)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import (
    BadSignatureError,
    ExpiredTokenError,
    InvalidClaimError,
    JoseError,
    MissingClaimError,
)
from joserfc.jwk import JWKRegistry

from oauthreg._errors import AuthorizationError, CallbackError, InvalidTokenResponseError
from oauthreg._protocol.refusals import refusal
from oauthreg._protocol.requests import endpoint, request_to
from oauthreg._protocol.text import clean, json_object
from oauthreg._signing_keys.jws import AlgorithmRegistry
from oauthreg._signing_keys.keys import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from joserfc.jwk import Key

    from oauthreg._flow import Flow
    from oauthreg._protocol.context import PluginContext

LEEWAY = 60
OLDEST = 86400  # seconds since a token was issued that has just arrived
SHORTEST_RSA = 2048  # bits
BITS_OF_BASE64 = 6
ACCEPTED = [name for names in ALGORITHMS.values() for name in names]
HASHED = ("256", "384", "512", "EdDSA")  # ends of algorithm names that imply a hash, for at_hash


def check_can_verify(context: PluginContext) -> None:
    """Refuse a login with the scope openid whose id_token could not be verified.

    Raises:
        AuthorizationError: the issuer or the address of its keys is not known.
    """
    if context.issuer is None:
        provider = context.registration.provider.name
        raise AuthorizationError(
            "the scope has openid, and the issuer that its id_token must name is not known",
            hint=f"Set provider.{provider}.issuer-uri, or leave openid out of the scope.",
        )
    endpoint(context, "jwk-set-uri")


def key_set(context: PluginContext) -> Flow[Mapping[str, Any]]:
    """Fetch the issuer's public keys (RFC 7517), before the code is used.

    Raises:
        AuthorizationError: there is no answer, or it is no JWK set.
    """
    url = endpoint(context, "jwk-set-uri")
    response = yield request_to(context, url, (), method="GET")
    if response.status != HTTPStatus.OK:
        raise refusal(response, now=context.now, endpoint="the address of the issuer's keys")
    keys = json_object(response)
    if keys is None:
        raise InvalidTokenResponseError(
            "the address of the issuer's keys answered 200 without a JSON object",
            status=response.status,
            hint=f"Check provider.{context.registration.provider.name}.jwk-set-uri.",
        )
    return keys


def check_id_token(
    context: PluginContext,
    keys: Mapping[str, Any],
    id_token: object,
    *,
    nonce: str | None,
    access_token: str | None = None,
) -> Mapping[str, Any]:
    """Verify signature, issuer, audience, times, nonce and at_hash; return the claims.

    Args:
        context: The login.
        keys: The issuer's public keys.
        id_token: The id_token of the answer.
        nonce: The nonce of the authorization request; None where the login sends none.
        access_token: The access token that came with it.

    Raises:
        CallbackError: there is no id_token, or it must not be trusted; the text says why.
    """
    if not isinstance(id_token, str):
        raise CallbackError(
            "the scope asks for openid, and the answer has no id_token",
            hint="Allow the scope openid for the client at the server, or leave it out.",
        )
    check_can_verify(context)
    try:
        token = verified(id_token, keys)
        hashed = str(token.header.get("alg")).endswith(HASHED)
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": context.issuer},
                "sub": {"essential": True},
                "aud": {"essential": True, "value": context.registration.client_id},
            },
            params={
                "nonce": nonce,
                "client_id": context.registration.client_id,
                "access_token": access_token if hashed else None,
            },
        )
        claims.validate(now=int(context.now), leeway=LEEWAY)
        if claims["iat"] < context.now - OLDEST:
            raise InvalidClaimError("iat")
    except (JoseError, ValueError, KeyError, TypeError) as error:
        failure = CallbackError(f"the id_token must not be trusted: {_words(error)}")
    else:
        return token.claims
    raise failure


def verified(token: str, key_set: Mapping[str, Any]) -> jwt.Token:
    """Return a compact JWS that one of a JWK set's public keys signed.

    Without a `kid` every key that fits the algorithm is tried.

    Raises:
        joserfc.errors.JoseError: none of them did, or the algorithm is not asymmetric.
        ValueError: it is no JWS.
    """
    registry = AlgorithmRegistry(algorithms=ACCEPTED)
    kid = jws.extract_compact(token.encode(), registry=registry).headers().get("kid")
    failure: JoseError = BadSignatureError()
    for key in _keys(key_set):
        if kid is None or key.kid in (kid, None):
            try:
                return jwt.decode(token, key, registry=registry)
            except JoseError as error:
                failure = error
    raise failure


def _keys(key_set: Mapping[str, Any]) -> Iterator[Key]:
    """Give the keys of a set that may verify a signature; others are passed over."""
    listed = key_set.get("keys")
    for item in listed if isinstance(listed, list) else ():
        if not isinstance(item, dict) or item.get("use") not in (None, "sig") or _is_short(item):
            continue
        try:
            yield JWKRegistry.import_key(item)
        except (JoseError, ValueError, KeyError, TypeError):
            continue


def _is_short(jwk: Mapping[str, Any]) -> bool:
    """Whether it is an RSA key of less than 2048 bits (RFC 7518 section 3.3)."""
    modulus = jwk.get("n")
    return isinstance(modulus, str) and len(modulus) * BITS_OF_BASE64 < SHORTEST_RSA


def _words(error: Exception) -> str:
    claim = clean(str(getattr(error, "claim", "")), 40)
    if isinstance(error, MissingClaimError):
        return f"it has no {claim}"
    if isinstance(error, ExpiredTokenError):
        return "it has expired"
    if isinstance(error, InvalidClaimError):
        return f"its {claim} is not that of this login"
    if isinstance(error, BadSignatureError):
        return "no key of the issuer has signed it"
    return f"it is no JWT that can be verified ({type(error).__name__.removesuffix('Error')})"
