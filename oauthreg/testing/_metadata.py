"""What the test server publishes about itself (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg.testing._records import merged
from oauthreg.testing._site import FIELDS

if TYPE_CHECKING:
    from oauthreg.testing._site import Site

ASSERTION_ALGORITHMS = (
    *("HS256", "HS384", "HS512"),
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    *("EdDSA", "Ed25519"),
)
"""The algorithms by which clients may sign assertions (RFC 7518 section 3.1, RFC 8037)."""
KEY_PAIR_ALGORITHMS = [name for name in ASSERTION_ALGORITHMS if not name.startswith("HS")]
"""Those of them that need no shared secret, for proofs too (RFC 9449 section 4.3)."""


def metadata_document(site: Site) -> dict[str, object]:
    """The metadata of a site (RFC 8414 section 2)."""
    methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"]
    document: dict[str, object] = {}
    if site.request_client_certificate:
        methods += ["tls_client_auth", "self_signed_tls_client_auth"]
        document["tls_client_certificate_bound_access_tokens"] = True
    if site.mtls_aliases:
        aliases = {field: site.mtls_uri(name) for name, field in FIELDS.items()}
        document["mtls_endpoint_aliases"] = aliases
    document |= {
        "issuer": site.issuer,
        "authorization_endpoint": site.authorization_uri,
        **{field: site.uri_of(name) for name, field in FIELDS.items()},
        "jwks_uri": site.jwk_set_uri,
        "response_types_supported": ["code", "token"],
        "grant_types_supported": [
            "client_credentials",
            "refresh_token",
            "authorization_code",
            "implicit",
            "password",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "token_endpoint_auth_methods_supported": [*methods, "none"],
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": [*methods, "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "dpop_signing_alg_values_supported": KEY_PAIR_ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": site.require_pushed_authorization_requests,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    return merged(document, site.metadata_overrides)
