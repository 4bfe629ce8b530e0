"""Vault: the login, the token inside `auth`, and its headers."""

from typing import ClassVar

import pytest
from oauthreg_vault import Vault

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg.testing import ProviderPluginTests, Sample, answer, assertion_file, text_file

SERVER = "https://vault.example.com:8200"


class TestConformance(ProviderPluginTests):
    plugin = Vault
    name = "vault"
    settings: ClassVar = {"base-url": SERVER, "namespace": "team-a", "mount": "kubernetes"}
    registration: ClassVar = {"client-id": "orders", "assertion-file": assertion_file}
    samples: ClassVar = [
        Sample(
            answer(
                auth={"client_token": "hvs.CAESI", "lease_duration": 2764800, "renewable": True}
            ),
            token="hvs.CAESI",
            lifetime=2764800,
            api_uri=SERVER,
        ),
        Sample(answer(403, errors=["permission denied"]), hint="bound claims"),
        Sample(answer(400, errors=['role "orders" could not be found']), hint="role's name"),
        Sample(answer(404, errors=[]), hint="no auth method"),
        Sample(answer(503, errors=["Vault is sealed"]), hint="sealed", retryable=True),
    ]

    def test_its_login_is_json(self):
        (sent,) = self.sent()
        assert sent.startswith(
            f"POST {SERVER}/v1/auth/kubernetes/login\n"
            "X-Vault-Namespace: team-a\n"
            "Content-Type: application/json\n"
            '{"role": "orders", "jwt": "<jwt '
        )


class TestWithoutANamespace(ProviderPluginTests):
    plugin = Vault
    name = "vault"
    settings: ClassVar = {"base-url": SERVER}
    registration: ClassVar = {"assertion-file": lambda: text_file("eyJh.eyJp.c2ln")}
    samples = TestConformance.samples


def test_a_login_without_a_jwt_is_a_problem():
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(
            {
                "provider": {"vault": {"type": "vault", "base-url": SERVER}},
                "registration": {"app": {"client-id": "orders", "client-secret": "a secret"}},
            }
        )
    assert "registration.app.assertion-file" in [one.path for one in caught.value.problems]
