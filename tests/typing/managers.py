"""What type checkers say of the managers: `make types` asks mypy and pyright; nothing runs this."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import assert_type

import aiohttp
import httpx
import httpx2
import requests

import oauthreg.auth.aiohttp
import oauthreg.auth.httpx
import oauthreg.auth.httpx2
import oauthreg.auth.requests
from oauthreg import (
    AccessToken,
    AsyncAuthorizedClientManager,
    AuthorizationError,
    AuthorizationRequest,
    AuthorizedClient,
    AuthorizedClientManager,
    ClientRegistration,
    DeviceAuthorization,
    Introspection,
    ProviderDetails,
    RefreshToken,
    RegistrationStatus,
    TokenOf,
    events,
)

assert_type(oauthreg.__version__, str)

manager = AuthorizedClientManager.from_settings()
assert_type(manager, AuthorizedClientManager)
assert_type(manager.authorize("id"), AuthorizedClient)
assert_type(
    manager.authorize(
        "id",
        principal="alice",
        scope=["a", "b"],
        audience="api",
        resource=("https://a.example", "https://b.example"),
        parameters={"tenant": "blue"},
        subject_token=lambda: "token",
        actor_token="token",
        min_ttl=30,
        force=True,
        timeout=1.5,
    ),
    AuthorizedClient,
)
assert_type(manager.auth("id", scope="a b"), oauthreg.auth.requests.Auth)
assert_type(manager.session("id"), requests.Session)
assert_type(manager.token_source("id"), Callable[[], str])
assert_type(manager.registrations, Mapping[str, ClientRegistration])
assert_type(manager.register("id", {"client-id": "id"}), ClientRegistration)
assert_type(manager.authorization_request("id"), AuthorizationRequest)
assert_type(
    manager.complete(
        "id",
        "https://a.example/?code=1",
        request=manager.authorization_request("id"),
        principal="alice",
    ),
    AuthorizedClient,
)
assert_type(manager.device_authorization("id"), DeviceAuthorization)
assert_type(manager.introspect("id"), Introspection)
assert_type(manager.status(), Mapping[str, RegistrationStatus])
assert_type(manager.status()["id"]["seconds_left"], float | None)
assert_type(manager.introspect("id")["active"], bool)
assert_type(manager.override("id", "token"), AbstractContextManager[None])
with manager.override("id", "token"):
    pass
assert_type(manager.as_async(), AsyncAuthorizedClientManager)
manager.authorize("id", subject_token=TokenOf("caller"))
with manager as entered:
    assert_type(entered, AuthorizedClientManager)

client = manager.authorize("id")
assert_type(client.registration, ClientRegistration)
assert_type(client.registration.provider, ProviderDetails)
assert_type(client.registration.scopes, tuple[str, ...])
assert_type(client.principal, str | None)
assert_type(client.access_token, AccessToken)
assert_type(client.access_token.token_value, str)
assert_type(client.access_token.scopes, tuple[str, ...])
assert_type(client.refresh_token, RefreshToken | None)
assert_type(client.authorization, str)


async def asynchronous() -> None:
    manager = AsyncAuthorizedClientManager.from_settings({})
    assert_type(manager, AsyncAuthorizedClientManager)
    assert_type(await manager.authorize("id", principal="alice", min_ttl=5), AuthorizedClient)
    assert_type(manager.auth("id"), oauthreg.auth.httpx2.Auth)
    assert_type(manager.client("id"), httpx2.AsyncClient)
    assert_type(manager.token_source("id"), Callable[[], Awaitable[str]])
    assert_type(manager.registrations, Mapping[str, ClientRegistration])
    assert_type(await manager.introspect("id", "token"), Introspection)
    assert_type(manager.as_sync(), AuthorizedClientManager)
    assert_type(await manager.device_authorization("id"), DeviceAuthorization)
    assert_type(
        oauthreg.auth.aiohttp.middleware(manager, "id", scope="a"), aiohttp.ClientMiddlewareType
    )
    httpx.AsyncClient(auth=oauthreg.auth.httpx.Auth(manager, "id"))
    httpx2.AsyncClient(auth=manager.auth("id"))
    async with manager as entered:
        assert_type(entered, AsyncAuthorizedClientManager)


requests.get("https://a.example", auth=manager.auth("id"), timeout=1)
httpx.Client(auth=oauthreg.auth.httpx.Auth(manager, "id"))
httpx2.Client(auth=oauthreg.auth.httpx2.Auth(manager, "id"))


def listen(event: events.Event) -> None:
    match event:
        case events.Failed():
            assert_type(event.error, AuthorizationError)
            assert_type(event.life_left, float | None)
        case events.Renewed() | events.Fetched():
            assert_type(event.lifetime, float)
        case events.WarmUp():
            assert_type(event.error, Exception | None)
        case _:
            assert_type(event.registration_id, str)


AuthorizedClientManager.from_settings(["a.toml", "b.toml"], on_event=listen)
manager.subscribe(events.Event, listen)
manager.subscribe([events.Failed, events.Rejected], print)

# What has to be refused: an `ignore` that is not needed is an error itself.
manager.authorize("id", audiance="api")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
AuthorizedClientManager("settings.toml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
manager.subscribe(str, listen)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
manager.authorize("id", min_ttl="5m")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
manager.authorize("id").principal = "bob"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
oauthreg.auth.aiohttp.middleware(manager, "id")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
