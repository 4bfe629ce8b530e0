"""XSUAA: secret and certificate at their hosts, the binding as it is, documented answers."""

import json
from typing import ClassVar

import pytest
from oauthreg_xsuaa import Xsuaa

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg.testing import (
    ProviderPluginTests,
    Sample,
    answer,
    certificate_file,
    key_file,
    text_file,
)

URL = "https://acme.authentication.eu10.hana.ondemand.com"
CERTURL = "https://acme.authentication.cert.eu10.hana.ondemand.com"
BINDING = {"clientid": "sb-orders!t1", "url": URL, "certurl": CERTURL}


def binding(**credential):
    return text_file(json.dumps({**BINDING, **credential}))


def refused(words):
    return Sample(
        answer(401, error="unauthorized", error_description=words), hint="binding is wrong"
    )


class TestConformance(ProviderPluginTests):
    plugin = Xsuaa
    name = "xsuaa"
    settings: ClassVar = {"url": URL, "certurl": CERTURL}
    cases: ClassVar = {
        "secret": {},
        "certificate": {
            "certificate-file": certificate_file,
            "certificate-key-file": key_file,
            "client-authentication-method": "tls_client_auth",
        },
        "binding with a secret": {
            "credentials-file": lambda: binding(clientsecret="a+secret/of=the:binding")
        },
        "binding with a certificate": {
            "credentials-file": binding,
            "certificate-file": certificate_file,
            "certificate-key-file": key_file,
            "client-authentication-method": "tls_client_auth",
        },
        "exchange": {"authorization-grant-type": "jwt-bearer"},
    }
    samples: ClassVar = [
        Sample(
            answer(
                access_token="eyJhbGciOi",
                token_type="bearer",
                expires_in=43199,
                scope="uaa.resource orders.read",
                jti="5d0f4b4a",
            ),
            token="eyJhbGciOi",
            token_type="Bearer",
            lifetime=43199,
            scopes=["uaa.resource", "orders.read"],
        ),
        refused("Client authentication failed"),
        refused("Bad credentials"),
        refused("Client with requested ID does not exist: sb-orders"),
        Sample(answer(429), hint="share tokens", retryable=True),
    ]
    requests: ClassVar = {
        "secret": [
            f"""
POST {URL}/oauth/token
grant_type=client_credentials
client_id=kit
client_secret=<secret>
"""
        ],
        "certificate": [
            f"""
POST {CERTURL}/oauth/token
<client certificate>
grant_type=client_credentials
client_id=kit
"""
        ],
        "binding with a secret": [
            f"""
POST {URL}/oauth/token
grant_type=client_credentials
client_id=sb-orders!t1
client_secret=a+secret/of=the:binding
"""
        ],
        "binding with a certificate": [
            f"""
POST {CERTURL}/oauth/token
<client certificate>
grant_type=client_credentials
client_id=sb-orders!t1
"""
        ],
    }


def test_a_certificate_needs_its_host():
    registration = {
        "client-id": "sb-orders",
        "certificate-file": certificate_file(),
        "certificate-key-file": key_file(),
        "client-authentication-method": "tls_client_auth",
    }
    provider = {"type": "xsuaa", "url": URL}
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(
            {"provider": {"sap": provider}, "registration": {"app": registration}}
        )
    assert [problem.path for problem in caught.value.problems] == ["provider.sap.certurl"]


def test_trap_4_a_token_type_in_lower_case_is_bearer():
    assert b'"bearer"' in TestConformance.samples[0].answer.body
    TestConformance().test_documented_answers_are_understood()


def test_trap_6_a_secret_with_a_plus_goes_in_the_body():
    TestConformance().test_it_sends_what_is_documented()


def test_trap_9_a_certificate_is_shown_at_another_host():
    (sent,) = TestConformance().sent("certificate")
    assert sent.startswith(f"POST {CERTURL}/")


def test_a_binding_alone_is_enough():
    registration = {"provider": "sap", "credentials-file": binding(clientsecret="a secret")}
    with AuthorizedClientManager.from_settings(
        {"provider": {"sap": {"type": "xsuaa"}}, "registration": {"app": registration}}
    ) as manager:
        found = manager.registrations["app"]
    assert found.client_id == "sb-orders!t1"
    assert found.provider.token_uri == f"{URL}/oauth/token"
