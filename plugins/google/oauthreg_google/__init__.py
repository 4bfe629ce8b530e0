"""Google Cloud, as a provider of oauthreg: the metadata server, and workload identity federation.

Service accounts with a key file need no distribution: the built-in provider `google` takes them.
"""

import json
from collections.abc import Iterable
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

PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
NO_CLIENT = "google"
NO_POOL = (
    "is missing: it is the provider of the workload identity pool, as in "
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/POOL/providers/NAME"
)
METADATA_HINTS: dict[str, str | Explanation] = {
    "404": "This machine has no such service account: check account.",
}
FEDERATION_HINTS: dict[str, str | Explanation] = {
    "invalid_grant": "Compare the token's issuer and audience with the provider of the pool.",
    "invalid_target": "Compare audience with the full name of the pool's provider.",
    "*: Permission 'iam.serviceAccounts.getAccessToken'": (
        "Let the pool's identity be a Service Account Token Creator of the service account."
    ),
}


class MetadataSettings(ProviderSettings):
    """A service account of this machine.

    Attributes:
        account: Its email, or `default`.
    """

    account: str = "default"


class MetadataServer(ProviderPlugin[MetadataSettings]):
    """The service account of a machine, container or function in Google Cloud."""

    token_uri = (
        "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/"
        "{account}/token"
    )
    link_local = True
    client_authentication_method = "none"
    defaults = {"client-id": NO_CLIENT}
    error_hints = METADATA_HINTS
    documentation = "https://cloud.google.com/compute/docs/access/authenticate-workloads"
    unverified = ("That `scopes` are asked for with commas.", "The status 404.")

    def flow(self, context: PluginContext) -> Flow[Granted]:
        """Ask for a token; the header shows that the request was meant."""
        url = context.endpoints["token-uri"]
        scopes = context.registration.scopes
        query = f"?{urlencode({'scopes': ','.join(scopes)})}" if scopes else ""
        header = ("Metadata-Flavor", "Google")
        response = yield TokenRequest(url=f"{url}{query}", method="GET", headers=(header,))
        return self.parse_response(context, response)


class FederationSettings(ProviderSettings):
    """The service account, if the tokens are to be one's.

    Attributes:
        service_account: Its email; the pool's own identity, if left out.
    """

    service_account: str | None = None


class Federation(ProviderPlugin[FederationSettings]):
    """Workload identity federation: a token of another issuer becomes one of Google's."""

    token_uri = "https://sts.googleapis.com/v1/token"
    addresses = ("impersonation-uri",)
    impersonation_uri = (
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
        "{service_account}:generateAccessToken"
    )
    client_authentication_method = "none"
    defaults = {
        "authorization-grant-type": "token-exchange",
        "client-id": NO_CLIENT,
        "scope": PLATFORM,
    }
    answer = {
        "access_token": ["access_token", "accessToken"],
        "expires_at": "expireTime",
        "error": ["error.status", "error"],
        "error_description": ["error_description", "error.message"],
    }
    error_hints = FEDERATION_HINTS
    documentation = "https://cloud.google.com/iam/docs/workload-identity-federation"
    unverified = (
        "The codes and words of errors.",
        "Subject tokens of AWS, X.509 or a program: give the token by subject-token-file.",
    )

    def flow(self, context: PluginContext) -> Flow[Granted]:
        """Exchange the subject token, and with the outcome ask for the service account's token."""
        registration = context.registration
        subject = context.subject_token.get_secret_value() if context.subject_token else ""
        impersonation = context.endpoints.get("impersonation-uri")
        scope = PLATFORM if impersonation else " ".join(registration.scopes)
        form = {
            "grant_type": EXCHANGE,
            "audience": registration.audience or "",
            "scope": scope,
            "requested_token_type": ACCESS_TOKEN,
            "subject_token": subject,
            "subject_token_type": registration.parameters.get("subject_token_type", JWT),
        }
        response = yield TokenRequest(
            url=context.endpoints["token-uri"], form=tuple(form.items()), sensitive=(subject,)
        )
        granted = self.parse_response(context, response)
        if impersonation is None:
            return granted
        body = {"scope": list(registration.scopes), "lifetime": "3600s"}
        response = yield TokenRequest(
            url=impersonation,
            content=json.dumps(body).encode(),
            headers=(
                ("Content-Type", "application/json"),
                ("Authorization", f"Bearer {granted.access_token}"),
            ),
            sensitive=(granted.access_token,),
        )
        return self.parse_response(context, response)

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """The provider of the pool."""
        if not registration.audience:
            yield Problem(f"registration.{registration.registration_id}.audience", NO_POOL)
