"""Client authentication (RFC 6749 section 2.3): exactly one method per request."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from oauthreg._errors import AuthorizationError, SecretUnavailableError
from oauthreg._protocol.assertions import client_secret_jwt, private_key_jwt
from oauthreg._protocol.requests import with_client_id
from oauthreg._protocol.text import clean

if TYPE_CHECKING:
    from oauthreg._flow import TokenRequest
    from oauthreg._protocol.context import PluginContext
    from oauthreg._registration import ClientRegistration
    from oauthreg._secret_values import ChainedToken, SecretSource
    from oauthreg._signing_keys.sources import KeySource

Method = Callable[["PluginContext", "TokenRequest"], "TokenRequest"]


def client_secret_basic(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Put id and secret in a Basic header.

    Both are percent-encoded as RFC 6749 section 2.3.1 wants, a space as %20, which form-decoding
    and percent-decoding servers read alike; `basic-encoding = "raw"` sends them as they are.
    """
    encode = percent_encoded if context.registration.basic_encoding == "form" else str
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
    named = with_client_id(context, request)
    return replace(
        named,
        form=(*named.form, ("client_secret", secret)),
        sensitive=(*request.sensitive, secret, percent_encoded(secret)),
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
            hint=f"Set registration.{registration_id}.certificate-file and certificate-key-file.",
        )
    return none(context, request)


def none(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Name a public client in the body (RFC 6749 section 3.2.1)."""
    return with_client_id(context, request)


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


def credential_sources(
    registration: ClientRegistration,
) -> tuple[str, tuple[SecretSource | ChainedToken | KeySource, ...]]:
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

    The first that the metadata lists (RFC 8414 section 2). If it lists none at all, or only `none`,
    the most common one for that kind of credential. None if the server takes only methods that
    want another kind of credential.
    """
    _, fitting = _credential(registration)
    offered = offered_methods(metadata)
    if not fitting:
        return "none"
    if not offered - {"none"}:
        return fitting[0]
    return next((method for method in fitting if method in offered), None)


def offered_methods(metadata: Mapping[str, object]) -> frozenset[str]:
    """Return the methods that the metadata lists, in lower case; a single string is a list."""
    listed = metadata.get("token_endpoint_auth_methods_supported")
    values = [listed] if isinstance(listed, str) else listed
    if not isinstance(values, list):
        return frozenset()
    return frozenset(value.lower() for value in values if isinstance(value, str))


def unusable_method(context: PluginContext) -> AuthorizationError:
    """Return the error of a registration whose method is unknown, or for which none was found."""
    registration = context.registration
    path = f"registration.{registration.registration_id}"
    name = registration.client_authentication_method
    if name:
        return AuthorizationError(
            f"client authentication method: {name!r} is not supported",
            hint=f"Set {path}.client-authentication-method to one of {', '.join(METHODS)}.",
        )
    kind, _ = _credential(registration)
    offered = ", ".join(clean(one, 100) for one in sorted(offered_methods(context.metadata)))
    return AuthorizationError(
        f"the server takes only {offered or 'none'} as client authentication method (by its "
        f"metadata), and this registration has {kind}",
        hint=f"Give {path} the credential of such a method, or set "
        f"{path}.client-authentication-method if the metadata is wrong.",
    )


def _credential(registration: ClientRegistration) -> tuple[str, tuple[str, ...]]:
    """Return which kind of credential a registration has, and the methods that use it."""
    if registration.signing_key is not None:
        return "a private-key", KEY_METHODS
    if registration.assertion is not None:
        return "an assertion-file", KEY_METHODS
    if registration.client_secrets:
        return "a client-secret", SECRET_METHODS
    if registration.certificate is not None:
        return "a client certificate", CERTIFICATE_METHODS
    return "no credential", ()


def _secret(context: PluginContext) -> str:
    if context.secret is None:
        registration_id = context.registration.registration_id
        raise SecretUnavailableError(
            "this client authentication method needs a client secret, and none is configured",
            retryable=False,
            hint=f"Set registration.{registration_id}.client-secret.",
        )
    return context.secret.get_secret_value()


def percent_encoded(text: str) -> str:
    return quote(text, safe="")
