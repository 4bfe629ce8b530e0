"""Closed vocabularies of the settings, and the other words that people know them by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg._suggestions import close_to, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

METHODS_MEANT = {
    "basic": "client_secret_basic",
    "basic_auth": "client_secret_basic",
    "header": "client_secret_basic",
    "post": "client_secret_post",
    "form": "client_secret_post",
    "body": "client_secret_post",
    "secret": "client_secret_basic",
    "client_secret": "client_secret_basic",
    "jwt": "private_key_jwt",
    "private_key": "private_key_jwt",
    "certificate": "tls_client_auth",
    "mtls": "tls_client_auth",
    "tls": "tls_client_auth",
    "public": "none",
}
SIGNING_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
    *("EdDSA", "Ed25519", "Ed448", "HS256", "HS384", "HS512"),
)
"""Of `_signing_keys.ALGORITHMS`, which loads cryptography; the last are for secrets."""

GRANTS_MEANT = {
    "client": "client_credentials",
    "machine": "client_credentials",
    "m2m": "client_credentials",
    "code": "authorization_code",
    "login": "authorization_code",
    "pkce": "authorization_code",
    "device": "device_code",
    "refresh": "refresh_token",
    "exchange": "token-exchange",
    "on_behalf_of": "token-exchange",
    "jwt": "jwt-bearer",
    "saml2_bearer": "jwt-bearer",
    "resource_owner": "password",
}
KEYS_MEANT = {
    "auth-method": "client-authentication-method",
    "authentication-method": "client-authentication-method",
    "client-auth-method": "client-authentication-method",
    "token-endpoint-auth-method": "client-authentication-method",
    "flow": "authorization-grant-type",
    "grant": "authorization-grant-type",
    "grant-types": "authorization-grant-type",
    "appid": "client-id",
    "app-id": "client-id",
    "application-id": "client-id",
    "consumer-key": "client-id",
    "consumer-secret": "client-secret",
    "secret": "client-secret",
    "api-secret": "client-secret",
    "callback": "redirect-uri",
    "callback-url": "redirect-uri",
    "cert": "certificate-file",
    "cert-file": "certificate-file",
    "certificate": "certificate-file",
    "key": "private-key",
    "kid": "key-id",
    "alg": "signing-algorithm",
    "user": "username",
    "extra-params": "parameters",
    "params": "parameters",
    "timeout": "total-timeout",
    "ttl": "default-lifetime",
    "leeway": "refresh-before",
    "authority": "issuer-uri",
    "discovery-url": "metadata-uri",
    "well-known": "metadata-uri",
    "openid-configuration": "metadata-uri",
    "auth-server-url": "issuer-uri",
    "authorize-url": "authorization-uri",
    "jwks-uri": "jwk-set-uri",
    "jwks-url": "jwk-set-uri",
    "userinfo-uri": "user-info-uri",
    "userinfo-endpoint": "user-info-uri",
    "access-token-uri": "token-uri",
    "ca-cert": "ca-bundle",
    "ca-file": "ca-bundle",
    "verify": "ca-bundle",
    "pool-size": "max-connections",
    "http-proxy": "proxy",
    "https-proxy": "proxy",
}
"""Keys by the names that they have in other tools."""


class NotOneOfError(ValueError):
    """A setting holds none of the words that it takes.

    Attributes:
        known: The words.
        meant: Further words that stand for one of them elsewhere.
    """

    def __init__(self, known: Iterable[str], meant: Mapping[str, str] | None = None) -> None:
        self.known = tuple(known)
        self.meant = meant or {}
        listed = ", ".join(self.known)
        super().__init__(f"must be one of {listed}")

    def advice(self, word: str) -> str:
        """Return what a word may have meant, or an empty string."""
        word = word.rpartition(":")[2] if word.startswith("urn:") else word
        meant = self.meant.get(word.strip().lower().replace("-", "_"))
        return f"Did you mean {meant!r}?" if meant else did_you_mean(word, self.known)


def key_meant(leaf: str, known: Iterable[str]) -> str:
    """Return the known key that an unknown one may have meant, or an empty string.

    By another tool's name, by its spelling, by its ending (`grant-type` is the end of
    `authorization-grant-type`), or because it has all its words.
    """
    keys = list(known)
    word = leaf.removesuffix("-url") + "-uri" if leaf.endswith("-url") else leaf
    word = word.removesuffix("-endpoint") + "-uri" if word.endswith("-endpoint") else word
    candidates = (
        KEYS_MEANT.get(leaf),
        word if word in keys else None,
        next((key for key in keys if key.replace("-", "") == leaf.replace("-", "")), None),
        close_to(word, keys),
        min((key for key in keys if key.endswith(f"-{word}")), key=len, default=None),
        min(
            (key for key in keys if set(word.split("-")) <= set(key.split("-"))),
            key=len,
            default=None,
        ),
    )
    return next((key for key in candidates if key in keys), "") or ""
