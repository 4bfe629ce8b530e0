"""Zoom's server-to-server apps, as a provider of oauthreg."""

from collections.abc import Iterable

from oauthreg.plugin import (
    ClientRegistration,
    PluginContext,
    Problem,
    ProviderPlugin,
    ProviderSettings,
)

HINTS = {
    "invalid_client": (
        "Compare client-id and client-secret with the app's credentials, and activate the app."
    ),
    "invalid_request": "Check account-id: the Account ID of the app's credentials page.",
}
NO_SCOPE = "must not be set: the scopes of a server-to-server app are chosen in its settings"


class ZoomSettings(ProviderSettings):
    """An account.

    Attributes:
        account_id: The Account ID of the app's credentials page.
    """

    account_id: str


class Zoom(ProviderPlugin[ZoomSettings]):
    """The server-to-server apps of an account."""

    token_uri = "https://zoom.us/oauth/token"
    client_authentication_method = "client_secret_basic"
    grant_type = "account_credentials"
    answer = {"error_description": ["error_description", "reason"]}
    api_uri = "https://api.zoom.us"
    error_hints = HINTS
    documentation = "https://developers.zoom.us/docs/internal-apps/s2s-oauth/"
    unverified = (
        "Errors have `reason` in place of `error_description`.",
        "The API's address.",
    )

    def parameters(self, context: PluginContext) -> Iterable[tuple[str, str]]:
        """The account that the token is for."""
        yield "account_id", self.settings.account_id

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """Scopes are not asked for."""
        if registration.scopes:
            yield Problem(f"registration.{registration.registration_id}.scope", NO_SCOPE)
