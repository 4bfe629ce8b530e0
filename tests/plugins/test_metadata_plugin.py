"""A plugin for a cloud's metadata service says so; nobody else gets there."""

from __future__ import annotations

import socket
from types import new_class

import pytest

from oauthreg import AuthorizedClientManager, ConfigurationError, ConnectionFailedError
from oauthreg.plugin import ProviderPlugin, ProviderSettings, TokenRequest, granted_from
from oauthreg.testing import AuthorizationServer, Fault

URI = "http://169.254.169.254/metadata/identity/oauth2/token"


def flow(self, context):
    yield TokenRequest(url=context.endpoints["token-uri"], method="GET")
    return granted_from({"access_token": "t", "expires_in": "3599"})


def plugin_class(**body):
    parts = {"flow": flow, **body}
    return new_class(
        "Imds", (ProviderPlugin[ProviderSettings],), exec_body=lambda n: n.update(parts)
    )


def manager_of(plugin, monkeypatch, **provider):
    monkeypatch.setattr("oauthreg._settings.providers.provider_plugin", lambda _: plugin)
    method = {"client-authentication-method": "none"}
    registration = {"provider": "p", "client-id": "id", **method}
    return AuthorizedClientManager.from_settings(
        {"provider": {"p": {"type": "imds", **provider}}, "registration": {"app": registration}}
    )


def test_its_flow_reaches_the_service(monkeypatch):
    plugin, real = plugin_class(token_uri=URI, link_local=True), socket.socket.connect
    with AuthorizationServer() as server, manager_of(plugin, monkeypatch) as manager:
        server.inject(Fault(status=200, body={}), path="")
        place = "127.0.0.1", int(server.base_uri.rpartition(":")[2])
        monkeypatch.setattr(socket.socket, "connect", lambda sock, _: real(sock, place))
        assert manager.authorize("app").access_token.token_value == "t"


def test_its_address_is_refused_without_saying_so(monkeypatch):
    with pytest.raises(
        TypeError, match=r"Imds\.token_uri gives no usable address: it must be https"
    ):
        plugin_class(token_uri=URI)
    plugin = plugin_class(token_uri="https://auth.example/token")
    with pytest.raises(ConfigurationError, match="must be https"):
        manager_of(plugin, monkeypatch, **{"token-uri": URI})


def test_a_request_cannot_say_it_for_the_class(monkeypatch):
    def sly(self, context):
        yield TokenRequest(url=URI, method="GET", link_local=True)

    plugin = plugin_class(token_uri="https://auth.example/token", flow=sly)
    with (
        manager_of(plugin, monkeypatch) as manager,
        pytest.raises(ConnectionFailedError, match="nothing was sent"),
    ):
        manager.authorize("app")


def test_it_may_ask_nothing_else_in_the_clear(monkeypatch):
    with pytest.raises(TypeError, match="must be https"):
        plugin_class(token_uri="http://10.0.0.1/token", link_local=True)
