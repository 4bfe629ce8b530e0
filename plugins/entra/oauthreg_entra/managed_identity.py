"""Azure's managed identities: tokens from the platform's own service, without a credential."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlencode

from oauthreg.plugin import (
    ClientRegistration,
    Explanation,
    Flow,
    Granted,
    PluginContext,
    Problem,
    ProviderPlugin,
    ProviderSettings,
    TokenRequest,
)

SYSTEM_ASSIGNED = "system-assigned"
ONE_RESOURCE = "must be one address: the API that the tokens are for"
NOT_YET = Explanation(
    category="transient",
    retryable=True,
    hint="The platform's identity service does not answer yet.",
)
HINTS: dict[str, str | Explanation] = {
    "400": "Check resource, and that this machine has the identity that client-id names.",
    "404": NOT_YET,
    "410": NOT_YET,
}


class ManagedIdentitySettings(ProviderSettings):
    """A user-assigned identity may be named by the registration's client-id, or by these.

    Attributes:
        object_id: The identity's object id.
        resource_id: The identity's Azure resource id.
    """

    object_id: str | None = None
    resource_id: str | None = None


class ManagedIdentity(ProviderPlugin[ManagedIdentitySettings]):
    """The identity of a virtual machine."""

    token_uri = "http://169.254.169.254/metadata/identity/oauth2/token"
    link_local = True
    client_authentication_method = "none"
    defaults = {"client-id": SYSTEM_ASSIGNED}
    error_hints = HINTS
    documentation = (
        "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/"
        "how-to-use-vm-token"
    )

    def flow(self, context: PluginContext) -> Flow[Granted]:
        """Ask for a token; the header shows that the request was meant."""
        response = yield self._request(context, "2018-02-01", "msi_res_id", ("Metadata", "true"))
        return self.parse_response(context, response)

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """One resource."""
        if len(registration.resource) != 1:
            yield Problem(f"registration.{registration.registration_id}.resource", ONE_RESOURCE)

    def _request(
        self, context: PluginContext, version: str, resource_id: str, header: tuple[str, str]
    ) -> TokenRequest:
        (resource,) = context.registration.resource
        query = [("api-version", version), ("resource", resource)]
        query += self._identity(context.registration, resource_id)
        url = f"{context.endpoints['token-uri']}?{urlencode(query)}"
        return TokenRequest(url=url, method="GET", headers=(header,))

    def _identity(
        self, registration: ClientRegistration, resource_id: str
    ) -> Iterator[tuple[str, str]]:
        """Give what names a user-assigned identity."""
        named = None if registration.client_id == SYSTEM_ASSIGNED else registration.client_id
        known = {
            "client_id": named,
            "object_id": self.settings.object_id,
            resource_id: self.settings.resource_id,
        }
        yield from ((name, value) for name, value in known.items() if value)
