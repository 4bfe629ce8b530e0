"""What the login tests share: one set of registrations, and both managers behind one face."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from oauthreg import AsyncAuthorizedClientManager, AuthorizedClientManager
from oauthreg.testing import AuthorizationServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "planted-secret-value"
REDIRECT = "http://127.0.0.1:9/callback"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Manager:
    """A manager of either kind; what must be awaited is awaited in one loop of its own."""

    def __init__(self, manager: Any, runner: asyncio.Runner | None) -> None:
        self._manager = manager
        self._runner = runner

    def herd(self, size: int, name: str, **options: Any) -> list[Any]:
        """Authorize from many callers at once."""
        if self._runner is not None:

            async def gather() -> list[Any]:
                calls = (self._manager.authorize(name, **options) for _ in range(size))
                return await asyncio.gather(*calls)

            return self._runner.run(gather())
        with ThreadPoolExecutor(size) as pool:
            barrier = threading.Barrier(size)

            def call(_: int) -> Any:
                barrier.wait()
                return self._manager.authorize(name, **options)

            return list(pool.map(call, range(size)))

    def close(self) -> None:
        """End the manager and its loop."""
        self.__getattr__("close")()
        if self._runner is not None:
            self._runner.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._manager, name)

        def call(*args: Any, **options: Any) -> Any:
            result = method(*args, **options)
            return self._runner.run(result) if asyncio.iscoroutine(result) else result

        return call


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with AuthorizationServer(device_interval=0.1) as server:
        server.add_client(
            "id",
            SECRET,
            client_authentication_methods=("client_secret_basic",),
            grants=(
                "client_credentials",
                "authorization_code",
                "refresh_token",
                "password",
                DEVICE,
                EXCHANGE,
                BEARER,
            ),
            scopes=("openid", "read", "write"),
            redirect_uris=(REDIRECT,),
        )
        server.add_user("alice", "her-password")
        yield server


@pytest.fixture(params=["threads", "asyncio"])
def manage(request, server) -> Iterator[Callable[..., Manager]]:
    """Make a manager of either kind from a provider's table and tables of registrations."""
    made: list[Manager] = []

    def make(provider: Any = None, /, **registrations: dict[str, Any]) -> Manager:
        base = {"client-id": "id", "client-secret": SECRET}
        settings = {
            "registration": {
                name: {key: value for key, value in {**base, **table}.items() if value is not None}
                for name, table in registrations.items()
            },
            "provider": {"p": provider or {"issuer-uri": server.issuer}},
        }
        if request.param == "threads":
            manager = Manager(AuthorizedClientManager.from_settings(settings), None)
        else:
            manager = Manager(
                AsyncAuthorizedClientManager.from_settings(settings), asyncio.Runner()
            )
        made.append(manager)
        return manager

    yield make
    for manager in made:
        manager.close()


@pytest.fixture
def browse() -> Callable[[str], str]:
    """Follow an authorization request as a browser would; give where it comes back to."""

    def follow(url: str) -> str:
        answer = requests.get(url, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    return follow
