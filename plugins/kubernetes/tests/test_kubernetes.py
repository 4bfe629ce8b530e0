"""Kubernetes: the token of the file, as long as its own claims say."""

import json
from base64 import urlsafe_b64encode
from typing import ClassVar

import pytest
from oauthreg_kubernetes import Kubernetes

from oauthreg import AuthorizationError, AuthorizedClientManager
from oauthreg.testing import ProviderPluginTests, text_file

NOW = 1_800_000_000  # at which the kit tries plugins
LATER = 4_000_000_000


def token(**claims):
    parts = ({"alg": "RS256"}, {"sub": "system:serviceaccount:default:orders", **claims}, "sig")
    encoded = (urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join(encoded)


class TestConformance(ProviderPluginTests):
    plugin = Kubernetes
    name = "kubernetes"
    cases: ClassVar = {
        "with an expiry": {"assertion-file": lambda: text_file(token(exp=NOW + 3600))},
        "without one": {"assertion-file": lambda: text_file(token())},
    }


def manager(path):
    return AuthorizedClientManager.from_settings(
        {
            "provider": {"kubernetes": {"type": "kubernetes"}},
            "registration": {"app": {"assertion-file": str(path), "allow-readable": True}},
        }
    )


def test_it_is_the_token_of_the_file_until_its_expiry(tmp_path):
    path = tmp_path / "token"
    path.write_text(token(exp=LATER))
    with manager(path) as clients:
        client = clients.authorize("app")
        assert client.access_token.token_value == token(exp=LATER)
        assert client.access_token.expires_at.timestamp() == pytest.approx(LATER, abs=2)
        path.write_text(token(exp=LATER, jti="new"))
        assert clients.authorize("app", force=True).access_token.token_value != token(exp=LATER)


def test_a_token_that_has_expired_is_not_handed_out(tmp_path):
    path = tmp_path / "token"
    path.write_text(token(exp=1_000_000_000))
    with manager(path) as clients, pytest.raises(AuthorizationError, match="has expired"):
        clients.authorize("app")
