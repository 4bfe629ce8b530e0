"""Salesforce, as a provider of oauthreg: client credentials, and JWT bearer for a user."""

from collections.abc import Iterable
from typing import Literal

from oauthreg.plugin import (
    BaseUrl,
    ClientRegistration,
    PluginContext,
    Problem,
    ProviderPlugin,
    ProviderSettings,
    TokenRequest,
)

HINTS = {
    "invalid_grant: request not supported on this domain": (
        "Set my-domain to the org's own My Domain: a login host does not give such tokens."
    ),
    "invalid_grant: hasn't approved this consumer": (
        "Let the app's users be pre-authorized, and add the user's profile or permission set."
    ),
    "invalid_grant: no client credentials user enabled": (
        "Choose a 'Run As' user in the app's client credentials settings."
    ),
    "invalid_client_id": "Compare client-id with the app's consumer key, and with the org.",
    "inactive_user": "The user is deactivated: activate it, or name another one.",
    "inactive_org": "The org is locked, closed or suspended.",
    "rate_limit_exceeded": "Too many logins of this user: share tokens between processes.",
}
LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")
NOT_THERE = "must be the org's own My Domain: login hosts give no tokens by client_credentials"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class SalesforceSettings(ProviderSettings):
    """An org.

    Attributes:
        my_domain: Its My Domain, such as `acme.my.salesforce.com`.
        login_host: Where its users log in: the audience of assertions about a user.
    """

    my_domain: BaseUrl
    login_host: Literal["login.salesforce.com", "test.salesforce.com"] = "login.salesforce.com"


class Salesforce(ProviderPlugin[SalesforceSettings]):
    """One org; tokens say where its API is, and not when they end."""

    token_uri = "{my_domain}/services/oauth2/token"
    revocation_uri = "{my_domain}/services/oauth2/revoke"
    introspection_uri = "{my_domain}/services/oauth2/introspect"
    client_authentication_method = "client_secret_post"
    answer = {"api_uri": "instance_url"}
    api_hosts = ("*.salesforce.com",)
    defaults = {
        "default-lifetime": 900,  # the shortest that a session policy has
        "assertion-audience": "https://{login_host}",
        "assertion-lifetime": 180,
    }
    error_hints = HINTS
    documentation = (
        "https://help.salesforce.com/apex/HTViewHelpDoc"
        "?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm"
    )
    unverified = (
        "The words 'no client credentials user enabled'.",
        "The addresses of revocation and introspection.",
    )

    def authenticate(self, context: PluginContext, request: TokenRequest) -> TokenRequest:
        """With the assertion about a user, the client sends nothing else."""
        if ("grant_type", JWT_BEARER) in request.form:
            return request
        return super().authenticate(context, request)

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """A login host has no client credentials."""
        machine = registration.authorization_grant_type == "client_credentials"
        if machine and self.settings.my_domain in LOGIN_HOSTS:
            yield Problem(f"provider.{registration.provider.name}.my-domain", NOT_THERE)
