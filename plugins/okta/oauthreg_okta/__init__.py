"""Okta, as a provider of oauthreg: the org authorization server and custom ones."""

from collections.abc import Iterable, Mapping

from oauthreg.plugin import BaseUrl, ClientRegistration, Problem, ProviderPlugin, ProviderSettings

HINTS = {
    "invalid_scope": "Ask for scopes that this very authorization server has, never for openid.",
    "access_denied": "The authorization server needs an access policy that allows this client.",
    "unauthorized_client": "The app has to be of the type API Services.",
}
ASSERTIONS = {"assertion-audience": "token-uri"}
NO_SECRET = "must be a private key: only a server with an authorization-server-id takes secrets"
API_SCOPES = "must name scopes of an API, even a default one, and not openid, which is for logins"


class OktaSettings(ProviderSettings):
    """A server of an Okta domain; neither is needed where the addresses themselves are stated.

    Attributes:
        okta_domain: The domain, such as `acme.okta.com`.
        authorization_server_id: The id of a custom authorization server (`default` is one);
            without it, the org authorization server, whose tokens are for Okta's own APIs.
    """

    okta_domain: BaseUrl | None = None
    authorization_server_id: str | None = None


class Okta(ProviderPlugin[OktaSettings]):
    """One authorization server of an Okta domain."""

    issuer_uri = "{okta_domain}/oauth2/{authorization_server_id}"
    token_uri = "{okta_domain}/oauth2/{authorization_server_id}/v1/token"
    defaults = ASSERTIONS
    error_hints = HINTS
    documentation = (
        "https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/"
    )

    def endpoints(self) -> Mapping[str, str]:
        """The org authorization server has no id, nor a place for one in its addresses."""
        domain = self.settings.okta_domain
        org = {"issuer-uri": domain, "token-uri": f"{domain}/oauth2/v1/token"} if domain else {}
        return super().endpoints() or org

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """A client that acts for itself: no secret at the org server, and scopes of an API."""
        org = (registration.provider.token_uri or "").endswith("/oauth2/v1/token")
        if registration.authorization_grant_type != "client_credentials":
            return
        if org and registration.client_secrets:
            yield Problem(f"registration.{registration.registration_id}.client-secret", NO_SECRET)
        if not registration.scopes or "openid" in registration.scopes:
            yield Problem(f"registration.{registration.registration_id}.scope", API_SCOPES)
