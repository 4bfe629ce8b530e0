"""A vendor that is not plain OAuth2, in sixteen lines: still cached, shared and renewed."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from oauthreg import AsyncAuthorizedClientManager, ProviderPlugin, ProviderSettings, TokenRequest
from oauthreg._protocol.requests import token_request
from oauthreg._protocol.text import json_object
from oauthreg.testing import Fault

CALLERS = 50


class Nonce(ProviderPlugin[ProviderSettings]):
    """A server that wants a nonce of its own in every token request."""

    def flow(self, context):
        answer = yield TokenRequest(url=f"{context.issuer}/nonce", method="GET")
        nonce = (json_object(answer) or {}).get("nonce", "")
        request = token_request(context, self, "client_credentials", [("nonce", nonce)])
        return self.parse_response(context, (yield request))


@pytest.fixture
def settings(plug, server):
    plug(Nonce)
    server.inject(Fault(body={"nonce": "n-1"}), path="/nonce")
    addresses = {"issuer-uri": server.issuer, "token-uri": server.token_uri}
    return {
        "provider": {"acme": {"type": "acme", **addresses}},
        "registration": {"my-client": {"client-id": "my-client", "client-secret": "a secret"}},
    }


def test_both_steps_are_on_the_wire(manager, settings, server):
    client = manager(**settings).authorize("my-client")
    assert [(request.method, request.path) for request in server.requests] == [
        ("GET", "/nonce"),
        ("POST", "/token"),
    ]
    assert dict(server.last_token_request.form)["nonce"] == "n-1"
    assert client.access_token.token_value == server.tokens[-1].value


def test_it_is_cached(manager, settings, server):
    clients = manager(**settings)
    first, second = (clients.authorize("my-client") for _ in range(2))
    assert first is second
    assert len(server.requests) == 2


def test_a_herd_of_threads_makes_one_flow(manager, settings, server):
    clients = manager(**settings)
    with server.hold() as gate, ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(clients.authorize, "my-client") for _ in range(CALLERS)]
        gate.wait_for(1)
        gate.open()
        values = {call.result().access_token.token_value for call in calls}
    assert len(values) == 1
    assert len(server.requests_to("/nonce")) == server.token_requests == 1


def test_a_herd_of_tasks_makes_one_flow(settings, server):
    async def herd():
        async with AsyncAuthorizedClientManager.from_settings(settings) as clients:
            calls = (clients.authorize("my-client") for _ in range(CALLERS))
            return {client.access_token.token_value for client in await asyncio.gather(*calls)}

    assert len(asyncio.run(herd())) == 1
    assert len(server.requests_to("/nonce")) == server.token_requests == 1


def test_a_renewal_is_a_whole_new_flow(manager, settings, server):
    clients = manager(**settings)
    first = clients.authorize("my-client")
    second = clients.authorize("my-client", force=True)
    assert first.access_token.token_value != second.access_token.token_value
    assert len(server.requests_to("/nonce")) == 2
