"""The addresses of an authorization server, one row each: what each place calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address.

    Attributes:
        setting: The key of `provider.<name>`, and its name in every mapping of addresses.
        metadata_field: Its name in metadata (RFC 8414 section 2); None for what metadata is
            found by.
    """

    setting: str
    metadata_field: str | None = None

    @property
    def attribute(self) -> str:
        """The class attribute of a plugin that holds its template."""
        return self.setting.replace("-", "_")


_ROWS = (
    Endpoint("issuer-uri"),
    Endpoint("metadata-uri"),
    Endpoint("token-uri", "token_endpoint"),
    Endpoint("authorization-uri", "authorization_endpoint"),
    Endpoint("jwk-set-uri", "jwks_uri"),
    Endpoint("user-info-uri", "userinfo_endpoint"),
    Endpoint("introspection-uri", "introspection_endpoint"),
    Endpoint("revocation-uri", "revocation_endpoint"),
    Endpoint("device-authorization-uri", "device_authorization_endpoint"),
    Endpoint("pushed-authorization-request-uri", "pushed_authorization_request_endpoint"),
)

ENDPOINTS: Mapping[str, Endpoint] = {row.setting: row for row in _ROWS}
"""Every address by its setting."""
