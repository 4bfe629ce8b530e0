"""What a plugin, or the settings of a provider without one, says of requests to the API."""

from __future__ import annotations

from types import new_class
from typing import Literal

import pytest
from pydantic import SecretStr

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg.plugin import BaseUrl, HostLabel, ProviderPlugin, ProviderSettings


class ShopSettings(ProviderSettings):
    shop: HostLabel
    tenant: str | None = None
    region: Literal["eu", "us"] = "eu"
    subscription: SecretStr | None = None
    base_url: BaseUrl = "https://auth.example"


def shop_class(**attributes):
    body = {"token_uri": "https://{shop}.example.com/token", **attributes}
    return new_class("Shop", (ProviderPlugin[ShopSettings],), exec_body=lambda ns: ns.update(body))


def manager_of(plugin, monkeypatch, **provider):
    monkeypatch.setattr("oauthreg._settings.providers.provider_plugin", lambda _: plugin)
    return AuthorizedClientManager.from_settings(
        {
            "provider": {"p": {"type": "shop", "shop": "acme", **provider}},
            "registration": {
                "app": {"provider": "p", "client-id": "id", "client-secret": "secret"}
            },
        }
    )


def test_header_templates_know_the_token_the_client_and_the_settings(monkeypatch):
    plugin = shop_class(
        api_headers={
            "X-Token": "{access_token}",
            "X-Who": "{client_id}@{shop} {{literal}}",
            "X-Tenant": "{tenant}",
        }
    )
    manager = manager_of(plugin, monkeypatch)
    with manager.override("app", "fixed"):
        headers = manager.authorize("app").headers
        assert headers == {"X-Token": "fixed", "X-Who": "id@acme {literal}"}
        assert "fixed" not in repr(manager.authorize("app"))
    manager = manager_of(plugin, monkeypatch, tenant="t}{t")
    with manager.override("app", "fixed"):
        assert manager.authorize("app").headers["X-Tenant"] == "t}{t"


def test_the_scheme_of_the_token_may_be_the_vendors(monkeypatch):
    plugin = shop_class(api_headers={"authorization": "Bot {access_token}"})
    manager = manager_of(plugin, monkeypatch)
    with manager.override("app", "fixed"):
        client = manager.authorize("app")
        assert client.headers == {"Authorization": "Bot fixed"}
        assert client.authorization == "Bot fixed"


def test_the_address_of_the_api_follows_from_settings(monkeypatch):
    plugin = shop_class(api_uri="https://{shop}.api.example/{region}")
    manager = manager_of(plugin, monkeypatch)
    with manager.override("app", "fixed"):
        client = manager.authorize("app")
        assert client.api_uri == "https://acme.api.example/eu"
        assert client.urls == ("https://acme.api.example",)


WRONG = [
    ({"api_headers": {}}, r"must have \{access_token\} in the first header"),
    ({"api_headers": {"X-Key": "{client_id}", "X-Token": "{access_token}"}}, "first header"),
    ({"api_headers": {"Host": "{access_token}"}}, "must not have 'Host'"),
    ({"api_headers": {"X Token": "{access_token}"}}, "must not have 'X Token'"),
    ({"api_headers": {"X-T": "{access_token}", "x-t": "a"}}, "must not have 'X-T' twice"),
    ({"api_headers": {"X-T": "{access_token}\r\nX: y"}}, "must be printable ASCII"),
    ({"api_headers": {"X-T": "{access_token}", "X-S": "{shp}"}}, r"\{shp\} is no setting"),
    ({"api_headers": {"X-T": "{access_token.real}"}}, "name of a setting|first header"),
    ({"api_headers": {"X-T": "{access_token}", "K": "{subscription}"}}, "is a secret"),
    ({"api_uri": "http://{shop}.example.com"}, "must be https"),
    ({"api_uri": "https://{tenant}.example.com"}, "must be a HostLabel"),
    ({"api_uri": "https://{base_url}"}, "must begin the template"),
    ({"api_hosts": ["https://x.example"]}, "must be host names"),
    ({"api_hosts": ["a.*.example"]}, "must be host names"),
    ({"answer": {"api_uri": "instance_url"}}, "must say at which hosts"),
]


@pytest.mark.parametrize(("attributes", "words"), WRONG)
def test_what_cannot_be_sent_is_found_when_the_class_is_made(attributes, words):
    with pytest.raises(TypeError, match=words):
        shop_class(**attributes)


def test_a_setting_that_fits_no_header_is_a_problem_at_load(monkeypatch):
    plugin = shop_class(api_headers={"X-Token": "{access_token}", "X-Tenant": "{tenant}"})
    with pytest.raises(ConfigurationError, match=r"p\.tenant .*must be printable ASCII"):
        manager_of(plugin, monkeypatch, tenant="a\r\nX: y")


GENERIC = [
    ({"api-headers": {"X-T": "{access_token}", "X-R": "{realm}"}}, "no placeholders but"),
    ({"api-headers": {"X-Key": "planted-value"}}, "in the first header"),
    ({"api-headers": {"X-T": "{access_token}", "X-K": "é"}}, "must be printable ASCII"),
    ({"api-uri": "http://api.example"}, "must be https"),
    ({"api-uri": "https://{shop}.example"}, "must not have {shop} in it"),
    ({"api-hosts": ["*"]}, "must be host names"),
    ({"api-header": {"X-T": "{access_token}"}}, "Did you mean 'api-headers'"),
]


@pytest.mark.parametrize(("keys", "words"), GENERIC)
def test_a_provider_without_a_plugin_takes_the_same_keys(keys, words):
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(generic(**keys))
    assert words in str(caught.value)
    assert "planted-value" not in str(caught.value)


def generic(client_id="id", **keys):
    return {
        "provider": {"p": {"token-uri": "https://auth.example/token", **keys}},
        "registration": {
            "app": {"provider": "p", "client-id": client_id, "client-secret": "secret"}
        },
    }


def test_a_client_id_that_fits_no_header_is_a_problem():
    headers = {"X-Token": "{access_token}", "X-Key": "{client_id}"}
    with pytest.raises(ConfigurationError, match=r"client-id .*must be printable"):
        AuthorizedClientManager.from_settings(generic("ä", **{"api-headers": headers}))


def test_the_environment_may_give_the_headers_as_json(monkeypatch):
    monkeypatch.setenv("OAUTHREG_REGISTRATION__APP__CLIENT_ID", "id")
    monkeypatch.setenv("OAUTHREG_REGISTRATION__APP__CLIENT_SECRET", "s")
    monkeypatch.setenv("OAUTHREG_PROVIDER__P__TOKEN_URI", "https://auth.example/token")
    monkeypatch.setenv("OAUTHREG_PROVIDER__P__API_HEADERS", '{"X-Shop-Token": "{access_token}"}')
    manager = AuthorizedClientManager.from_settings()
    with manager.override("app", "fixed"):
        assert manager.authorize("app").headers == {"X-Shop-Token": "fixed"}
