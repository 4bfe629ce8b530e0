"""What only httpx and httpx2 do: proxies, traces, multipart, resent requests."""

from __future__ import annotations

import asyncio
import io
import socket
import ssl
import threading
from contextlib import suppress

import httpx
import httpx2
import pytest

import oauthreg.auth.httpx
import oauthreg.auth.httpx2
from oauthreg import AsyncAuthorizedClientManager, AuthorizedClientManager
from oauthreg.testing import AuthorizationServer, Fault

HTTPX = [(httpx, oauthreg.auth.httpx), (httpx2, oauthreg.auth.httpx2)]
both = pytest.mark.parametrize(("httpx_", "adapter"), HTTPX, ids=["httpx", "httpx2"])


class Tunnels:
    """A proxy that opens tunnels and notes how it was asked to."""

    def __init__(self):
        self.opened = []
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                asked = near.recv(65536)
                self.opened.append(asked)
                host, port = asked.split()[1].decode().rsplit(":", 1)
                far = socket.create_connection((host, int(port)))
                self.connections += [near, far]
                near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self.relay, args=(source, sink), daemon=True).start()

    def relay(self, source, sink):
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)

    def close(self):
        for connection in [*self.connections, self.listener]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


@pytest.fixture
def tunnels():
    tunnels = Tunnels()
    yield tunnels
    tunnels.close()


@both
def test_an_asynchronous_client_refuses_a_synchronous_manager(httpx_, adapter, manager, server):
    async def ask():
        async with httpx_.AsyncClient(auth=adapter.Auth(manager, "my-client")) as client:
            await client.get(server.api_uri)

    with pytest.raises(TypeError, match="asynchronous HTTP client needs an Async"):
        asyncio.run(ask())
    assert server.requests == []


@both
def test_a_synchronous_client_refuses_an_asynchronous_manager(
    httpx_, adapter, async_manager, server
):
    with (
        httpx_.Client(auth=adapter.Auth(async_manager, "my-client")) as client,
        pytest.raises(TypeError, match="synchronous HTTP client needs an Auth"),
    ):
        client.get(server.api_uri)
    assert server.requests == []


@both
@pytest.mark.parametrize("seekable", [True, False])
def test_multipart_is_replayed_if_its_files_are_seekable(
    httpx_, adapter, manager, server, seekable
):
    file = io.BytesIO(b"content of the file")
    file.seekable = lambda: seekable
    with httpx_.Client(auth=adapter.Auth(manager, "my-client")) as client:
        client.get(server.api_uri)
        server.revoke_all()
        answer = client.post(
            server.api_uri, files={"a": file, "b": ("name", b"bytes")}, data={"field": "value"}
        )
    assert answer.status_code == (200 if seekable else 401)
    assert ("content of the file" in answer.text) is seekable


@both
def test_the_callers_trace_goes_on(httpx_, adapter, settings, server):
    seen = []
    with (
        AuthorizedClientManager.from_settings(settings(urls=[server.base_uri])) as manager,
        httpx_.Client(auth=adapter.Auth(manager, "my-client")) as client,
    ):
        client.get(server.api_uri, extensions={"trace": lambda event, _: seen.append(event)})
    assert "http11.send_request_headers.started" in seen


@both
def test_the_callers_asynchronous_trace_goes_on(httpx_, adapter, settings, server):
    seen = []

    async def trace(event, _):
        seen.append(event)

    async def ask():
        async with (
            AsyncAuthorizedClientManager.from_settings(settings(urls=[server.base_uri])) as manager,
            httpx_.AsyncClient(auth=adapter.Auth(manager, "my-client")) as client,
        ):
            await client.get(server.api_uri, extensions={"trace": trace})

    asyncio.run(ask())
    assert "http11.send_request_headers.started" in seen


@both
def test_a_proxied_request_is_judged_by_its_target(httpx_, adapter, settings, server, tokens_seen):
    urls = ["http://api.internal.example"]
    with (
        AuthorizedClientManager.from_settings(settings(urls=urls)) as manager,
        httpx_.Client(
            auth=adapter.Auth(manager, "my-client"), proxy=server.base_uri, trust_env=False
        ) as client,
    ):
        client.get("http://api.internal.example/x")
    proxied = server.requests[-1]
    assert proxied.headers["Host"] == "api.internal.example"
    assert proxied.headers["Authorization"].startswith("Bearer ")


@both
def test_a_tunnel_is_opened_without_a_token(httpx_, adapter, settings, tunnels):
    with AuthorizationServer(tls=True) as secure:
        secure.inject(Fault(status=200), path="api")
        with (
            AuthorizedClientManager.from_settings(settings(urls=[secure.base_uri])) as manager,
            httpx_.Client(
                auth=adapter.Auth(manager, "my-client"),
                proxy=tunnels.address,
                verify=ssl.create_default_context(cafile=secure.ca_bundle),
                trust_env=False,
            ) as client,
        ):
            assert client.get(secure.api_uri).status_code == 200
    (opened,) = tunnels.opened
    assert opened.startswith(b"CONNECT ")
    assert b"bearer" not in opened.lower()


@both
def test_a_request_may_be_sent_again(httpx_, adapter, manager, server):
    with httpx_.Client(auth=adapter.Auth(manager, "my-client")) as client:
        request = client.build_request("GET", server.api_uri)
        assert client.send(request).status_code == 200
        server.revoke_all()
        assert client.send(request).status_code == 200
        assert client.send(request).status_code == 200
    assert server.token_requests == 2


@both
def test_a_redirect_followed_by_hand_is_a_redirect(httpx_, adapter, settings, server, other):
    for listed in ([], [server.base_uri, other.base_uri]):
        with (
            AuthorizedClientManager.from_settings(settings(urls=listed)) as manager,
            httpx_.Client(auth=adapter.Auth(manager, "my-client")) as client,
        ):
            away = client.get(f"{server.api_uri}/redirect?to={other.api_uri}").next_request
            near = client.get(f"{server.api_uri}/redirect?to={server.api_uri}").next_request
            client.send(away)
            assert client.send(near).status_code == 200
        seen = other.requests_to("api")[-1].headers["Authorization"]
        assert (seen is not None) is bool(listed)


@both
def test_a_transport_that_reports_nothing_is_served(httpx_, adapter, settings):
    sent = []

    def answer(request):
        sent.append(request.headers.get("Authorization"))
        return httpx_.Response(200)

    with (
        AuthorizedClientManager.from_settings(settings(urls=["https://a.example"])) as manager,
        httpx_.Client(
            auth=adapter.Auth(manager, "my-client"), transport=httpx_.MockTransport(answer)
        ) as client,
    ):
        assert client.get("https://a.example").status_code == 200
    assert sent[0].startswith("Bearer ")
