"""A token that is bound to a certificate (RFC 8705) is good where that is shown."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
import httpx
import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

import oauthreg.auth.aiohttp
import oauthreg.auth.httpx
import oauthreg.auth.httpx2
from oauthreg import AsyncAuthorizedClientManager, AuthorizedClientManager, TlsError
from oauthreg.auth import certificate
from oauthreg.testing import AuthorizationServer

HTTPX = [(httpx, oauthreg.auth.httpx), (httpx2, oauthreg.auth.httpx2)]
both = pytest.mark.parametrize(("httpx_", "adapter"), HTTPX, ids=["httpx", "httpx2"])


@pytest.fixture
def server():
    with AuthorizationServer(tls=True, request_client_certificate=True) as server:
        server.add_client("id", "planted-secret-value", certificate_bound=True)
        yield server


@pytest.fixture
def pair(server):
    return server.certificates.issue_client("CN=my-client")


@pytest.fixture
def settings(settings, server, pair):
    made = settings(**{"certificate-file": str(pair[0]), "certificate-key-file": str(pair[1])})
    return {**made, "http": {"default": {"ca-bundle": server.ca_bundle}}}


@pytest.fixture
def manager(settings):
    with AuthorizedClientManager.from_settings(settings) as manager:
        yield manager


@pytest.fixture
def registration(manager):
    return manager.registrations["my-client"]


def context_of(server, registration):
    return certificate.shown_by(ssl.create_default_context(cafile=server.ca_bundle), registration)


def test_requests_shows_it(manager, registration, server, pair):
    assert certificate.files(registration) == tuple(map(str, pair))
    with manager.session("my-client") as session:
        session.trust_env, session.verify, session.cert = False, server.ca_bundle, None
        assert session.get(server.api_uri, timeout=5).status_code == 401
    with manager.session("my-client") as session:
        session.trust_env, session.verify = False, server.ca_bundle
        session.cert = certificate.files(registration)
        assert session.get(server.api_uri, timeout=5).status_code == 200


@both
def test_httpx_shows_it(httpx_, adapter, manager, registration, server):
    with httpx_.Client(
        verify=context_of(server, registration), auth=adapter.Auth(manager, "my-client")
    ) as client:
        assert client.get(server.api_uri).status_code == 200


def test_asynchronous_libraries_show_it(settings, server):
    async def work():
        async with AsyncAuthorizedClientManager.from_settings(settings) as manager:
            context = context_of(server, manager.registrations["my-client"])
            async with httpx2.AsyncClient(verify=context, auth=manager.auth("my-client")) as client:
                assert (await client.get(server.api_uri)).status_code == 200
            token = oauthreg.auth.aiohttp.middleware(manager, "my-client")
            async with (
                aiohttp.ClientSession(
                    middlewares=[token], connector=aiohttp.TCPConnector(ssl=context)
                ) as session,
                session.get(server.api_uri) as answer,
            ):
                assert answer.status == 200

    asyncio.run(work())


def test_without_one_nothing_changes(server):
    settings = {
        "provider": {"p": {"token-uri": server.token_uri}},
        "registration": {"my-client": {"client-id": "id", "client-secret": "x"}},
    }
    with AuthorizedClientManager.from_settings(settings) as manager:
        registration = manager.registrations["my-client"]
    context = ssl.create_default_context()
    assert certificate.files(registration) is None
    assert certificate.shown_by(context, registration) is context


def test_a_file_that_is_gone_is_named(registration, server, pair):
    pair[1].unlink()
    with pytest.raises(TlsError, match="No such file or directory") as caught:
        context_of(server, registration)
    assert str(pair[1]) in str(caught.value)
    assert caught.value.registration_id == "my-client"


def test_a_key_that_is_locked_asks_nobody(registration, server, pair):
    key = load_pem_private_key(pair[1].read_bytes(), None)
    pair[1].write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase"))
    )
    with pytest.raises(TlsError, match="do not hold a PEM certificate and its unencrypted key"):
        context_of(server, registration)
