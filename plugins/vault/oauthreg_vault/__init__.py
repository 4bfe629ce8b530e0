"""HashiCorp Vault, as a provider of oauthreg: a token by the JWT or Kubernetes login."""

from collections.abc import Iterable

from oauthreg.plugin import (
    BaseUrl,
    ClientRegistration,
    Explanation,
    Problem,
    ProviderPlugin,
    ProviderSettings,
)

HINTS: dict[str, str | Explanation] = {
    "*: permission denied": Explanation(
        category="credential",
        hint="The role does not take this assertion: compare its bound claims and audiences, and "
        "look whether namespace is the right one.",
    ),
    "*: role": "There is no such role at this mount: client-id is the role's name.",
    "404": "There is no auth method at this mount: compare base-url, mount and namespace.",
    "503": "Vault is sealed or in maintenance.",
}
NO_ASSERTION = "is missing: the login sends its JWT"


class VaultSettings(ProviderSettings):
    """A Vault server, and where its auth method is mounted.

    Attributes:
        base_url: The server's address.
        mount: Where the auth method is mounted: `jwt`, `kubernetes`, or one's own name.
        namespace: The namespace, where there are several.
    """

    base_url: BaseUrl
    mount: str = "jwt"
    namespace: str | None = None


class Vault(ProviderPlugin[VaultSettings]):
    """One auth method; the client-id is the role, the assertion a JWT that the role takes."""

    token_uri = "{base_url}/v1/auth/{mount}/login"
    client_authentication_method = "private_key_jwt"
    body = "json"
    field_names = {
        "client_id": "role",
        "client_assertion": "jwt",
        "client_assertion_type": "",
        "grant_type": "",
    }
    defaults = {"headers": {"X-Vault-Namespace": "{namespace}"}}
    answer = {"access_token": "auth.client_token", "expires_in": "auth.lease_duration"}
    api_uri = "{base_url}"
    api_headers = {"X-Vault-Token": "{access_token}", "X-Vault-Namespace": "{namespace}"}
    error_hints = HINTS
    documentation = "https://developer.hashicorp.com/vault/api-docs/auth/jwt"
    unverified = ("All of it: the addresses, the fields, the headers and the errors.",)

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """The login needs a JWT."""
        if registration.assertion is None:
            path = f"registration.{registration.registration_id}.assertion-file"
            yield Problem(path, NO_ASSERTION)
