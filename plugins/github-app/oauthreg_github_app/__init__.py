"""GitHub Apps, as a provider of oauthreg: tokens of an installation."""

import json
from collections.abc import Iterable

from oauthreg.plugin import (
    BaseUrl,
    ClientRegistration,
    Explanation,
    Flow,
    Granted,
    PluginContext,
    Problem,
    ProviderPlugin,
    ProviderSettings,
    RegistrationOptions,
    Secret,
    SecretUnavailableError,
    TokenRequest,
    refusal,
)

HINTS: dict[str, str | Explanation] = {
    "401": Explanation(
        category="credential",
        hint="Compare client-id with the app's client id, and the private key with its keys.",
    ),
    "*: 'Expiration time' claim": Explanation(
        category="clock", hint="Check this machine's clock: GitHub counts by its own."
    ),
    "403": "The installation is suspended: an owner of the account can lift that.",
    "404": "The installation was removed or is another app's: check installation-id.",
    "422": "The app does not have the permissions or repositories that are asked for.",
}
HEADERS = (
    ("Accept", "application/vnd.github+json"),
    ("X-GitHub-Api-Version", "2022-11-28"),
)
NO_KEY = "is missing: an app signs with its private key"
BACK = 60  # seconds: GitHub's clock may be behind
LONGEST = 600  # seconds that the signature may last


class GitHubAppSettings(ProviderSettings):
    """The API.

    Attributes:
        base_url: The address of the API; of an Enterprise Server `https://HOST/api/v3`.
    """

    base_url: BaseUrl = "https://api.github.com"


class GitHubAppOptions(RegistrationOptions):
    """What a registration of an app has of its own.

    Attributes:
        installation_id: The number at the end of the installation's address.
        repositories: The names of the repositories that the token is for; all, if left out.
        permissions: The permissions that it has; the app's, if left out.
    """

    installation_id: int
    repositories: tuple[str, ...] = ()
    permissions: dict[str, str] = {}


class GitHubApp(ProviderPlugin[GitHubAppSettings, GitHubAppOptions]):
    """An app signs for itself, and is given a token of one installation of it."""

    token_uri = "{base_url}/app/installations"
    revocation_uri = "{base_url}/installation/token"
    api_uri = "{base_url}"
    answer = {"access_token": "token", "expires_at": "expires_at", "error_description": "message"}
    error_hints = HINTS
    settling = 5
    documentation = (
        "https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app"
    )
    unverified = (
        "The statuses 401, 403, 404 and 422, and what each means.",
        "That a token ends by DELETE /installation/token.",
        "The address of an Enterprise Server's API, and the version of the API.",
    )

    def flow(self, context: PluginContext) -> Flow[Granted]:
        """Ask for a token of the installation, with a signature that lasts ten minutes."""
        if context.signing_key is None:
            raise SecretUnavailableError("a GitHub App signs with its private key", retryable=False)
        options = self.options(context.registration)
        issued = int(context.now) - BACK
        claims = {"iss": context.registration.client_id, "iat": issued, "exp": issued + LONGEST}
        signed = context.signing_key.sign(claims)
        wanted = {"repositories": list(options.repositories), "permissions": options.permissions}
        body = {name: value for name, value in wanted.items() if value}
        base = context.endpoints["token-uri"]
        response = yield TokenRequest(
            url=f"{base}/{options.installation_id}/access_tokens",
            content=json.dumps(body).encode(),
            headers=(*HEADERS, ("Content-Type", "application/json"), _bearer(signed)),
            sensitive=(signed,),
        )
        return self.parse_response(context, response)

    def revoke(
        self,
        context: PluginContext,
        token: Secret,
        token_type_hint: str | None = None,
    ) -> Flow[None]:
        """End a token by itself."""
        value = token.get_secret_value()
        url = context.endpoints["revocation-uri"]
        request = TokenRequest(
            url=url, method="DELETE", headers=(*HEADERS, _bearer(value)), sensitive=(value,)
        )
        response = yield request
        if response.status >= 300 and response.status != 401:  # noqa: PLR2004 - 401: it had ended
            raise refusal(response, now=context.now, answer=self.answer)

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """An app has a key and no secret."""
        if registration.signing_key is None:
            path = f"registration.{registration.registration_id}.private-key-file"
            yield Problem(path, NO_KEY, remedy="Generate one at the app's settings.")


def _bearer(value: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {value}"
