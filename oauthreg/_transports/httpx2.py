"""Sending with httpcore2, the part of httpx2 below its client.

A client logs whole addresses, keeps cookies and reads the environment.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from oauthreg._errors import AuthorizationError
from oauthreg._extras import needed
from oauthreg._transports import address, proxy
from oauthreg._transports.exchange import SUSPECT_SECONDS
from oauthreg._transports.failures import failure
from oauthreg._transports.idle import IDLE_SECONDS, ConnectionKey, IdleConnections
from oauthreg._transports.lookup import in_thread
from oauthreg._transports.message import Body, header_fields, user_agent
from oauthreg._transports.streams import Backend, Call, current
from oauthreg._transports.trust import Trust

with needed("httpx2", by="AsyncAuthorizedClientManager"):
    import httpcore2

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from oauthreg._flow import Pairs, TokenRequest, TokenResponse
    from oauthreg._registration import HttpProfile

user_agent()  # reads a file, which must not block an event loop


class Httpx2Transport:
    """Sends token requests over kept-alive connections, from any number of event loops.

    A forked child has connections of its own, and leaves its parent's alone.

    Args:
        profile: Time limits, proxy, trusted roots and the number of connections.
    """

    def __init__(self, profile: HttpProfile) -> None:
        self._profile = profile
        self._by_pid: dict[int, _Process] = {}
        self._closed = False

    async def send(self, request: TokenRequest, *, within: float | None = None) -> TokenResponse:
        """Send one request and return its whole answer, a redirect as it is.

        Args:
            request: What to send.
            within: Seconds that are left of the flight; at most the profile's total.

        Raises:
            TransportError: the request or its answer did not get through.
            InvalidTokenResponseError: the body is longer than 1 MiB.
        """
        place = address.parse(request.url, link_local=request.link_local)
        call = Call(self._profile, place, proxy.choose(self._profile, place), within)
        fields = header_fields(request, place)
        pool = await self._process().pool()
        pool.calls.add(call)
        try:
            call.closed = self._closed
            outcome = await pool.send(request, fields, call)
        finally:
            pool.calls.discard(call)
        if isinstance(outcome, AuthorizationError):
            raise outcome
        return outcome

    async def aclose(self) -> None:
        """Break off requests in progress and close every connection; nothing is sent any more.

        That happens to this loop's now, and to another's as soon as that loop comes to it.
        """
        self._closed = True
        await self._process().close()

    def _process(self) -> _Process:
        """Return what belongs to this process, also after a fork that ran no hook of Python."""
        pid = os.getpid()
        return self._by_pid.get(pid) or self._by_pid.setdefault(pid, _Process(self._profile))


class _Process:
    """The connections of one process, by event loop."""

    def __init__(self, profile: HttpProfile) -> None:
        self._profile = profile
        self._trust = Trust(profile)
        self._pools: dict[asyncio.AbstractEventLoop, _LoopPool] = {}

    async def pool(self) -> _LoopPool:
        """Return the running loop's connections; those of closed loops are forgotten."""
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            self._pools[loop] = pool = _LoopPool(self._profile, self._trust)
            for other in list(self._pools):
                if other.is_closed():
                    self._pools.pop(other, None)
            pool.lifetime = _pool_lifetime(pool)
            await anext(pool.lifetime)
        return pool

    async def close(self) -> None:
        pools, self._pools = self._pools, {}
        for loop, pool in pools.items():
            if loop is asyncio.get_running_loop():
                await pool.lifetime.aclose()
            else:
                for call in list(pool.calls):  # before that loop comes to it
                    call.closed = True
                with suppress(RuntimeError):  # it is closed, and its connections with it
                    loop.call_soon_threadsafe(pool.close)


class _LoopPool:
    """The connections of one event loop, and its requests in progress."""

    lifetime: AsyncGenerator[None]

    def __init__(self, profile: HttpProfile, trust: Trust) -> None:
        self.calls: set[Call] = set()
        self._trust = trust
        self._idle = IdleConnections[_Connection](profile.max_connections)
        self._free = asyncio.Semaphore(profile.max_connections)

    async def send(
        self, request: TokenRequest, fields: Pairs, call: Call
    ) -> TokenResponse | AuthorizationError:
        """Return the answer or the failure: an error raised here would drag a chain along."""
        token = current.set(call)
        try:
            if self._free.locked():
                call.waiting()
            async with asyncio.timeout(call.limit()) as call.time, self._free:
                with self._idle.one_in_use():
                    key = await self._key(request, call)
                    longest = SUSPECT_SECONDS if request.single_use else IDLE_SECONDS
                    kept = self._idle.take(key, longest)
                    outcome = await self._attempt(request, fields, call, key, kept)
                    if call.may_repeat(outcome) and not request.single_use:
                        outcome = await self._attempt(request, fields, call, key, None)
                    return outcome
        except Exception as error:  # noqa: BLE001 - no library's exception may leave as it is
            return failure(call, error)
        finally:
            current.reset(token)

    def close(self) -> None:
        """Break off requests in progress and close every connection, in their own loop."""
        for call in self.calls:
            call.break_off()
        self._idle.close()

    async def _key(self, request: TokenRequest, call: Call) -> ConnectionKey:
        place, context = call.address, None
        if place.scheme == "https":
            context = self._trust.without_reading(request.certificate)
            if context is None:  # reading files must not block the loop
                read = partial(self._trust.context, request.certificate, place.endpoint)
                context = await asyncio.wrap_future(in_thread(read))
                self._idle.close_where(lambda key: not self._trust.is_current(key.context))
        return ConnectionKey(place.scheme, place.host, place.port, call.proxy, context)

    async def _attempt(
        self,
        request: TokenRequest,
        fields: Pairs,
        call: Call,
        key: ConnectionKey,
        kept: tuple[_Connection, float] | None,
    ) -> TokenResponse | AuthorizationError:
        """Send once; return the answer or the failure."""
        if kept is None:
            call.connecting()
            connection = _Connection(key)
        else:
            connection, idle_seconds = kept
            call.reusing(idle_seconds)
        try:
            answer = await connection.send(request, fields, call)
        except Exception as error:  # noqa: BLE001 - no library's exception may leave as it is
            return failure(call, error)
        else:
            if connection.is_idle():
                self._idle.give_back(key, connection)
            return answer
        finally:
            if not connection.is_idle():
                connection.close()


async def _pool_lifetime(pool: _LoopPool) -> AsyncGenerator[None]:
    """Close a pool when its loop shuts down, which closes this generator."""
    try:
        yield
    finally:
        pool.close()
        await asyncio.sleep(0)  # the loop closes the sockets now


class _Connection:
    """A connection of httpcore2, and the network below it."""

    def __init__(self, key: ConnectionKey) -> None:
        self._key, self._backend = key, Backend()
        self._http = _connection_to(key, self._backend)

    async def send(self, request: TokenRequest, fields: Pairs, call: Call) -> TokenResponse:
        """Send one request, and read its whole answer."""
        place = call.address
        asked = httpcore2.Request(
            request.method,
            httpcore2.URL(
                scheme=place.scheme, host=place.host, port=place.port, target=place.target
            ),
            headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in fields],
            content=request.body or b"",
        )
        response = await self._http.handle_async_request(asked)
        try:
            call.header_read()
            body = Body(response.status, _joined(response.headers))
            async for chunk in response.aiter_stream():
                body.add(chunk)
        finally:
            await response.aclose()
        return body.response()

    def is_idle(self) -> bool:
        """Whether its last answer was read, and another request may follow."""
        return self._http.is_idle() and self.is_usable()

    def is_usable(self) -> bool:
        """Whether it is open, and has nothing to read that nobody asked for."""
        return self._backend.is_usable()

    def close(self) -> None:
        """Close it, without waiting for the server."""
        self._backend.close()


def _connection_to(key: ConnectionKey, backend: Backend) -> httpcore2.AsyncConnectionInterface:
    via = None
    if key.proxy:
        parts = urlsplit(key.proxy.url)
        user = (unquote(parts.username or ""), unquote(parts.password or ""))
        via = httpcore2.Proxy(
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            auth=user if any(user) else None,
            ssl_context=key.context if parts.scheme == "https" else None,
        )
    origin = httpcore2.Origin(key.scheme.encode(), key.host.encode(), key.port)
    pool = httpcore2.AsyncConnectionPool(key.context, via, network_backend=backend)
    return pool.create_connection(origin)


def _joined(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return header fields by name in lower case, repeated ones joined."""
    joined: dict[str, str] = {}
    for name, value in fields:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        joined[key] = f"{joined[key]}, {text}" if key in joined else text
    return joined
