"""GitHub Apps: the signature, the installation, tokens that settle, and their end."""

import json
from typing import ClassVar

import pytest
from oauthreg_github_app import GitHubApp

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg.testing import (
    AuthorizationServer,
    Fault,
    ProviderPluginTests,
    Sample,
    answer,
    key_file,
)

ISSUED = answer(
    201,
    token="ghs_16C7e42F292c6912E7710c838347Ae178B4a",
    expires_at="2099-07-11T22:14:10Z",
    permissions={"contents": "read"},
    repository_selection="selected",
)


class TestConformance(ProviderPluginTests):
    plugin = GitHubApp
    name = "github-app"
    registration: ClassVar = {
        "client-id": "Iv23liABCDEF",
        "private-key-file": key_file,
        "installation-id": 12345,
        "permissions": {"contents": "read"},
    }
    answers: ClassVar = [ISSUED]
    samples: ClassVar = [
        Sample(ISSUED, token="ghs_16C7e42F292c6912E7710c838347Ae178B4a"),
        Sample(
            answer(401, message="A JSON web token could not be decoded"), hint="app's client id"
        ),
        Sample(
            answer(401, message="'Expiration time' claim ('exp') is too far in the future"),
            hint="this machine's clock",
        ),
        Sample(answer(403, message="This installation has been suspended"), hint="suspended"),
        Sample(answer(404, message="Not Found"), hint="installation-id"),
        Sample(answer(422, message="The permissions requested are not granted"), hint="does not"),
    ]

    def test_its_request_is_as_documented(self):
        (sent,) = self.sent()
        assert sent.startswith(
            "POST https://api.github.com/app/installations/12345/access_tokens\n"
        )
        assert '{"permissions": {"contents": "read"}}' in sent


def settings(server, **registration):
    mine = {"client-id": "app", "private-key-file": key_file(), "installation-id": 1}
    return {
        "provider": {"github-app": {"type": "github-app", "base-url": server.base_uri}},
        "registration": {"app": {**mine, **registration}},
    }


def test_installations_have_tokens_of_their_own_and_end_them():
    with AuthorizationServer() as server:
        body = {"token": "ghs_x", "expires_at": "2099-07-11T22:14:10Z"}
        server.inject(Fault(status=201, body=body), path="*")
        table = settings(server)
        mine = table["registration"]["app"]
        table["registration"]["other"] = {**mine, "installation-id": 2, "repositories": ["a"]}
        with AuthorizedClientManager.from_settings(table) as manager:
            for name in ("app", "other", "app"):
                assert manager.authorize(name).access_token.token_value == "ghs_x"
            paths = [request.path for request in server.requests]
            assert paths == [f"/app/installations/{id_}/access_tokens" for id_ in (1, 2)]
            assert json.loads(server.requests[-1].body) == {"repositories": ["a"]}
            manager.revoke("app", "ghs_x")
        last = server.requests[-1]
        assert (last.method, last.path) == ("DELETE", "/installation/token")
        assert last.headers["authorization"] == "Bearer ghs_x"


def test_an_app_without_a_key_is_a_problem():
    mine = {"client-id": "app", "client-secret": "s", "installation-id": 1}
    with pytest.raises(ConfigurationError, match="signs with its private key"):
        AuthorizedClientManager.from_settings(
            {"provider": {"github-app": {"type": "github-app"}}, "registration": {"app": mine}}
        )
