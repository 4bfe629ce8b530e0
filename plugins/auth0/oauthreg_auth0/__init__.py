"""Auth0, as a provider of oauthreg."""

from oauthreg.plugin import (
    BaseUrl,
    ClientRegistration,
    Explanation,
    Problem,
    ProviderPlugin,
    ProviderSettings,
)

HINTS: dict[str, str | Explanation] = {
    "access_denied: Unauthorized": Explanation(
        category="credential", hint="Check client-id, client-secret and the provider's domain."
    ),
    "access_denied: Service not enabled": "This tenant has no API of exactly that audience.",
    "access_denied": "Authorize the application for the API that audience names.",
    "unauthorized_client": "Check the application's grant types and its client grant for the API.",
    "too_many_requests": "A quota of tokens is used up, and every further request counts.",
}


class Auth0Settings(ProviderSettings):
    """A tenant; neither setting is needed where the addresses themselves are stated.

    Attributes:
        domain: The tenant's domain with its region, or its custom domain.
        organization: The organization that the tokens are for, by name or id.
    """

    domain: BaseUrl | None = None
    organization: str | None = None


class Auth0(ProviderPlugin[Auth0Settings]):
    """One Auth0 tenant; the slash at its end is part of the issuer."""

    issuer_uri = "{domain}/"
    token_uri = "{domain}/oauth/token"
    client_authentication_method = "client_secret_post"
    defaults = {"parameters": {"organization": "{organization}"}}
    error_hints = HINTS
    documentation = "https://auth0.com/docs/api/authentication/client-credential-flow/get-token"

    def check(self, registration: ClientRegistration) -> list[Problem]:
        """Without an audience the answer may be an opaque token, which no API takes."""
        machine = registration.authorization_grant_type == "client_credentials"
        if not machine or registration.audience or registration.resource:
            return []
        path = f"registration.{registration.registration_id}.audience"
        remedy = f"Set {path} to the identifier of the API that the tokens are for."
        return [Problem(path, "is missing: Auth0 needs it for client_credentials", remedy=remedy)]
