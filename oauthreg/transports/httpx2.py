"""Sending with httpcore2, the wire that httpx2 itself stands on.

httpx2's client is left out: it logs whole addresses, keeps cookies and follows its own defaults,
and gives no way to tell whether a reused connection had brought a byte before it broke.
"""

from __future__ import annotations

import asyncio
import socket
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

import httpcore2

from oauthreg.errors import AuthorizationError
from oauthreg.transports import address, proxy, trust
from oauthreg.transports.exchange import Exchange
from oauthreg.transports.message import IDLE_LIMIT, POOL_SIZE, Body, Message, merged, message
from oauthreg.wire import TokenRequest, TokenResponse

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Iterable

    from oauthreg.registration import HttpProfile

_exchange: ContextVar[Exchange] = ContextVar("oauthreg_exchange")


class Httpx2Transport:
    """Sends token requests over kept-alive connections, from any number of event loops.

    Args:
        profile: Time limits, proxy and trusted roots.
    """

    def __init__(self, profile: HttpProfile) -> None:
        self._profile = profile
        self._context: ssl.SSLContext | None = None
        self._homes: dict[_Route, _Home] = {}
        self._forgotten: list[object] = []

    async def send(self, request: TokenRequest, *, within: float | None = None) -> TokenResponse:
        """Send one request and return its whole answer, a redirect as it is.

        Args:
            request: What to send.
            within: Seconds that are left of the flight; at most the profile's total.

        Raises:
            TransportError: the request or its answer did not get through.
            InvalidTokenResponseError: the body is longer than 1 MiB.
        """
        place = address.parse(request.url)
        exchange = Exchange(self._profile, place, proxy.choose(self._profile, place), within)
        prepared = message(request, place)
        context = await self._trusted(place) if place.scheme == "https" else None
        route = _Route(asyncio.get_running_loop(), exchange.proxy, context)
        outcome = await _attempt(await self._pool(route), prepared, exchange)
        if exchange.may_repeat(outcome) and not request.single_use:
            async with _new_pool(route) as fresh:
                outcome = await _attempt(fresh, prepared, exchange)
        if isinstance(outcome, AuthorizationError):
            raise outcome
        return outcome

    async def aclose(self) -> None:
        """Close every connection: this loop's now, another's when that loop next runs."""
        homes, self._homes = self._homes, {}
        for route, home in homes.items():
            if route.loop is asyncio.get_running_loop():
                await home.life.aclose()
            elif route.loop.is_running():
                asyncio.run_coroutine_threadsafe(home.close(), route.loop)

    def reset_after_fork(self) -> None:
        """Forget the parent's connections in a forked child, neither using nor closing them."""
        self._forgotten.append(self._homes)
        self._homes = {}

    async def _trusted(self, place: address.Address) -> ssl.SSLContext:
        """Return the trusted roots, read once and not in the loop."""
        if self._context is None:
            self._context = await asyncio.to_thread(trust.context, self._profile, place.endpoint)
        return self._context

    async def _pool(self, route: _Route) -> httpcore2.AsyncConnectionPool:
        """Return a loop's connections, which last until the loop shuts down."""
        home = self._homes.get(route)
        if home is None:
            for other in list(self._homes):
                if other.loop.is_closed():
                    self._homes.pop(other, None)
            pool = _new_pool(route)
            self._homes[route] = home = _Home(pool, _lasting(pool))
            await anext(home.life)
        return home.pool


class _Route(NamedTuple):
    """What connections are kept by; a client certificate would be a part of the context."""

    loop: asyncio.AbstractEventLoop
    proxy: proxy.Proxy | None
    context: ssl.SSLContext | None


class _Home(NamedTuple):
    """The connections of one loop, and what closes them when it shuts down."""

    pool: httpcore2.AsyncConnectionPool
    life: AsyncGenerator[None]

    async def close(self) -> None:
        """Close the connections, in their own loop."""
        await self.life.aclose()


def _new_pool(route: _Route) -> httpcore2.AsyncConnectionPool:
    return httpcore2.AsyncConnectionPool(
        ssl_context=route.context,
        proxy=_told(route.proxy, route.context) if route.proxy else None,
        max_connections=None,
        max_keepalive_connections=POOL_SIZE,
        keepalive_expiry=IDLE_LIMIT,
        network_backend=_Backend(),
    )


async def _lasting(pool: httpcore2.AsyncConnectionPool) -> AsyncGenerator[None]:
    """Wait, as a generator that its loop closes when it shuts down, and then close the pool."""
    try:
        yield
    finally:
        await pool.aclose()


async def _attempt(
    pool: httpcore2.AsyncConnectionPool, prepared: Message, exchange: Exchange
) -> TokenResponse | AuthorizationError:
    """Return the answer or the failure: an error raised here would drag a chain along."""
    _exchange.set(exchange)
    try:
        async with asyncio.timeout(exchange.limit(exchange.profile.total_timeout)):
            return await _converse(pool, prepared, exchange)
    except Exception as error:  # noqa: BLE001 - no library's exception may leave as it is
        return exchange.failure(error)


async def _converse(
    pool: httpcore2.AsyncConnectionPool, prepared: Message, exchange: Exchange
) -> TokenResponse:
    place, profile = exchange.address, exchange.profile
    connect, read = profile.connect_timeout, profile.read_timeout
    async with pool.stream(
        prepared.method,
        httpcore2.URL(scheme=place.scheme, host=place.host, port=place.port, target=place.target),
        headers=[
            (name.encode("ascii"), value.encode("latin-1")) for name, value in prepared.fields
        ],
        content=prepared.body,
        extensions={"timeout": {"connect": connect, "read": read, "write": read}},
    ) as answer:
        exchange.header_read()
        body = Body(answer.status)
        async for chunk in answer.aiter_stream():
            body.add(chunk)
    headers = merged((n.decode("latin-1"), v.decode("latin-1")) for n, v in answer.headers)
    content = body.decoded(headers.get("content-encoding", ""))
    return TokenResponse(status=answer.status, headers=headers, body=content)


def _told(via: proxy.Proxy, context: ssl.SSLContext | None) -> httpcore2.Proxy:
    return httpcore2.Proxy(
        httpcore2.URL(scheme=via.scheme, host=via.host, port=via.port, target="/"),
        headers=list(via.headers),
        ssl_context=context if via.scheme == "https" else None,
    )


class _Backend(httpcore2.AsyncNetworkBackend):
    """Opens connections, and tells the exchange at hand about it."""

    def __init__(self) -> None:
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Open a connection, plain so far."""
        exchange = _exchange.get()
        exchange.connecting()
        if exchange.address.is_local_name:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            address.check_resolved(exchange.address, found)
        return _Stream(
            await self._backend.connect_tcp(host, port, timeout, local_address, socket_options),
            reaches_server=exchange.address.scheme == "http",
        )


class _Stream(httpcore2.AsyncNetworkStream):
    """A connection that tells the exchange at hand what arrives."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream, *, reaches_server: bool) -> None:
        self._stream = stream
        if reaches_server:
            _exchange.get().established()

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's own signature
    ) -> bytes:
        """Read what is there, or wait for it."""
        data = await self._stream.read(max_bytes, timeout)
        _exchange.get().arrived(len(data))
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's own signature
    ) -> None:
        """Write everything."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's own signature
    ) -> httpcore2.AsyncNetworkStream:
        """Go on over TLS: with the server, or first with a proxy."""
        return _Stream(
            await self._stream.start_tls(ssl_context, server_hostname, timeout),
            reaches_server=True,
        )

    def get_extra_info(self, info: str) -> Any:
        """Return what is known about the connection."""
        return self._stream.get_extra_info(info)
