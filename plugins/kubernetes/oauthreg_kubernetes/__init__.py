"""The token of a Kubernetes service account, as a provider of oauthreg: no request is sent."""

from oauthreg.plugin import (
    Granted,
    InvalidTokenResponseError,
    PluginContext,
    ProviderPlugin,
    ProviderSettings,
    SecretUnavailableError,
    jwt_claims,
)

TOKEN_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token"


class Kubernetes(ProviderPlugin[ProviderSettings]):
    """The token that the kubelet projects into the pod, until it expires."""

    client_authentication_method = "private_key_jwt"
    defaults = {"client-id": "service-account", "assertion-file": TOKEN_FILE}
    documentation = (
        "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/"
    )
    unverified = ("The file of the token, and that the kubelet replaces it before it expires.",)

    def local_token(self, context: PluginContext) -> Granted:
        """Return the token of the file, with what its own claims say of its life."""
        if context.assertion is None:
            raise SecretUnavailableError("there is no token of a service account", retryable=False)
        token = context.assertion.get_secret_value()
        expires = (jwt_claims(token) or {}).get("exp")
        if not isinstance(expires, int | float):
            return Granted(access_token=token)
        if expires <= context.now:
            raise InvalidTokenResponseError("the service account's token in the file has expired")
        return Granted(access_token=token, expires_in=expires - context.now)
