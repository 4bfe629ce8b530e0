"""One face for every adapter, so that each behaviour is written down once."""

from __future__ import annotations

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

import aiohttp
import httpx
import httpx2
import pytest
import requests

import oauthreg.auth.aiohttp
import oauthreg.auth.httpx
import oauthreg.auth.httpx2
import oauthreg.auth.requests
from oauthreg import AsyncAuthorizedClientManager, AuthorizedClientManager
from oauthreg.testing import AuthorizationServer

SECRET = "planted-secret-value"


class Reply(NamedTuple):
    status: int
    text: str
    hops: int
    """How many answers came before this one."""


@dataclass
class Caller:
    """An HTTP library with the adapter in place. `call` sends one request, `calls` many at once."""

    settings: dict
    options: dict = field(default_factory=dict)
    verify: str | None = None
    trust_env: bool = False
    stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self):
        self.manager = self.stack.enter_context(
            AuthorizedClientManager.from_settings(self.settings)
        )
        self.open()

    def close(self):
        self.stack.close()

    def authorize(self):
        return self.manager.authorize("my-client")

    def calls(self, count, url):
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: self.call("GET", url), range(count)))


class RequestsCaller(Caller):
    def open(self):
        self.session = self.stack.enter_context(requests.Session())
        self.session.trust_env = self.trust_env
        self.session.auth = oauthreg.auth.requests.Auth(self.manager, "my-client", **self.options)

    def call(self, method, url, *, headers=None, body=None, follow=True):
        answer = self.session.request(
            method,
            url,
            headers=headers,
            data=body,
            allow_redirects=follow,
            verify=self.verify or True,
            timeout=5,
        )
        return Reply(answer.status_code, answer.text, len(answer.history))

    def stream(self, chunks):
        return iter(chunks)


class HttpxCaller(Caller):
    library, adapter = httpx, oauthreg.auth.httpx

    def open(self):
        auth = self.adapter.Auth(self.manager, "my-client", **self.options)
        self.client = self.stack.enter_context(self.library.Client(auth=auth, **_trusting(self)))

    def call(self, method, url, *, headers=None, body=None, follow=True):
        answer = self.client.request(
            method, url, headers=headers, content=body, follow_redirects=follow
        )
        return Reply(answer.status_code, answer.text, len(answer.history))

    def stream(self, chunks):
        return iter(chunks)


class Httpx2Caller(HttpxCaller):
    library, adapter = httpx2, oauthreg.auth.httpx2


class AsyncCaller(Caller):
    def __post_init__(self):
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.resources = AsyncExitStack()
        self.manager = AsyncAuthorizedClientManager.from_settings(self.settings)
        self.runner.run(self.start())

    async def start(self):
        await self.resources.enter_async_context(self.manager)
        await self.open()

    def close(self):
        self.runner.run(self.resources.aclose())
        self.stack.close()

    def authorize(self):
        return self.runner.run(self.manager.authorize("my-client"))

    def call(self, method, url, **what):
        return self.runner.run(self.send(method, url, **what))

    def calls(self, count, url):
        async def all_at_once():
            return await asyncio.gather(*(self.send("GET", url) for _ in range(count)))

        return self.runner.run(all_at_once())

    async def stream(self, chunks):
        for chunk in chunks:
            yield chunk


class AsyncHttpxCaller(AsyncCaller):
    library, adapter = httpx, oauthreg.auth.httpx

    async def open(self):
        auth = self.adapter.Auth(self.manager, "my-client", **self.options)
        self.client = await self.resources.enter_async_context(
            self.library.AsyncClient(auth=auth, **_trusting(self))
        )

    async def send(self, method, url, *, headers=None, body=None, follow=True):
        answer = await self.client.request(
            method, url, headers=headers, content=body, follow_redirects=follow
        )
        return Reply(answer.status_code, answer.text, len(answer.history))


class AsyncHttpx2Caller(AsyncHttpxCaller):
    library, adapter = httpx2, oauthreg.auth.httpx2


class AiohttpCaller(AsyncCaller):
    async def open(self):
        middleware = oauthreg.auth.aiohttp.middleware(self.manager, "my-client", **self.options)
        self.session = await self.resources.enter_async_context(
            aiohttp.ClientSession(middlewares=[middleware], trust_env=self.trust_env)
        )

    async def send(self, method, url, *, headers=None, body=None, follow=True):
        trust = ssl.create_default_context(cafile=self.verify) if self.verify else True
        async with self.session.request(
            method, url, headers=headers, data=body, allow_redirects=follow, ssl=trust
        ) as answer:
            return Reply(answer.status, await answer.text(), len(answer.history))


def _trusting(caller):
    verify = caller.verify
    context = ssl.create_default_context(cafile=verify) if verify else False  # no https, no roots
    return {"verify": context, "trust_env": caller.trust_env, "timeout": 5}


CALLERS = {
    "requests": RequestsCaller,
    "httpx": HttpxCaller,
    "httpx-async": AsyncHttpxCaller,
    "httpx2": Httpx2Caller,
    "httpx2-async": AsyncHttpx2Caller,
    "aiohttp": AiohttpCaller,
}


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        server.add_client("id", SECRET)
        yield server


@pytest.fixture
def other():
    """Another origin: an API that never issued the tokens it is shown."""
    with AuthorizationServer() as server:
        server.add_client("id", SECRET)
        yield server


def settings_for(server, of_provider=None, **registration):
    return {
        "provider": {"p": {"token-uri": server.token_uri, **(of_provider or {})}},
        "registration": {
            "my-client": {
                "provider": "p",
                "client-id": "id",
                "client-secret": SECRET,
                **registration,
            }
        },
    }


@pytest.fixture
def settings(server):
    """Make settings: `settings(urls=[...])`; of another authority: `settings(authority=other)`."""

    def make(authority=None, **registration):
        return settings_for(authority or server, **registration)

    return make


@pytest.fixture
def manager(settings):
    with AuthorizedClientManager.from_settings(settings()) as manager:
        yield manager


@pytest.fixture
def async_manager(settings):
    return AsyncAuthorizedClientManager.from_settings(settings())


@pytest.fixture(params=CALLERS)
def library(request):
    return request.param


@pytest.fixture
def caller(library, settings):
    """Make a caller of each library in turn: `caller(urls=[...])`."""
    with ExitStack() as stack:

        def make(authority=None, options=None, verify=None, *, trust_env=False, **registration):
            made = CALLERS[library](
                settings(authority, **registration),
                options or {},
                str(verify) if verify else None,
                trust_env,
            )
            stack.callback(made.close)
            return made

        yield make


def tokens_seen(server):
    """The Authorization headers that reached the API of a server, in order."""
    return [request.headers["Authorization"] for request in server.requests_to("api")]


@pytest.fixture(name="tokens_seen")
def tokens_seen_fixture():
    return tokens_seen
