"""Client assertions (RFC 7523): signed anew for every attempt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oauthreg._addresses import origin_of
from oauthreg._errors import AuthorizationError, SecretUnavailableError, TokenEndpointError
from oauthreg._protocol.requests import endpoint, with_client_id
from oauthreg._protocol.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oauthreg._flow import TokenRequest
    from oauthreg._protocol.context import PluginContext
    from oauthreg._signing_keys.signing_key import SigningKey

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 60.0
ASSERTION_METHODS = frozenset({"client_secret_jwt", "private_key_jwt"})
SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")


def private_key_jwt(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Put an assertion in the body: one read from a file, else one signed with the private key."""
    if context.assertion is not None:
        return with_assertion(context, request, context.assertion.get_secret_value())
    if context.signing_key is None:
        raise _missing(context, "private-key-file, or assertion-file")
    offered = _offered_algorithms(context, request.url)
    key = context.signing_key.for_server(offered)
    if key is None:
        raise _no_algorithm(context, offered, context.signing_key)
    return with_assertion(context, request, client_assertion(context, key, request.url))


def client_secret_jwt(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Put an assertion in the body, signed with the client secret."""
    if context.secret is None:
        raise _missing(context, "client-secret")
    from oauthreg._signing_keys.keys import secret_key  # noqa: PLC0415 - it loads cryptography

    offered = [
        name for name in _offered_algorithms(context, request.url) if name in SECRET_ALGORITHMS
    ]
    algorithm = context.registration.signing_algorithm or (offered or SECRET_ALGORITHMS)[0]
    key = secret_key(context.secret.get_secret_value(), algorithm)
    return with_assertion(context, request, client_assertion(context, key, request.url))


def client_assertion(context: PluginContext, key: SigningKey, url: str) -> str:
    """Return an assertion about the client itself (RFC 7523 section 3), good for one attempt.

    Args:
        context: The attempt.
        key: What signs it.
        url: The endpoint that it is sent to.
    """
    registration = context.registration
    issued = int(context.now)
    claims = {
        "iss": registration.client_id,
        "sub": registration.client_id,
        "aud": audience(context, url),
        "jti": context.new_id(),
        "iat": issued,
        "exp": issued + int(registration.assertion_lifetime or LIFETIME),
    }
    return key.sign(claims)


def audience(context: PluginContext, url: str) -> str:
    """Return the audience of an assertion, one string.

    `assertion-audience`, which the plugin may have set, else the issuer if it is known, else the
    token endpoint. Of the setting, `token-uri` means the token endpoint's address and `endpoint`
    that of the endpoint which the assertion is sent to.
    """
    configured = context.registration.assertion_audience
    if configured == "endpoint":
        return url
    if configured == "token-uri" or not (configured or context.issuer):
        return endpoint(context, "token-uri")
    return configured or context.issuer or ""


def has_second_audience(context: PluginContext) -> bool:
    """Whether a refused assertion may be sent once more, with the token endpoint as audience.

    It may where that is on the issuer's own origin and the audience was not configured. (The
    issuer comes first: a hostile server can choose its endpoint's address, but not its issuer.)
    """
    issuer, token_uri = context.issuer, context.endpoints.get("token-uri")
    if context.registration.assertion_audience or not issuer or not token_uri:
        return False
    try:
        return origin_of(issuer) == origin_of(token_uri) and token_uri != issuer
    except ValueError:
        return False


def refuses_assertion(context: PluginContext, error: AuthorizationError) -> bool:
    """Whether an assertion that was signed here was refused, the client's or the grant's."""
    if not isinstance(error, TokenEndpointError) or error.retry_after is not None:
        return False
    registration = context.registration
    client = registration.client_authentication_method in ASSERTION_METHODS
    grant = registration.authorization_grant_type == JWT_BEARER and context.subject_token is None
    return (client and context.assertion is None and error.credential_refused) or (
        grant and error.error == "invalid_grant"
    )


def with_assertion(context: PluginContext, request: TokenRequest, assertion: str) -> TokenRequest:
    """Return the request with a client assertion in its body, and the client's id."""
    named = with_client_id(context, request)
    fields = (("client_assertion_type", CLIENT_ASSERTION_TYPE), ("client_assertion", assertion))
    return replace(
        named,
        form=(*named.form, *fields),
        sensitive=(*request.sensitive, assertion),
        single_use=True,
    )


def audience_hint(context: PluginContext) -> str:
    """Return what to try when a server refuses a signed assertion."""
    if context.assertion is not None:
        return (
            f"The assertion came from registration.{context.registration.registration_id}."
            "assertion-file: check its issuer, subject, audience and times."
        )
    path = f"registration.{context.registration.registration_id}.assertion-audience"
    configured = context.registration.assertion_audience
    url = context.endpoints.get("token-uri", "")
    current = audience(context, url) if configured != "endpoint" else "each endpoint's own address"
    others = [f'"{one}"' for one in (context.issuer, url) if one and one != current]
    others += ['"endpoint"'] if configured != "endpoint" else []
    return (
        f"The assertion's audience was {current}: check the key that the server knows, this "
        f"machine's clock, and {path}" + (f", perhaps {' or '.join(others)}." if others else ".")
    )


def _offered_algorithms(context: PluginContext, url: str) -> tuple[str, ...]:
    """Return the algorithms that the metadata lists for assertions, in its order.

    Those of the endpoint that is asked, else those of the token endpoint (RFC 8414 section 2).
    """
    endpoints = ["token"]
    for name in ("introspection", "revocation"):
        if context.endpoints.get(f"{name}-uri") == url:
            endpoints.insert(0, name)
    for name in endpoints:
        listed = context.metadata.get(f"{name}_endpoint_auth_signing_alg_values_supported")
        values = listed if isinstance(listed, list) else []
        offered = tuple(value for value in values if isinstance(value, str))
        if offered:
            return offered
    return ()


def _no_algorithm(
    context: PluginContext, listed: Sequence[str], key: SigningKey
) -> AuthorizationError:
    offered = ", ".join(clean(name, 20) for name in listed)
    path = f"registration.{context.registration.registration_id}"
    return AuthorizationError(
        f"by its metadata the server takes assertions signed with {offered} only, and the "
        f"private key can sign with {', '.join(key.choices)}",
        hint=f"Set {path}.private-key-file to a key that fits, or {path}.signing-algorithm if the "
        "metadata is wrong.",
    )


def _missing(context: PluginContext, what: str) -> SecretUnavailableError:
    return SecretUnavailableError(
        "this client authentication method needs a key, and none is configured",
        retryable=False,
        hint=f"Set registration.{context.registration.registration_id}.{what}.",
    )
