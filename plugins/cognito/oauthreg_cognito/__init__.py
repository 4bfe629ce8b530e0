"""Amazon Cognito user pools, as a provider of oauthreg."""

from collections.abc import Iterable, Mapping

from oauthreg.plugin import (
    BaseUrl,
    ClientRegistration,
    HostLabel,
    Problem,
    ProviderPlugin,
    ProviderSettings,
)

HINTS = {
    "invalid_client": (
        "Compare client-id and client-secret with the app client of this user pool; an app client "
        'without a secret takes client-authentication-method = "none".'
    ),
    "unauthorized_client": "Turn on the client credentials grant of the app client.",
}
OPENID = "must be of a resource server, as in orders/read: openid is for logins"


class CognitoSettings(ProviderSettings):
    """The domain of a user pool: its prefix and region, or a domain of your own.

    Attributes:
        prefix: The prefix domain: `acme` of `acme.auth.eu-west-1.amazoncognito.com`.
        region: The region of the prefix domain.
        domain: A custom domain, in place of both.
    """

    prefix: HostLabel | None = None
    region: HostLabel | None = None
    domain: BaseUrl | None = None


class Cognito(ProviderPlugin[CognitoSettings]):
    """One user pool with a domain."""

    token_uri = "https://{prefix}.auth.{region}.amazoncognito.com/oauth2/token"
    client_authentication_method = "client_secret_basic"
    error_hints = HINTS
    documentation = "https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html"
    unverified = ("A token without asked scopes has all scopes of its app client.",)

    def endpoints(self) -> Mapping[str, str]:
        """A custom domain has the same path."""
        domain = self.settings.domain
        return {"token-uri": f"{domain}/oauth2/token"} if domain else super().endpoints()

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """A client that acts for itself has scopes of resource servers."""
        itself = registration.authorization_grant_type == "client_credentials"
        if itself and "openid" in registration.scopes:
            yield Problem(f"registration.{registration.registration_id}.scope", OPENID)
