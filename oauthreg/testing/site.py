"""What every endpoint knows of the server it belongs to: its addresses and its live settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from oauthreg.testing.records import merged

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MetadataPath = Literal["openid", "inserted", "appended"]

ASSERTION_ALGORITHMS = (
    *("HS256", "HS384", "HS512"),
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    *("EdDSA", "Ed25519"),
)
"""The algorithms by which clients may sign assertions (RFC 7518 section 3.1, RFC 8037)."""

ENDPOINTS: Mapping[str, str] = {
    "authorization": "/authorize",
    "token": "/token",
    "introspection": "/introspect",
    "revocation": "/revoke",
    "device_authorization": "/device_authorization",
    "verification": "/device",
    "pushed_authorization_request": "/par",
    "jwk_set": "/jwks",
}


def metadata_paths(issuer_path: str) -> dict[MetadataPath, str]:
    """Where an issuer of this path may publish its metadata.

    `openid` is OpenID Connect Discovery section 4, `inserted` RFC 8414 section 3.1, `appended`
    what many servers answer instead of it.
    """
    path = issuer_path.rstrip("/")
    return {
        "openid": f"{path}/.well-known/openid-configuration",
        "inserted": f"/.well-known/oauth-authorization-server{path}",
        "appended": f"{path}/.well-known/oauth-authorization-server",
    }


@dataclass(eq=False, repr=False, kw_only=True)
class Site:
    """Addresses and live settings. Every setting may be changed while the server runs."""

    token_lifetime: object = 300
    """Seconds; sent as `expires_in` as it is, whatever JSON value it is. None: not sent.

    A token lives that long if the value is a number other than 0 (or the text of one), else until
    it is revoked.
    """
    refresh_token_lifetime: float | None = None
    """Seconds; None: until revoked."""
    extra_fields: Mapping[str, object] = field(default_factory=dict)
    """Laid over every token answer, for odd `token_type`s and the like; `DELETE` takes one out."""
    revoke_on_issue: bool = False
    """A new access token ends the client's earlier ones."""
    reissue: bool = False
    """While a client's access token lives it gets that one again, with what is left of its life."""
    jwt_access_tokens: bool = False
    """Access tokens are signed JWTs (RFC 9068) instead of opaque strings."""
    rotate_refresh_tokens: bool = True
    """Every refresh ends the refresh token used and issues the next."""
    revoke_family_on_reuse: bool = False
    """A refresh token used twice ends every token that descends from the same login."""
    one_client_authentication: bool = True
    """Credentials by two methods in one request are an `invalid_request` (RFC 6749 section 2.3)."""
    login: str | None = "alice"
    """Who is logged in at the authorization endpoint and consents at once; None: consent denied."""
    device_interval: float = 5
    """Seconds between two polls of a device (RFC 8628 section 3.2)."""
    device_lifetime: float = 600
    """Seconds until an unapproved device code expires."""
    metadata_overrides: Mapping[str, object] = field(default_factory=dict)
    """Laid over the metadata document; `DELETE` takes a field out."""
    metadata_paths: Collection[MetadataPath] = ("openid", "inserted", "appended")
    """At which of the three addresses there is metadata; the others answer 404."""
    path_prefix: str = ""
    """Put before the path of the issuer and of every endpoint but the API's."""
    layout: Mapping[str, str] = field(default_factory=dict)
    """Endpoint name (also `issuer`) to its path, to imitate a vendor: `{"token": "/oauth/token"}`.
    """
    base_uri: str = field(default="", init=False)
    """Scheme, host and port, once the server has started."""

    def __post_init__(self) -> None:
        known = {*ENDPOINTS, "issuer", "api"}
        if unknown := set(self.layout) - known:
            raise ValueError(f"layout: no such endpoint {sorted(unknown)}, only {sorted(known)}")
        self._paths = {
            "issuer": self.path_prefix,
            "api": "/api",
            **{name: self.path_prefix + path for name, path in ENDPOINTS.items()},
            **self.layout,
        }
        self._by_path = {self._paths[name]: name for name in ENDPOINTS}

    def _uri(self, name: str) -> str:
        return self.base_uri + self._paths[name]

    @property
    def issuer(self) -> str:
        """The issuer identifier (RFC 8414 section 2)."""
        return self._uri("issuer")

    @property
    def token_uri(self) -> str:
        """The token endpoint (RFC 6749 section 3.2)."""
        return self._uri("token")

    @property
    def authorization_uri(self) -> str:
        """The authorization endpoint (RFC 6749 section 3.1)."""
        return self._uri("authorization")

    @property
    def introspection_uri(self) -> str:
        """The introspection endpoint (RFC 7662)."""
        return self._uri("introspection")

    @property
    def revocation_uri(self) -> str:
        """The revocation endpoint (RFC 7009)."""
        return self._uri("revocation")

    @property
    def device_authorization_uri(self) -> str:
        """The device authorization endpoint (RFC 8628 section 3.1)."""
        return self._uri("device_authorization")

    @property
    def verification_uri(self) -> str:
        """Where the user of a device enters the code (RFC 8628 section 3.3)."""
        return self._uri("verification")

    @property
    def pushed_authorization_request_uri(self) -> str:
        """The pushed authorization request endpoint (RFC 9126)."""
        return self._uri("pushed_authorization_request")

    @property
    def jwk_set_uri(self) -> str:
        """The server's public keys (RFC 7517 section 5)."""
        return self._uri("jwk_set")

    @property
    def metadata_uri(self) -> str:
        """The OpenID discovery document; its two other addresses carry the same metadata."""
        return self.base_uri + metadata_paths(self._paths["issuer"])["openid"]

    @property
    def api_uri(self) -> str:
        """The protected resource, which takes this server's tokens."""
        return self._uri("api")

    def endpoint_at(self, path: str) -> str:
        """The name of the endpoint at this path, or an empty string."""
        if name := self._by_path.get(path):
            return name
        api = self._paths["api"]
        if path == api or path.startswith(f"{api}/"):
            return "api"
        return "metadata" if path in metadata_paths(self._paths["issuer"]).values() else ""

    def has_metadata_at(self, path: str) -> bool:
        """Whether this metadata address is one of those that answer."""
        places = metadata_paths(self._paths["issuer"])
        return any(places[name] == path for name in self.metadata_paths)

    def below_api(self, path: str) -> str:
        """What follows the API's own path."""
        return path.removeprefix(self._paths["api"])

    def metadata(self) -> dict[str, object]:
        """The metadata document (RFC 8414 section 2)."""
        authentication = [
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
            "private_key_jwt",
            "none",
        ]
        document: dict[str, object] = {
            "issuer": self.issuer,
            "authorization_endpoint": self.authorization_uri,
            "token_endpoint": self.token_uri,
            "introspection_endpoint": self.introspection_uri,
            "revocation_endpoint": self.revocation_uri,
            "device_authorization_endpoint": self.device_authorization_uri,
            "pushed_authorization_request_endpoint": self.pushed_authorization_request_uri,
            "jwks_uri": self.jwk_set_uri,
            "response_types_supported": ["code"],
            "grant_types_supported": [
                "client_credentials",
                "refresh_token",
                "authorization_code",
                "password",
                "urn:ietf:params:oauth:grant-type:device_code",
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ],
            "token_endpoint_auth_methods_supported": authentication,
            "introspection_endpoint_auth_methods_supported": authentication[:-1],
            "revocation_endpoint_auth_methods_supported": authentication,
            "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return merged(document, self.metadata_overrides)
