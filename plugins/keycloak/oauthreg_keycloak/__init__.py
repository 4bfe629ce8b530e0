"""Keycloak and the Red Hat build of it, as a provider of oauthreg."""

from oauthreg.plugin import BaseUrl, Explanation, ProviderPlugin, ProviderSettings

HINTS: dict[str, str | Explanation] = {
    "unauthorized_client: Invalid client or Invalid client credentials": Explanation(
        category="credential",
        hint="Compare client-secret with the one on the client's Credentials tab.",
    ),
    "unauthorized_client: Client not enabled to retrieve service account": (
        "Turn on 'Service account roles' in the client's settings."
    ),
    "unauthorized_client: Public client not allowed to retrieve service account": (
        "Turn on 'Client authentication' in the client's settings."
    ),
    "unauthorized_client: Invalid method used to get client secret": (
        "Set client-authentication-method to the one that the client allows."
    ),
    "invalid_scope": "Add the scope to the client's client scopes, as default or optional.",
    "Realm does not exist": "Check base-url (old servers need /auth at its end) and realm.",
}
"""What the server means: it says `unauthorized_client` of a wrong secret too."""


class KeycloakSettings(ProviderSettings):
    """A realm; neither setting is needed where the addresses themselves are stated.

    Attributes:
        base_url: The server's address, with the path it is served under, if any.
        realm: The realm's name.
    """

    base_url: BaseUrl | None = None
    realm: str | None = None


class Keycloak(ProviderPlugin[KeycloakSettings]):
    """One realm of a Keycloak server; its addresses come from the realm's metadata."""

    issuer_uri = "{base_url}/realms/{realm}"
    error_hints = HINTS
    documentation = "https://www.keycloak.org/securing-apps/oidc-layers"
