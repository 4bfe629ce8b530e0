"""PingOne, PingFederate and PingAM: their addresses, and what they answer."""

from typing import ClassVar

from oauthreg_ping import PingAM, PingFederate, PingOne

from oauthreg.testing import ProviderPluginTests, Sample, answer

GRANTED = Sample(
    answer(access_token="eyJhbGci", token_type="Bearer", expires_in=3600),
    token="eyJhbGci",
    lifetime=3600,
)


class TestPingOne(ProviderPluginTests):
    plugin = PingOne
    name = "pingone"
    settings: ClassVar = {"environment-id": "1-2", "region": "eu"}
    registration: ClassVar = {"client-id": "my-client", "scope": "orders.read"}
    samples: ClassVar = [
        GRANTED,
        Sample(answer(401, error="invalid_client"), hint="Authentication Method"),
        Sample(answer(400, error="invalid_scope"), hint="one resource"),
    ]


class TestPingFederate(ProviderPluginTests):
    plugin = PingFederate
    name = "pingfederate"
    settings: ClassVar = {"base-url": "https://sso.example.org:9031"}
    registration: ClassVar = {"client-id": "my-client", "scope": "orders.read"}
    samples: ClassVar = [GRANTED]


class TestPingAM(ProviderPluginTests):
    plugin = PingAM
    name = "pingam"
    settings: ClassVar = {"base-url": "https://am.example.org/am", "realm": "alpha"}
    registration: ClassVar = {"client-id": "my-client", "scope": "orders.read"}
    samples: ClassVar = [GRANTED]
