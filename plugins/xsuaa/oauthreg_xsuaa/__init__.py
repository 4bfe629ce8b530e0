"""SAP XSUAA, the authorization server of the Business Technology Platform, as a provider."""

from collections.abc import Iterable

from oauthreg.plugin import (
    BaseUrl,
    ClientRegistration,
    Explanation,
    Problem,
    ProviderPlugin,
    ProviderSettings,
)

REFUSED = Explanation(
    category="credential",
    hint="The binding is wrong or was deleted, its credential type is not allowed in "
    "xs-security.json, or the app is not subscribed to from that subaccount.",
)
HINTS: dict[str, str | Explanation] = {
    "*: Client authentication failed": REFUSED,
    "*: Bad credentials": REFUSED,
    "*: Client with requested ID does not exist": REFUSED,
    "429": "XSUAA counts requests for tokens per subaccount: share tokens between processes.",
}
NO_CERTURL = "is missing: a client with a certificate asks at another host"


class XsuaaSettings(ProviderSettings):
    """A binding of the service; a registration's credentials-file has all of it.

    Attributes:
        url: Its `url`, with the subdomain of the subaccount.
        certurl: Its `certurl`, for clients with a certificate.
    """

    url: BaseUrl
    certurl: BaseUrl | None = None


class Xsuaa(ProviderPlugin[XsuaaSettings]):
    """One binding; a secret goes in the body, where a + in it is safe."""

    token_uri = "{url}/oauth/token"
    mtls_token_uri = "{certurl}/oauth/token"
    client_authentication_method = "client_secret_post"
    document = {
        "client-id": "clientid",
        "client-secret": "clientsecret",
        "url": "url",
        "certurl": "certurl",
    }
    error_hints = HINTS
    documentation = "https://github.com/SAP-docs/btp-cloud-platform/tree/main/docs"
    unverified = (
        "What the body of a refusal looks like, but for its words.",
        "That a token for a subscriber is asked for at the subscriber's subdomain.",
    )

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """A certificate is shown at another host."""
        if registration.certificate is not None and not self.settings.certurl:
            yield Problem(f"provider.{registration.provider.name}.certurl", NO_CERTURL)
