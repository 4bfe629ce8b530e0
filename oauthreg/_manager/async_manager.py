"""The manager for asyncio."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Self, Unpack

import oauthreg
from oauthreg._extras import needed
from oauthreg._grants.authorization_code import AuthorizationRequest
from oauthreg._grants.device_code import DeviceAuthorization
from oauthreg._manager import logins
from oauthreg._manager.asyncio_runner import AsyncioRunner
from oauthreg._manager.core import Core
from oauthreg._manager.facade import _MISSING, Facade
from oauthreg._manager.options import refuse_unknown
from oauthreg._masked import Hidden
from oauthreg._registration import AuthorizedClient, AuthorizeOptions, hide_options
from oauthreg._reports import Introspection
from oauthreg._subscriptions import notify
from oauthreg.auth.httpx2 import Auth
from oauthreg.events import WarmUp

with needed("httpx2", by="AsyncAuthorizedClientManager"):
    import httpx2

WARM_UP_LANES = 8


class AsyncAuthorizedClientManager(Facade):
    """Authorizes by registration id: fetches, shares and renews tokens by itself.

    One per program, at module level; it may be used from several event loops, one after the
    other or at once. Building it does no network I/O, needs no running loop, and it survives a
    fork.

    Args:
        core: Registry and renewal engine, which `from_settings` builds.
        runner: Runs its flights, instead of tasks of its own.
    """

    def __init__(self, core: Core = _MISSING, runner: AsyncioRunner | None = None) -> None:
        super().__init__(core)
        self._runner = runner or AsyncioRunner(core)
        self._hot, self._hot_calls = core.hot.by_id, core.hot.by_call
        self._wall, self._monotonic = core.clocks.wall, core.clocks.monotonic
        self._warm_up_due = False
        core.add_facade("async", self)

    async def authorize(
        self, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> AuthorizedClient:
        """Return an authorized client with a live token.

        A fresh token costs a look-up. A stale one is returned at once while it is renewed in
        the background; without a valid one, all callers wait for one shared token request.

        Args:
            registration_id: The registration, in any spelling that settings would take.
            **options: For this call: `principal`, `scope`, `audience`, `resource`,
                `parameters` (merged over the registration's), `subject_token`, `actor_token`,
                `min_ttl` (seconds of life needed), `force` (fetch anew) and `timeout` (seconds
                this caller waits; default: the http profile's total and one second).

        Raises:
            UnknownRegistrationError: there is no registration of this id.
            AuthorizationError: there is no live token; its subclasses say why.
            ManagerClosedError: the manager is closed.
            TypeError: an option of this name does not exist.
        """
        try:
            if options:
                client, until_wall, until_monotonic = self._hot_calls[
                    registration_id, tuple(options.items())
                ]
            else:
                client, until_wall, until_monotonic = self._hot[registration_id]
        except (KeyError, TypeError):  # not kept, or with a list among the values
            pass
        else:
            wall, monotonic = self._wall, self._monotonic  # called fastest as local names
            if wall() < until_wall and monotonic() < until_monotonic:
                return client
        if self._warm_up_due:
            self._begin_warm_up()
        hide_options(options)
        return await self._runner.run(self._core.authorize(registration_id, options))

    async def invalidate(self, registration_id: str) -> None:
        """Drop a registration's access tokens: see `AuthorizedClientManager.invalidate`."""
        self._core.invalidate(registration_id)

    async def reload(self) -> None:
        """Read the settings again: see `AuthorizedClientManager.reload`.

        The files are read on a thread; nothing holds up the event loop.
        """
        self._core.check_open()
        configuration = await self._runner.on_worker(self._core.registry.read_again)
        await self._runner.on_worker(partial(self._core.adopt, configuration))

    def as_sync(self) -> oauthreg.AuthorizedClientManager:
        """Return the manager for threads over the same core: the same one each time.

        Both share registrations, tokens, flights and logins; closing either closes both.
        """
        manager: oauthreg.AuthorizedClientManager = self._core.facade("sync")
        return manager

    async def authorization_request(
        self, registration_id: str, *, redirect_uri: str | None = None
    ) -> AuthorizationRequest:
        """Begin a login by the browser: see `AuthorizedClientManager.authorization_request`."""
        flow = logins.authorization_request(self._core, registration_id, redirect_uri)
        return await self._runner.run(flow)

    async def complete(
        self,
        registration_id: str,
        callback_url: str,
        *,
        request: AuthorizationRequest | Mapping[str, Any],
        principal: str,
    ) -> AuthorizedClient:
        """End a login: see `AuthorizedClientManager.complete`."""
        hidden, began = Hidden(callback_url), Hidden(request)
        del callback_url, request
        flow = logins.complete(self._core, registration_id, hidden, began, principal)
        return await self._runner.run(flow)

    async def device_authorization(self, registration_id: str) -> DeviceAuthorization:
        """Begin a login on another device: see `AuthorizedClientManager.device_authorization`."""
        return await self._runner.run(logins.device_authorization(self._core, registration_id))

    async def poll(
        self,
        registration_id: str,
        device: DeviceAuthorization | Mapping[str, Any],
        *,
        principal: str,
    ) -> AuthorizedClient:
        """Wait for a login on another device: see `AuthorizedClientManager.poll`."""
        began = Hidden(device)
        del device
        flow = logins.poll(self._core, registration_id, began, principal)
        return await self._runner.run(flow)

    async def introspect(
        self,
        registration_id: str,
        token_value: str | None = None,
        *,
        principal: str | None = None,
    ) -> Introspection:
        """Ask about a token: see `AuthorizedClientManager.introspect`."""
        token = Hidden(token_value)
        del token_value
        flow = logins.introspect(self._core, registration_id, token, principal)
        return await self._runner.run(flow)

    async def revoke(
        self,
        registration_id: str,
        token_value: str | None = None,
        *,
        principal: str | None = None,
    ) -> None:
        """End a token: see `AuthorizedClientManager.revoke`."""
        token = Hidden(token_value)
        del token_value
        await self._runner.run(logins.revoke(self._core, registration_id, token, principal))

    async def warm_up(
        self, on_progress: Callable[[WarmUp], object] | None = None
    ) -> Mapping[str, Exception | None]:
        """Authorize every registration that is `eager`, eight at a time.

        A manager of `from_settings` starts this in the background, at `async with` or at its
        first `authorize`; call it to wait for it, or to see progress.

        Args:
            on_progress: Called when each of them is done.

        Returns:
            By registration id, why there is no token for it; None where there is one.
        """
        waiting = deque(self._core.eager())
        outcomes: dict[str, Exception | None] = dict.fromkeys(waiting)
        total, count = len(waiting), itertools.count(1)

        async def lane() -> None:
            while waiting:
                id_ = waiting.popleft()
                try:
                    await self.authorize(id_)
                except Exception as failure:  # noqa: BLE001 - one must not hold up the others
                    outcomes[id_] = failure.with_traceback(None)
                error = outcomes[id_]
                event = WarmUp(registration_id=id_, done=next(count), total=total, error=error)
                self._core.events.publish(event)
                if on_progress is not None:
                    notify(event, on_progress)

        await asyncio.gather(*(lane() for _ in range(min(WARM_UP_LANES, total))))
        return outcomes

    def auth(self, registration_id: str, **options: Unpack[AuthorizeOptions]) -> Auth:
        """Return an auth object for httpx2: `client.get(url, auth=manager.auth("id"))`."""
        hide_options(options)
        refuse_unknown(options)
        return Auth(self, registration_id, **options)

    def client(
        self, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> httpx2.AsyncClient:
        """Return a new `httpx2.AsyncClient` that is authorized by a registration.

        Plain http to loopback goes past a proxy of the environment, which would read the token.
        Where the provider's API has an address (`api-uri`), a path is enough for a request.
        """
        from oauthreg.auth._client import authorized_client  # noqa: PLC0415 - loaded by who uses it

        registration = self._core.registry.find(registration_id).registration
        return authorized_client(registration, self.auth(registration_id, **options))

    def token_source(
        self, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> Callable[[], Awaitable[str]]:
        """Return a coroutine function giving a live token value, for libraries that take one."""
        hide_options(options)
        refuse_unknown(options)

        async def token() -> str:
            return (await self.authorize(registration_id, **options)).access_token.token_value

        return token

    async def close(self) -> None:
        """End renewals and connections; afterwards `authorize` raises ManagerClosedError."""
        await self._runner.on_worker(self._core.store.save_marks)
        if self._core.close():
            await self._runner.close()

    async def __aenter__(self) -> Self:
        self._begin_warm_up()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _start_warm_up(self) -> None:
        self._warm_up_due = bool(self._core.eager())

    def _begin_warm_up(self) -> None:
        if self._warm_up_due:
            self._warm_up_due = False
            self._runner.spawn(self.warm_up())
