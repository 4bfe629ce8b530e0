"""The metadata server and workload identity federation of Google Cloud."""

from typing import ClassVar

import pytest
from oauthreg_google import PLATFORM, Federation, MetadataServer

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg.testing import ProviderPluginTests, Sample, answer, text_file

POOL = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k8s"
STS = answer(
    access_token="ya29.d.sts",
    issued_token_type="urn:ietf:params:oauth:token-type:access_token",
    token_type="Bearer",
    expires_in=3599,
)
IMPERSONATED = answer(accessToken="ya29.c.sa", expireTime="2030-11-29T13:00:00Z")
NOON = "2030-11-29T12:00:00Z"


def test_the_provider_of_the_pool_is_needed():
    registration = {"provider": "f", "subject-token": "a-token-of-another-issuer"}
    with pytest.raises(ConfigurationError, match="workload identity pool"):
        AuthorizedClientManager.from_settings(
            {
                "provider": {"f": {"type": "google-federation"}},
                "registration": {"app": registration},
            }
        )


class TestMetadataServer(ProviderPluginTests):
    plugin = MetadataServer
    name = "google-metadata"
    registration: ClassVar = {"scope": [PLATFORM, "https://www.googleapis.com/auth/bigquery"]}
    samples: ClassVar = [
        Sample(
            answer(access_token="ya29.c.vm", expires_in=3599, token_type="Bearer"),
            token="ya29.c.vm",
            lifetime=3599,
        ),
        Sample(answer(404, error="not found"), hint="check account"),
    ]


class TestFederation(ProviderPluginTests):
    plugin = Federation
    name = "google-federation"
    registration: ClassVar = {
        "audience": POOL,
        "subject-token-file": text_file("a-token-of-another-issuer"),
    }
    samples: ClassVar = [
        Sample(STS, token="ya29.d.sts", lifetime=3599),
        Sample(answer(400, error="invalid_grant"), hint="issuer and audience"),
        Sample(answer(400, error="invalid_target"), hint="full name"),
        Sample(
            answer(
                403,
                error={
                    "code": 403,
                    "message": "Permission 'iam.serviceAccounts.getAccessToken' denied",
                    "status": "PERMISSION_DENIED",
                },
            ),
            hint="Token Creator",
        ),
    ]


class TestImpersonation(TestFederation):
    settings: ClassVar = {"service-account": "orders@acme.iam.gserviceaccount.com"}
    answers: ClassVar = [STS, IMPERSONATED]
    samples: ClassVar = [
        Sample([STS, IMPERSONATED], token="ya29.c.sa", lifetime=3600, now=NOON),
        *TestFederation.samples[1:],
    ]
