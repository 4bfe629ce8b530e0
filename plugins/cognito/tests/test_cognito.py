"""Cognito: its addresses, its documented answers, what it refuses."""

from typing import ClassVar

import pytest
from oauthreg_cognito import Cognito, CognitoSettings

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg.testing import ProviderPluginTests, Sample, answer

PREFIX = {"prefix": "acme", "region": "eu-west-1"}


def test_a_custom_domain_has_the_same_path():
    addresses = Cognito(CognitoSettings(domain="login.acme.example")).endpoints()
    assert addresses == {"token-uri": "https://login.acme.example/oauth2/token"}


@pytest.mark.parametrize(
    ("settings", "scope", "path"),
    [
        (PREFIX, "openid", "registration.app.scope"),
        ({**PREFIX, "prefix": "acme.auth"}, "orders/read", "provider.p.prefix"),
        ({"prefix": "acme"}, "orders/read", "provider.p"),
    ],
)
def test_what_cognito_would_refuse_is_found_at_load(settings, scope, path):
    provider = {"type": "cognito", **settings}
    registration = {"provider": "p", "client-id": "id", "client-secret": "s", "scope": scope}
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(
            {"provider": {"p": provider}, "registration": {"app": registration}}
        )
    assert [problem.path for problem in caught.value.problems] == [path]


class TestConformance(ProviderPluginTests):
    plugin = Cognito
    name = "cognito"
    settings: ClassVar = PREFIX
    registration: ClassVar = {"client-id": "my-client", "scope": "orders/read"}
    samples: ClassVar = [
        Sample(
            answer(access_token="eyJz9sdfsdfsdfsd", token_type="Bearer", expires_in=3600),
            token="eyJz9sdfsdfsdfsd",
            lifetime=3600,
        ),
        Sample(answer(400, error="invalid_client"), hint="this user pool"),
        Sample(answer(400, error="unauthorized_client"), hint="client credentials grant"),
    ]
