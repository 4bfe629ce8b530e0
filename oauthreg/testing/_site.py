"""What every endpoint knows of the server it belongs to: its addresses and its live settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from oauthreg.testing._records import RecordedRequest

MetadataPath = Literal["openid", "inserted", "appended"]

ENDPOINTS: Mapping[str, str] = {
    "authorization": "/authorize",
    "token": "/token",
    "introspection": "/introspect",
    "revocation": "/revoke",
    "device_authorization": "/device_authorization",
    "verification": "/device",
    "pushed_authorization_request": "/par",
    "user_info": "/userinfo",
    "jwk_set": "/jwks",
}
FIELDS: Mapping[str, str] = {
    "token": "token_endpoint",
    "introspection": "introspection_endpoint",
    "revocation": "revocation_endpoint",
    "device_authorization": "device_authorization_endpoint",
    "pushed_authorization_request": "pushed_authorization_request_endpoint",
    "user_info": "userinfo_endpoint",
}
"""The metadata fields of the endpoints that clients call by themselves."""
MTLS = "/mtls"
"""Put before the path of an endpoint, its alias for clients that show a certificate."""


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
    require_dpop_nonce: bool = False
    """DPoP proofs must repeat the server's nonce, that of the API at the API (RFC 9449)."""
    require_pushed_authorization_requests: bool = False
    """An authorization request must have been pushed before (RFC 9126 section 5)."""
    audiences: Collection[str] | None = None
    """The only `audience` and `resource` values there are tokens for; None: any."""
    id_token_overrides: Mapping[str, object] = field(default_factory=dict)
    """Laid over the claims of every ID token; `DELETE` takes a claim out."""
    wrong_id_token_signature: bool = False
    """The signature of every ID token is broken."""
    user_info_overrides: Mapping[str, object] = field(default_factory=dict)
    """Laid over every answer of the user info endpoint; `DELETE` takes a claim out."""
    login: str | None = "alice"
    """Who is logged in at the authorization endpoint and consents at once; None: consent denied."""
    device_interval: float = 5
    """Seconds between two polls of a device (RFC 8628 section 3.2)."""
    device_lifetime: float = 600
    """Seconds until an unapproved device code expires."""
    request_client_certificate: bool = False
    """Ask TLS clients for a certificate, optional. Those of `certificates` are taken, and those
    given to `add_client`; any other breaks the handshake off. Needed when the server starts."""
    mtls_aliases: bool = False
    """The metadata has `mtls_endpoint_aliases` (RFC 8705 section 5), and a client certificate
    counts at those addresses and at the API only."""
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
        self._by_alias = {MTLS + self._paths[name]: name for name in FIELDS}

    def uri_of(self, name: str) -> str:
        """The address of the endpoint of this name."""
        return self.base_uri + self._paths[name]

    def mtls_uri(self, name: str) -> str:
        """The alias of the endpoint of this name for clients that show a certificate."""
        return self.base_uri + MTLS + self._paths[name]

    @property
    def issuer(self) -> str:
        """The issuer identifier (RFC 8414 section 2)."""
        return self.uri_of("issuer")

    @property
    def token_uri(self) -> str:
        """The token endpoint (RFC 6749 section 3.2)."""
        return self.uri_of("token")

    @property
    def authorization_uri(self) -> str:
        """The authorization endpoint (RFC 6749 section 3.1)."""
        return self.uri_of("authorization")

    @property
    def introspection_uri(self) -> str:
        """The introspection endpoint (RFC 7662)."""
        return self.uri_of("introspection")

    @property
    def revocation_uri(self) -> str:
        """The revocation endpoint (RFC 7009)."""
        return self.uri_of("revocation")

    @property
    def device_authorization_uri(self) -> str:
        """The device authorization endpoint (RFC 8628 section 3.1)."""
        return self.uri_of("device_authorization")

    @property
    def verification_uri(self) -> str:
        """Where the user of a device enters the code (RFC 8628 section 3.3)."""
        return self.uri_of("verification")

    @property
    def pushed_authorization_request_uri(self) -> str:
        """The pushed authorization request endpoint (RFC 9126)."""
        return self.uri_of("pushed_authorization_request")

    @property
    def user_info_uri(self) -> str:
        """Who the user of a token is (OpenID Connect Core section 5.3)."""
        return self.uri_of("user_info")

    @property
    def jwk_set_uri(self) -> str:
        """The server's public keys (RFC 7517 section 5)."""
        return self.uri_of("jwk_set")

    @property
    def metadata_uri(self) -> str:
        """The OpenID discovery document; its two other addresses carry the same metadata."""
        return self.base_uri + metadata_paths(self._paths["issuer"])["openid"]

    @property
    def api_uri(self) -> str:
        """The protected resource, which takes this server's tokens."""
        return self.uri_of("api")

    def endpoint_at(self, path: str) -> str:
        """The name of the endpoint at this path, or an empty string."""
        if name := self._by_path.get(path) or self._alias_at(path):
            return name
        api = self._paths["api"]
        if path == api or path.startswith(f"{api}/"):
            return "api"
        return "metadata" if path in metadata_paths(self._paths["issuer"]).values() else ""

    def _alias_at(self, path: str) -> str:
        return self._by_alias.get(path, "") if self.mtls_aliases else ""

    def certificate_of(self, request: RecordedRequest) -> bytes | None:
        """The client certificate (DER) shown with a request, if it counts at that address."""
        counts = not self.mtls_aliases or request.endpoint == "api" or self._alias_at(request.path)
        return request.client_certificate if counts else None

    def address_of(self, request: RecordedRequest) -> str:
        """The address that a request was sent to, without its query."""
        scheme, _, authority = self.base_uri.partition("://")
        return f"{scheme}://{request.headers.get('Host', authority)}{request.path}"

    def has_metadata_at(self, path: str) -> bool:
        """Whether this metadata address is one of those that answer."""
        places = metadata_paths(self._paths["issuer"])
        return any(places[name] == path for name in self.metadata_paths)

    def below_api(self, path: str) -> str:
        """What follows the API's own path."""
        return path.removeprefix(self._paths["api"])
