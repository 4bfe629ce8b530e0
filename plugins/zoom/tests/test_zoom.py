"""Zoom: its own grant, its own word for what went wrong."""

from typing import ClassVar

import pytest
from oauthreg_zoom import Zoom

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg.testing import ProviderPluginTests, Sample, answer


def test_scopes_are_not_asked_for():
    registration = {"client-id": "id", "client-secret": "secret", "scope": "meeting:read"}
    with pytest.raises(ConfigurationError, match="chosen in its settings"):
        AuthorizedClientManager.from_settings(
            {
                "provider": {"zoom": {"type": "zoom", "account-id": "1"}},
                "registration": {"app": {"provider": "zoom", **registration}},
            }
        )


class TestConformance(ProviderPluginTests):
    plugin = Zoom
    name = "zoom"
    settings: ClassVar = {"account-id": "my-account"}
    registration: ClassVar = {"client-id": "my-client"}
    samples: ClassVar = [
        Sample(
            answer(
                access_token="eyJzdiI6", token_type="bearer", expires_in=3600, scope="meeting:read"
            ),
            token="eyJzdiI6",
            lifetime=3600,
            scopes=["meeting:read"],
        ),
        Sample(
            answer(400, error="invalid_client", reason="Invalid client_id or client_secret"),
            hint="activate the app",
        ),
        Sample(answer(400, error="invalid_request"), hint="Account ID"),
    ]
