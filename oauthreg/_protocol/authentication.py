"""Client authentication (RFC 6749 section 2.3): exactly one method per request."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from oauthreg._errors import SecretUnavailableError
from oauthreg._protocol.assertions import audience_hint, client_secret_jwt, private_key_jwt

if TYPE_CHECKING:
    from oauthreg._flow import TokenRequest
    from oauthreg._protocol.context import PluginContext
    from oauthreg._registration import ClientRegistration
    from oauthreg._secret_values import SecretSource
    from oauthreg._signing_keys import KeySource

Method = Callable[["PluginContext", "TokenRequest"], "TokenRequest"]


def client_secret_basic(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Put id and secret in a Basic header.

    Both are percent-encoded as RFC 6749 section 2.3.1 wants, a space as %20, which form-decoding
    and percent-decoding servers read alike; `basic-encoding = "raw"` sends them as they are.
    """
    encode = _percent if context.registration.basic_encoding == "form" else str
    secret = _secret(context)
    pair = f"{encode(context.registration.client_id)}:{encode(secret)}"
    credentials = b64encode(pair.encode()).decode("ascii")
    return replace(
        request,
        headers=(*request.headers, ("Authorization", f"Basic {credentials}")),
        sensitive=(*request.sensitive, secret, encode(secret), credentials),
    )


def client_secret_post(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Put id and secret in the body."""
    secret = _secret(context)
    fields = (("client_id", context.registration.client_id), ("client_secret", secret))
    return replace(
        request,
        form=(*request.form, *fields),
        sensitive=(*request.sensitive, secret, _percent(secret)),
    )


def mutual_tls(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Name the client in the body; the certificate on the connection is its credential.

    For tls_client_auth and self_signed_tls_client_auth (RFC 8705 section 2).
    """
    if request.certificate is None:
        registration_id = context.registration.registration_id
        raise SecretUnavailableError(
            "this client authentication method needs a client certificate",
            retryable=False,
            hint=f"Set registration.{registration_id}.certificate-file and -key-file.",
        )
    return none(context, request)


def none(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Name a public client in the body (RFC 6749 section 3.2.1)."""
    return replace(request, form=(*request.form, ("client_id", context.registration.client_id)))


METHODS: Mapping[str, Method] = {
    "client_secret_basic": client_secret_basic,
    "client_secret_post": client_secret_post,
    "client_secret_jwt": client_secret_jwt,
    "private_key_jwt": private_key_jwt,
    "tls_client_auth": mutual_tls,
    "self_signed_tls_client_auth": mutual_tls,
    "none": none,
}
"""Methods by their registered names (RFC 7591 section 2, RFC 8705 section 2)."""

SECRET_METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt")
KEY_METHODS = ("private_key_jwt",)
CERTIFICATE_METHODS = ("tls_client_auth", "self_signed_tls_client_auth")
ASSERTION_METHODS = frozenset({"client_secret_jwt", "private_key_jwt"})


def credential_sources(
    registration: ClientRegistration,
) -> tuple[str, tuple[SecretSource | KeySource, ...]]:
    """Return which field of a context the method's credential fills, and where it is read from."""
    method = registration.client_authentication_method
    if method in SECRET_METHODS:
        return "secret", registration.client_secrets
    if method in KEY_METHODS and registration.assertion is not None:
        return "assertion", (registration.assertion,)
    if method in KEY_METHODS and registration.signing_key is not None:
        return "signing_key", (registration.signing_key,)
    return "", ()


def advertised_method(
    registration: ClientRegistration, metadata: Mapping[str, object]
) -> str | None:
    """Return the method that fits the registration's credential and the issuer's metadata.

    The first that the metadata lists (RFC 8414 section 2); if it lists none at all, the most
    common one for that kind of credential. None if the server takes no method that fits.
    """
    if registration.signing_key is not None or registration.assertion is not None:
        fitting: tuple[str, ...] = KEY_METHODS
    elif registration.client_secrets:
        fitting = SECRET_METHODS
    elif registration.certificate is not None:
        fitting = CERTIFICATE_METHODS
    else:
        return "none"
    offered = metadata.get("token_endpoint_auth_methods_supported")
    if not isinstance(offered, list) or not offered:
        return fitting[0]
    return next((method for method in fitting if method in offered), None)


def refusal_hint(context: PluginContext) -> str | None:
    """Return what to try when a credential was refused that servers read in different ways."""
    registration = context.registration
    method = registration.client_authentication_method
    if method in ASSERTION_METHODS:
        return audience_hint(context)
    if method != "client_secret_basic" or context.secret is None:
        return None
    values = (registration.client_id, context.secret.get_secret_value())
    if all(_percent(value) == value for value in values):
        return None
    other = "raw" if registration.basic_encoding == "form" else "form"
    path = f"registration.{registration.registration_id}"
    return (
        "The id or secret has characters that servers decode in different ways: "
        f'try {path}.basic-encoding = "{other}", or client-authentication-method = '
        '"client_secret_post".'
    )


def _secret(context: PluginContext) -> str:
    if context.secret is None:
        registration_id = context.registration.registration_id
        raise SecretUnavailableError(
            "this client authentication method needs a client secret, and none is configured",
            retryable=False,
            hint=f"Set registration.{registration_id}.client-secret.",
        )
    return context.secret.get_secret_value()


def _percent(text: str) -> str:
    return quote(text, safe="")
