"""The conformance kit over the generic provider: any server that keeps to the RFCs."""

from typing import ClassVar

from oauthreg._provider import GenericProvider
from oauthreg.testing import ProviderPluginTests


class TestGeneric(ProviderPluginTests):
    plugin = GenericProvider
    name = "generic"
    settings: ClassVar = {"token-uri": "https://id.example.com/oauth2/token"}
    registration: ClassVar = {"client-id": "my-client", "scope": "read"}


class TestGenericByDiscovery(ProviderPluginTests):
    plugin = GenericProvider
    name = "generic"
    settings: ClassVar = {"issuer-uri": "https://id.example.com/tenant"}
    registration: ClassVar = {
        "client-id": "my-client",
        "scope": ["read", "write"],
        "audience": "api",
    }


class TestGenericBySecretInTheBody(ProviderPluginTests):
    plugin = GenericProvider
    name = "generic"
    settings: ClassVar = {"token-uri": "https://id.example.com/oauth2/token"}
    registration: ClassVar = {
        "client-id": "my-client",
        "scope": "read",
        "client-authentication-method": "client_secret_post",
    }
