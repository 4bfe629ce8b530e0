"""Client assertions (RFC 7523): signed anew for every attempt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oauthreg._errors import SecretUnavailableError

if TYPE_CHECKING:
    from oauthreg._flow import TokenRequest
    from oauthreg._protocol.context import PluginContext
    from oauthreg._signing_keys import SigningKey

CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 60.0


def private_key_jwt(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Put an assertion in the body: one read from a file, else one signed with the private key."""
    if context.assertion is not None:
        return with_assertion(context, request, context.assertion.get_secret_value())
    if context.signing_key is None:
        raise _missing(context, "private-key-file, or assertion-file")
    return with_assertion(context, request, client_assertion(context, context.signing_key))


def client_secret_jwt(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Put an assertion in the body, signed with the client secret."""
    if context.secret is None:
        raise _missing(context, "client-secret")
    from oauthreg._signing_keys import secret_key  # noqa: PLC0415 - it loads cryptography

    algorithm = context.registration.signing_algorithm or "HS256"
    key = secret_key(context.secret.get_secret_value(), algorithm)
    return with_assertion(context, request, client_assertion(context, key))


def client_assertion(context: PluginContext, key: SigningKey) -> str:
    """Return an assertion about the client itself (RFC 7523 section 3), good for one attempt."""
    registration = context.registration
    issued = int(context.now)
    claims = {
        "iss": registration.client_id,
        "sub": registration.client_id,
        "aud": audience(context),
        "jti": context.new_id(),
        "iat": issued,
        "exp": issued + int(registration.assertion_lifetime or LIFETIME),
    }
    return key.sign(claims)


def audience(context: PluginContext) -> str:
    """Return whom assertions are for, as one string.

    `assertion-audience`, which the plugin may have set, else the issuer if it is known, else the
    token endpoint.
    """
    said = context.registration.assertion_audience
    if said == "token-uri":
        return context.endpoints["token-uri"]
    return said or context.issuer or context.endpoints["token-uri"]


def with_assertion(context: PluginContext, request: TokenRequest, assertion: str) -> TokenRequest:
    """Return the request with a client assertion in its body, and the client's id."""
    fields = (
        ("client_id", context.registration.client_id),
        ("client_assertion_type", CLIENT_ASSERTION_TYPE),
        ("client_assertion", assertion),
    )
    return replace(
        request,
        form=(*request.form, *fields),
        sensitive=(*request.sensitive, assertion),
        single_use=True,
    )


def audience_hint(context: PluginContext) -> str:
    """Return what to try when a server refuses a signed assertion."""
    path = f"registration.{context.registration.registration_id}.assertion-audience"
    others = [context.issuer, context.endpoints.get("token-uri")]
    candidates = [f'"{url}"' for url in others if url and url != audience(context)]
    return (
        f"The assertion was for {audience(context)}: check the key the server knows, this "
        f"machine's clock, and {path}"
        + (f", perhaps {' or '.join(candidates)}." if candidates else ".")
    )


def _missing(context: PluginContext, what: str) -> SecretUnavailableError:
    return SecretUnavailableError(
        "this client authentication method needs a key, and none is configured",
        retryable=False,
        hint=f"Set registration.{context.registration.registration_id}.{what}.",
    )
