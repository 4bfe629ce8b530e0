"""Azure's managed identities: tokens from the platform's own service, without a credential."""

from collections.abc import Iterable
from dataclasses import replace
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
    Secret,
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
        request = request_for(context, self.settings, "2018-02-01", "msi_res_id")
        response = yield replace(request, headers=(("Metadata", "true"),))
        return self.parse_response(context, response)

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """One resource."""
        return check_resource(registration)


class AppServiceSettings(ManagedIdentitySettings):
    """As that of a virtual machine, and what the platform gives the process.

    Attributes:
        identity_header: The secret of the service, IDENTITY_HEADER.
    """

    identity_header: Secret


class AppServiceIdentity(ProviderPlugin[AppServiceSettings]):
    """The identity of an app in App Service or Functions."""

    client_authentication_method = "none"
    defaults = {"client-id": SYSTEM_ASSIGNED}
    environment = {"token-uri": "IDENTITY_ENDPOINT", "identity-header": "IDENTITY_HEADER"}
    answer = {"expires_at": "expires_on", "error_description": "message"}
    error_hints = HINTS
    documentation = "https://learn.microsoft.com/azure/app-service/overview-managed-identity"
    unverified = ("That object-id names an identity here, too.",)

    def flow(self, context: PluginContext) -> Flow[Granted]:
        """Ask for a token; the header shows that this very process asks."""
        secret = context.secrets["identity_header"].get_secret_value()
        request = request_for(context, self.settings, "2019-08-01", "mi_res_id")
        header = ("X-IDENTITY-HEADER", secret)
        response = yield replace(request, headers=(header,), sensitive=(secret,))
        return self.parse_response(context, response)

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """One resource."""
        return check_resource(registration)


def request_for(
    context: PluginContext, settings: ManagedIdentitySettings, version: str, resource_id: str
) -> TokenRequest:
    """Return the request for a token of one resource, without the header."""
    (resource,) = context.registration.resource
    client_id = context.registration.client_id
    known = {
        "api-version": version,
        "resource": resource,
        "client_id": None if client_id == SYSTEM_ASSIGNED else client_id,
        "object_id": settings.object_id,
        resource_id: settings.resource_id,
    }
    query = urlencode({name: value for name, value in known.items() if value})
    return TokenRequest(url=f"{context.endpoints['token-uri']}?{query}", method="GET")


def check_resource(registration: ClientRegistration) -> Iterable[Problem]:
    """Give what is wrong with the resource."""
    if len(registration.resource) != 1:
        yield Problem(f"registration.{registration.registration_id}.resource", ONE_RESOURCE)
