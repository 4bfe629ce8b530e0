"""Client authentication (RFC 6749 section 2.3): exactly one method per request."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from oauthreg.errors import SecretUnavailableError

if TYPE_CHECKING:
    from oauthreg.protocol.context import PluginContext
    from oauthreg.wire import TokenRequest

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


def none(context: PluginContext, request: TokenRequest) -> TokenRequest:
    """Name a public client in the body (RFC 6749 section 3.2.1)."""
    return replace(request, form=(*request.form, ("client_id", context.registration.client_id)))


METHODS: Mapping[str, Method] = {
    "client_secret_basic": client_secret_basic,
    "client_secret_post": client_secret_post,
    "none": none,
}
"""Methods by their registered names (RFC 7591 section 2)."""

USES_SECRET = frozenset({"client_secret_basic", "client_secret_post"})


def advertised_method(metadata: Mapping[str, object]) -> str | None:
    """Return the method to use by an issuer's metadata (RFC 8414 section 2).

    Basic if the metadata says nothing or lists it, else post, else none; None if the server
    offers only methods that need more than a secret, so that the settings must choose.
    """
    offered = metadata.get("token_endpoint_auth_methods_supported")
    if not isinstance(offered, list) or not offered:
        return "client_secret_basic"
    return next((method for method in METHODS if method in offered), None)


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
