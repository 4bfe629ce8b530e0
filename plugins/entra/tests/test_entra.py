"""Entra: documented requests and errors, and what its offline check finds."""

from typing import ClassVar

import pytest
from oauthreg_entra import (
    CLOUDS,
    AppServiceIdentity,
    Entra,
    EntraB2C,
    EntraSettings,
    ManagedIdentity,
)
from oauthreg_entra.hints import CODES

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg.plugin import Explanation
from oauthreg.testing import (
    ProviderPluginTests,
    Sample,
    answer,
    assertion_file,
    certificate_file,
    key_file,
)

GRAPH = "https://graph.microsoft.com/.default"
TENANT = "contoso.onmicrosoft.com"
TOKEN_URI = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"


def refused(code, found):
    """An error as Microsoft documents it; codes may stand behind several OAuth errors."""
    hint = found.hint if isinstance(found, Explanation) else found
    body = {
        "error": "invalid_client",
        "error_description": f"AADSTS{code}: What happened.\r\nTrace ID: 255d1aef",
        "error_codes": [code],
        "timestamp": "2016-01-09 02:02:12Z",
        "trace_id": "255d1aef-8c98-452f-ac51-23d051240864",
        "correlation_id": "fb3d2015-bc17-4bb9-bb85-30c5cf1aaaa7",
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    return Sample(
        answer(400, **body),
        hint=hint,
        retryable=bool(getattr(found, "retryable", None)),
        correlation_id=body["correlation_id"],  # trap 15: it is in the error, and so in the log
    )


class TestConformance(ProviderPluginTests):
    plugin = Entra
    name = "entra"
    settings: ClassVar = {"tenant": TENANT}
    registration: ClassVar = {"client-id": "535fb089", "scope": GRAPH}
    cases: ClassVar = {
        "secret": {},
        "certificate": {
            "private-key-file": key_file,
            "assertion-certificate-file": certificate_file,
        },
        "workload identity": {"assertion-file": assertion_file},
    }
    samples: ClassVar = [
        Sample(
            answer(token_type="Bearer", expires_in=3599, access_token="eyJ0eXAi"),
            token="eyJ0eXAi",
            lifetime=3599,
        ),
        *(refused(code, found) for code, found in CODES.items()),
    ]
    requests: ClassVar = {
        "secret": [
            f"""
POST {TOKEN_URI}
grant_type=client_credentials
scope={GRAPH}
client_id=535fb089
client_secret=<secret>
"""
        ],
    }


class TestB2C(ProviderPluginTests):
    plugin = EntraB2C
    name = "entra-b2c"
    settings: ClassVar = {"tenant": "contoso", "policy": "B2C_1_signin"}
    registration: ClassVar = {
        "client-id": "535fb089",
        "scope": "https://contoso.example/api/.default",
    }
    samples = TestConformance.samples


class TestManagedIdentity(ProviderPluginTests):
    plugin = ManagedIdentity
    name = "entra-managed-identity"
    registration: ClassVar = {"resource": "https://management.azure.com/"}
    cases: ClassVar = {
        "system-assigned": {"client-id": "system-assigned"},
        "user-assigned": {"client-id": "0a1b2c3d"},
    }
    samples: ClassVar = [
        Sample(
            answer(
                access_token="eyJ0eXAi...",
                refresh_token="",
                expires_in="3599",
                expires_on="1506484173",
                not_before="1506480273",
                resource="https://management.azure.com/",
                token_type="Bearer",
            ),
            token="eyJ0eXAi...",
            lifetime=3599,
        ),
        Sample(answer(400, error="invalid_request"), hint="the identity", retryable=False),
        Sample(answer(404), hint="does not answer yet", retryable=True),
        Sample(answer(410), hint="does not answer yet", retryable=True),
    ]
    requests: ClassVar = {
        "system-assigned": [
            """
GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F
Metadata: true
"""
        ],
        "user-assigned": [
            """
GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F&client_id=0a1b2c3d
Metadata: true
"""
        ],
    }


class TestAppService(ProviderPluginTests):
    plugin = AppServiceIdentity
    name = "entra-app-service"
    settings: ClassVar = {
        "token-uri": "http://127.0.0.1:41741/MSI/token",
        "identity-header": "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a",
        "resource-id": "/subscriptions/s/identities/i",
    }
    registration: ClassVar = {"resource": "https://vault.azure.net", "client-id": "system-assigned"}
    samples: ClassVar = [
        Sample(
            answer(
                access_token="eyJ0eXAi...",
                expires_on="1800003600",
                resource="https://vault.azure.net",
                token_type="Bearer",
            ),
            token="eyJ0eXAi...",
            lifetime=3600,
        ),
        Sample(answer(400, statusCode=400, message="No identity"), hint="the identity"),
        Sample(answer(404), hint="does not answer yet", retryable=True),
        Sample(answer(410), hint="does not answer yet", retryable=True),
    ]
    requests: ClassVar = [
        """
GET http://127.0.0.1:41741/MSI/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net&mi_res_id=%2Fsubscriptions%2Fs%2Fidentities%2Fi
X-IDENTITY-HEADER: 853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a
"""
    ]


def problems(provider, **registration):
    table = {"client-id": "my-client", "client-secret": "a secret", **registration}
    table = {name: value for name, value in table.items() if value is not None}
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(
            {"provider": {"azure": provider}, "registration": {"my-client": table}}
        )
    return {problem.path: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize("tenant", ["common", "Organizations", "consumers"])
def test_an_app_has_no_token_of_its_own_in_every_tenant(tenant):
    found = problems({"type": "entra", "tenant": tenant}, scope=GRAPH)
    assert "one tenant" in found["provider.azure.tenant"]


@pytest.mark.parametrize(
    "scope", [[], ["User.Read"], [GRAPH, "https://vault.azure.net/.default"], [GRAPH, "User.Read"]]
)
def test_trap_7_the_scope_is_one_resource_with_default(scope):
    found = problems({"type": "entra", "tenant": TENANT}, scope=scope)
    assert "/.default" in found["registration.my-client.scope"]


def test_a_resource_is_written_as_a_scope():
    found = problems({"type": "entra", "tenant": TENANT}, scope=GRAPH, resource="https://x.example")
    assert "AADSTS901002" in found["registration.my-client.resource"]


def test_a_managed_identity_needs_one_resource():
    none = {"client-secret": None, "client-id": None}
    found = problems({"type": "entra-managed-identity"}, **none)
    assert "one address" in found["registration.my-client.resource"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_each_cloud_has_its_address(cloud):
    plugin = Entra(EntraSettings(tenant=TENANT, cloud=cloud))
    assert plugin.endpoints()["token-uri"] == f"{CLOUDS[cloud]}/{TENANT}/oauth2/v2.0/token"


def test_trap_8_the_assertion_is_for_the_token_endpoint_and_short():
    (sent,) = TestConformance().sent("certificate")
    assert '"alg": "PS256", "x5t#S256": "..."' in sent
    assert "<client certificate>" not in sent, "in TLS it would go to Microsoft, too"
    assert f'"aud": "{TOKEN_URI}"' in sent
    assert '"iat": 1800000000, "exp": 1800000300' in sent


def test_trap_10_a_new_federated_credential_is_waited_for():
    sample = next(one for one in TestConformance.samples if "70021" in str(one.answer.body))
    assert sample.retryable
