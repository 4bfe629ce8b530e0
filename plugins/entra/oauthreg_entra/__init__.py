"""Microsoft Entra ID, as a provider of oauthreg: apps, B2C, and Azure's managed identities."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator

from oauthreg.plugin import (
    BaseUrl,
    ClientRegistration,
    HostLabel,
    Problem,
    ProviderPlugin,
    ProviderSettings,
)
from oauthreg_entra.hints import HINTS
from oauthreg_entra.managed_identity import AppServiceIdentity, ManagedIdentity

__all__ = ["AppServiceIdentity", "Entra", "EntraB2C", "ManagedIdentity"]

CLOUDS = {
    "public": "https://login.microsoftonline.com",
    "us-government": "https://login.microsoftonline.us",
    "china": "https://login.partner.microsoftonline.cn",
}
NO_TENANTS = frozenset({"common", "organizations", "consumers"})
NO_OWN_TENANT = "must be the id or a domain of one tenant: an app has no token of its own there"
ONE_DEFAULT = (
    "must be one resource with /.default at its end, as in https://graph.microsoft.com/.default"
)
NO_RESOURCE = "is no parameter of this endpoint (AADSTS901002)"


def _cloud(text: object) -> object:
    """Return the address of a cloud by its name; anything else is an address itself."""
    return CLOUDS.get(text, text) if isinstance(text, str) else text


class EntraSettings(ProviderSettings):
    """A tenant.

    Attributes:
        tenant: Its id, or one of its domains.
        cloud: `public`, `us-government`, `china`, or the address of another.
    """

    tenant: str
    cloud: Annotated[BaseUrl, BeforeValidator(_cloud)] = CLOUDS["public"]


class Entra(ProviderPlugin[EntraSettings]):
    """The apps of one tenant, by the endpoints of version 2."""

    token_uri = "{cloud}/{tenant}/oauth2/v2.0/token"
    client_authentication_method = "client_secret_post"
    assertion_header = ("x5t#S256",)
    defaults = {
        "assertion-audience": "token-uri",
        "assertion-lifetime": 300,
        "signing-algorithm": "PS256",
    }
    answer = {"correlation_id": "correlation_id"}
    environment = {
        "tenant": "AZURE_TENANT_ID",
        "cloud": "AZURE_AUTHORITY_HOST",
        "client-id": "AZURE_CLIENT_ID",
        "assertion-file": "AZURE_FEDERATED_TOKEN_FILE",
    }
    error_hints = HINTS
    documentation = (
        "https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow"
    )
    unverified = (
        "The variables that AKS sets for workload identity.",
        "That the file of an assertion is replaced: it is read for every request.",
        "What to do about some error codes; the codes and their meaning are documented.",
    )

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """One tenant, one resource, and that as a scope."""
        path = f"registration.{registration.registration_id}"
        if registration.resource:
            yield Problem(f"{path}.resource", NO_RESOURCE, remedy=f"Write it as {path}.scope.")
        if registration.authorization_grant_type != "client_credentials":
            return
        if self.settings.tenant.lower() in NO_TENANTS:
            yield Problem(f"provider.{registration.provider.name}.tenant", NO_OWN_TENANT)
        if [scope.endswith("/.default") for scope in registration.scopes] != [True]:
            yield Problem(f"{path}.scope", ONE_DEFAULT)


class EntraB2CSettings(ProviderSettings):
    """A tenant for customers.

    Attributes:
        tenant: Its name, `contoso` of `contoso.b2clogin.com`.
        policy: The user flow or custom policy.
    """

    tenant: HostLabel
    policy: str


class EntraB2C(ProviderPlugin[EntraB2CSettings]):
    """The apps of one policy of a B2C tenant."""

    token_uri = "https://{tenant}.b2clogin.com/{tenant}.onmicrosoft.com/{policy}/oauth2/v2.0/token"
    client_authentication_method = "client_secret_post"
    answer = Entra.answer
    error_hints = HINTS
    documentation = (
        "https://learn.microsoft.com/azure/active-directory-b2c/client-credentials-grant-flow"
    )
    unverified = ("The address of the token endpoint.", "What its errors mean.")
