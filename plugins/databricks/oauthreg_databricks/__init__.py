"""Databricks, as a provider of oauthreg: workspaces and accounts."""

from collections.abc import Mapping

from oauthreg.plugin import BaseUrl, ProviderPlugin, ProviderSettings

HINTS = {
    "invalid_client": "Check client-id and client-secret: an OAuth secret of the principal.",
    "unauthorized_client": "Add the service principal to the workspace, or to the account.",
}


class DatabricksSettings(ProviderSettings):
    """A workspace, or with `account_id` an account.

    Attributes:
        host: The address of the workspace; for an account that of the account console, such as
            `accounts.cloud.databricks.com`.
        account_id: The account's id.
    """

    host: BaseUrl
    account_id: str | None = None


class Databricks(ProviderPlugin[DatabricksSettings]):
    """The tokens of a service principal."""

    token_uri = "{host}/oidc/accounts/{account_id}/v1/token"
    client_authentication_method = "client_secret_basic"
    defaults = {"scope": "all-apis"}
    api_uri = "{host}"
    minimum_life = 40
    error_hints = HINTS
    documentation = "https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m"
    unverified = ("What the codes of errors mean.",)

    def endpoints(self) -> Mapping[str, str]:
        """A workspace has no account in its path."""
        return super().endpoints() or {"token-uri": f"{self.settings.host}/oidc/v1/token"}
