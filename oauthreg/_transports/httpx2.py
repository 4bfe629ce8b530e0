"""Sending with httpx2: its transport, and no client.

A client logs whole addresses, keeps cookies and reads the environment. How far a request has come
is known from httpx2's `trace` extension; a header that was cut short looks to it like none.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing, suppress
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import TYPE_CHECKING, Any, NamedTuple

from oauthreg._errors import AuthorizationError
from oauthreg._extras import needed
from oauthreg._transports import address, proxy
from oauthreg._transports.exchange import Exchange
from oauthreg._transports.message import POOL_SIZE, Body, header_fields
from oauthreg._transports.trust import Trust

with needed("httpx2", by="AsyncAuthorizedClientManager"):
    import httpcore2
    import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from oauthreg._flow import TokenRequest, TokenResponse
    from oauthreg._registration import HttpProfile

LIMITS = httpx2.Limits(max_keepalive_connections=POOL_SIZE, keepalive_expiry=60.0)


class Httpx2Transport:
    """Sends token requests over kept-alive connections, from any number of event loops.

    Args:
        profile: Time limits, proxy and trusted roots.
    """

    def __init__(self, profile: HttpProfile) -> None:
        self._profile = profile
        self._trust = Trust(profile)
        self._homes: dict[_Route, _Home] = {}
        self._forgotten: list[object] = []
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
        place = address.parse(request.url)
        call = _Call(self._profile, place, proxy.choose(self._profile, place), within)
        prepared = _prepared(request, call)
        context = None
        if place.scheme == "https":
            context = self._trust.at_hand(request.certificate)
            if context is None:  # files are not to hold up the loop
                needed = request.certificate, place.endpoint
                context = await asyncio.to_thread(self._trust.context, *needed)
        route = _Route(asyncio.get_running_loop(), call.proxy, context)
        home = await self._home(route)
        home.calls.add(call)
        try:
            call.closed = self._closed
            outcome = await _attempt(home.transport, prepared, call)
            if call.may_repeat(outcome) and not request.single_use:
                async with _new_transport(route) as fresh:
                    outcome = await _attempt(fresh, prepared, call)
        finally:
            home.calls.discard(call)
        if isinstance(outcome, AuthorizationError):
            raise outcome
        return outcome

    async def aclose(self) -> None:
        """Break off what is under way, and close every connection; nothing is sent any more.

        That happens to this loop's now, and to another's as soon as that loop comes to it.
        """
        self._closed = True
        homes, self._homes = self._homes, {}
        for route, home in homes.items():
            if route.loop is asyncio.get_running_loop():
                await home.close()
            elif route.loop.is_running():
                asyncio.run_coroutine_threadsafe(home.close(), route.loop)

    def reset_after_fork(self) -> None:
        """Forget the parent's connections in a forked child, neither using nor closing them."""
        self._forgotten.append(self._homes)
        self._homes = {}

    async def _home(self, route: _Route) -> _Home:
        """Return a loop's connections; those of loops and certificates that are past are let go."""
        home = self._homes.get(route)
        if home is None:
            life = _lasting(route)
            self._homes[route] = home = _Home(await anext(life), life, set())
            for other in list(self._homes):
                if other.loop.is_closed() or not self._trust.holds(other.context):
                    self._homes.pop(other, None)
        return home


class _Route(NamedTuple):
    """What connections are kept by; a client certificate is a part of the context."""

    loop: asyncio.AbstractEventLoop
    proxy: proxy.Proxy | None
    context: SSLContext | None


class _Home(NamedTuple):
    """The connections of one loop, and what goes on over them."""

    transport: httpx2.AsyncHTTPTransport
    life: AsyncGenerator[httpx2.AsyncHTTPTransport]
    calls: set[_Call]

    async def close(self) -> None:
        """Close them, in their own loop."""
        for call in self.calls:
            call.break_off()
        await self.life.aclose()


async def _lasting(route: _Route) -> AsyncGenerator[httpx2.AsyncHTTPTransport]:
    """Keep a transport open until its loop shuts down, or until nobody uses it any more.

    Either closes this generator: the loop does so at its end, or when it is garbage.
    """
    async with _new_transport(route) as transport:
        yield transport


def _new_transport(route: _Route) -> httpx2.AsyncHTTPTransport:
    context = route.context or SSLContext(PROTOCOL_TLS_CLIENT)  # which trusts nobody
    via = httpx2.Proxy(route.proxy.url) if route.proxy else None
    if via and via.url.scheme == "https":
        via.ssl_context = context
    return httpx2.AsyncHTTPTransport(verify=context, trust_env=False, limits=LIMITS, proxy=via)


class _Call(Exchange):
    """An exchange that httpx2 tells about, and that can be broken off."""

    stream: httpcore2.AsyncNetworkStream
    time = asyncio.Timeout(None)
    waited = False

    def break_off(self) -> None:
        """End it, in its own loop, whatever it waits for."""
        self.closed = True
        with suppress(RuntimeError):  # it is not under way yet, or no more
            self.time.reschedule(0)

    async def trace(self, event: str, facts: Mapping[str, Any]) -> None:
        """Take what httpx2 tells; a proxy is spoken to before there is a connection."""
        loop = asyncio.get_running_loop()
        if event == "connection.connect_tcp.started":
            self.connecting()
            if self.address.origin.must_resolve_to_loopback:
                host, port = self.address.host, self.address.port
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                address.check_resolved(self.address, found)
        elif event == "connection.connect_tcp.complete":
            self.stream = facts["return_value"]
        elif event.endswith("start_tls.failed"):
            await self.stream.aclose()  # which httpx2 leaves open where the task was cancelled
        elif event == "http11.send_request_headers.started":
            if facts["request"].method != b"CONNECT":
                self.established()
        elif event == "http11.receive_response_headers.started":
            self.waited = False
            loop.call_soon(setattr, self, "waited", True)  # noqa: FBT003 - setattr's own order
        elif event == "http11.receive_response_headers.complete" and self.connected:
            self.arrived(int(self.waited or not self.reused))
            self.header_read()
        elif event == "http11.receive_response_headers.failed":
            error = facts["exception"]
            self.answered = isinstance(error, httpcore2.RemoteProtocolError) and bool(
                error.__cause__
            )


def _prepared(request: TokenRequest, call: _Call) -> httpx2.Request:
    connect, read = call.profile.connect_timeout, call.profile.read_timeout
    timeout = httpx2.Timeout(read, connect=connect, pool=None).as_dict()
    fields = header_fields(request, call.address)
    return httpx2.Request(
        request.method,
        call.address.url,
        headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in fields],
        content=request.body,
        extensions={"timeout": timeout, "trace": call.trace},
    )


async def _attempt(
    transport: httpx2.AsyncHTTPTransport, prepared: httpx2.Request, call: _Call
) -> TokenResponse | AuthorizationError:
    """Return the answer or the failure: an error raised here would drag a chain along."""
    try:
        async with (
            asyncio.timeout(call.limit(call.profile.total_timeout)) as call.time,
            aclosing(await transport.handle_async_request(prepared)) as answer,
        ):
            body = Body(answer.status_code)
            async for chunk in answer.aiter_raw():
                body.add(chunk)
        answer.headers.encoding = "latin-1"
        return body.response(answer.headers)
    except Exception as error:  # noqa: BLE001 - no library's exception may leave as it is
        return call.failure(error)
