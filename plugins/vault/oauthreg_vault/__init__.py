"""HashiCorp Vault, as a provider of oauthreg: a token by the JWT or Kubernetes login."""

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
    TokenRequest,
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
    answer = {"access_token": "auth.client_token", "expires_in": "auth.lease_duration"}
    api_uri = "{base_url}"
    api_headers = {"X-Vault-Token": "{access_token}", "X-Vault-Namespace": "{namespace}"}
    error_hints = HINTS
    documentation = "https://developer.hashicorp.com/vault/api-docs/auth/jwt"
    unverified = ("All of it: the addresses, the fields, the headers and the errors.",)

    def flow(self, context: PluginContext) -> Flow[Granted]:
        """Log in with role and JWT; the answer has the token inside `auth`."""
        jwt = context.assertion.get_secret_value() if context.assertion else ""
        body = json.dumps({"role": context.registration.client_id, "jwt": jwt})
        headers = {"Content-Type": "application/json", "X-Vault-Namespace": self.settings.namespace}
        response = yield TokenRequest(
            url=context.endpoints["token-uri"],
            headers=tuple((name, value) for name, value in headers.items() if value),
            content=body.encode(),
            sensitive=(jwt,),
        )
        return self.parse_response(context, response)

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        """The login needs a JWT."""
        if registration.assertion is None:
            yield Problem(
                f"registration.{registration.registration_id}.assertion-file", NO_ASSERTION
            )
