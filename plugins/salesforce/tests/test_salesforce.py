"""Salesforce: the org's own domain, the API's address of a token, assertions about a user."""

from typing import ClassVar

import pytest
from oauthreg_salesforce import Salesforce

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg.testing import (
    AuthorizationServer,
    Fault,
    ProviderPluginTests,
    Sample,
    answer,
    key_file,
)

GRANTED = {
    "access_token": "00Dx0000000BV7z!AR8AQBM8J",
    "signature": "CMJ4l+CCaPQiKjoOEwEig9H4wqhpuLSk4J2urAe+fVg=",
    "scope": "api",
    "instance_url": "https://acme.my.salesforce.com",
    "id": "https://login.salesforce.com/id/00Dx0000000BV7zEAO/005x00000012Q9PAAU",
    "token_type": "Bearer",
    "issued_at": "1278448384422",
}


def refused(code, words=None):
    return answer(400, error=code, error_description=words)


class TestConformance(ProviderPluginTests):
    plugin = Salesforce
    name = "salesforce"
    settings: ClassVar = {"my-domain": "acme.my.salesforce.com"}
    cases: ClassVar = {
        "secret": {},
        "user": {
            "authorization-grant-type": "jwt-bearer",
            "username": "ada@acme.example",
            "private-key-file": key_file,
        },
    }
    answers: ClassVar = [answer(**GRANTED)]
    samples: ClassVar = [
        Sample(
            answer(**GRANTED),
            token="00Dx0000000BV7z!AR8AQBM8J",
            lifetime=900,
            scopes=["api"],
            api_uri="https://acme.my.salesforce.com",
        ),
        Sample(refused("invalid_grant", "request not supported on this domain"), hint="My Domain"),
        Sample(
            refused("invalid_grant", "user hasn't approved this consumer"), hint="pre-authorized"
        ),
        Sample(refused("invalid_grant", "no client credentials user enabled"), hint="Run As"),
        Sample(refused("invalid_client_id", "client identifier invalid"), hint="consumer key"),
        Sample(refused("inactive_user", "user is inactive"), hint="deactivated"),
        Sample(refused("inactive_org", "organization is inactive"), hint="org is locked"),
        Sample(refused("rate_limit_exceeded", "login rate exceeded"), hint="share tokens"),
    ]


def test_an_assertion_about_a_user_is_all_that_is_sent():
    with AuthorizationServer() as server:
        server.inject(Fault(body=GRANTED), path="*")
        provider = {"type": "salesforce", "my-domain": server.base_uri}
        user = {
            "client-id": "my-client",
            "authorization-grant-type": "jwt-bearer",
            "username": "ada@acme.example",
            "private-key-file": key_file(),
        }
        with AuthorizedClientManager.from_settings(
            {"provider": {"salesforce": provider}, "registration": {"user": user}}
        ) as manager:
            client = manager.authorize("user")
        assert client.api_uri == "https://acme.my.salesforce.com"
        assert {name for name, _ in server.requests[-1].form} == {"grant_type", "assertion"}


@pytest.mark.parametrize("host", ["login.salesforce.com", "https://test.salesforce.com/"])
def test_a_login_host_has_no_client_credentials(host):
    with pytest.raises(ConfigurationError, match="own My Domain"):
        AuthorizedClientManager.from_settings(
            {
                "provider": {"salesforce": {"type": "salesforce", "my-domain": host}},
                "registration": {"app": {"client-id": "a", "client-secret": "s"}},
            }
        )
