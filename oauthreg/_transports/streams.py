"""httpcore2's connections for a call from an event loop: each wait is limited and reported.

httpcore2's own backend asks anyio, which starts tasks that a loop's end leaves behind.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from urllib3.util.wait import wait_for_read

from oauthreg._extras import needed
from oauthreg._transports import address
from oauthreg._transports.exchange import Exchange, Stage
from oauthreg._transports.logs import leave_out
from oauthreg._transports.lookup import lookup

with needed("httpx2", by="AsyncAuthorizedClientManager"):
    import httpcore2

if TYPE_CHECKING:
    from ssl import SSLContext

MOST_UNREAD = 256 * 1024


class Call(Exchange):
    """An exchange that waits in a task."""

    time = asyncio.Timeout(None)

    def break_off(self) -> None:
        """End it, in its own loop, whatever it waits for."""
        self.closed = True
        with suppress(RuntimeError):  # it has not begun yet, or has ended
            self.time.reschedule(0)


current: ContextVar[Call] = ContextVar("oauthreg_async_call")
leave_out("receive_response_headers", of="httpcore2.http11", during=current)


class Backend(httpcore2.AsyncNetworkBackend):
    """Opens one connection, and can close it.

    Attributes:
        stream: The connection, once it is there.
    """

    stream: Stream | None = None

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> Stream:
        """Connect to the first address that answers, in what is left of the time."""
        call, loop = current.get(), asyncio.get_running_loop()
        async with asyncio.timeout(call.limit()):
            found = await asyncio.wrap_future(lookup(host, port))
        address.check_resolved(call.address, found)
        sock = await _connected(call, found)
        transport, protocol = await loop.create_connection(_Protocol, sock=sock)
        self.stream = Stream(self, transport, protocol)
        return self.stream

    def is_usable(self) -> bool:
        """Whether the connection is open, and has nothing to read that nobody asked for."""
        return self.stream is not None and not self.stream.is_readable()

    def close(self) -> None:
        """Close the connection, without waiting for the server."""
        if self.stream is not None:
            self.stream.close()


class Stream(httpcore2.AsyncNetworkStream):
    """An open connection, in the clear or over TLS."""

    def __init__(self, backend: Backend, transport: asyncio.Transport, protocol: _Protocol) -> None:
        self._backend, self._transport, self._protocol = backend, transport, protocol

    async def read(self, max_bytes: int, *_: Any, **__: Any) -> bytes:
        """Return what is there, waiting for it no longer than there is time."""
        call = current.get()
        async with asyncio.timeout(call.limit()):
            data = await self._protocol.read(max_bytes)
        call.arrived(len(data))
        return data

    async def write(self, buffer: bytes, *_: Any, **__: Any) -> None:
        """Send a part of a request; the first that is no CONNECT goes to the server itself."""
        if not buffer:  # as httpcore2 ends a request without a body
            return
        call = current.get()
        if call.stage is Stage.CONNECTING and not buffer.startswith(b"CONNECT "):
            call.established()
        if call.stage is Stage.SENT and self._protocol.unread:
            raise ConnectionResetError  # an answer without a request
        self._transport.write(buffer)

    async def aclose(self) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection, without waiting for the server."""
        with suppress(RuntimeError):  # the loop is closed
            self._transport.abort()

    async def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        *_: Any,
        **__: Any,
    ) -> Stream:
        """Return the same connection over TLS."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(current.get().limit()):
            transport = await loop.start_tls(
                self._transport, self._protocol, ssl_context, server_hostname=server_hostname
            )
        if transport is None or self._protocol.ended:  # uvloop tells only the protocol
            raise ConnectionAbortedError
        self._backend.stream = Stream(self._backend, transport, self._protocol)
        return self._backend.stream

    def get_extra_info(self, info: str) -> Any:
        """Return the TLS object, or whether there is something to read."""
        if info == "is_readable":
            return self.is_readable()
        return self._transport.get_extra_info(info)

    def is_readable(self) -> bool:
        """Whether something arrived, or the end: also what the loop did not come to read yet."""
        protocol, sock = self._protocol, self._transport.get_extra_info("socket")
        if protocol.unread or protocol.ended or self._transport.is_closing():
            return True
        return wait_for_read(sock, timeout=0)


class _Protocol(asyncio.Protocol):
    """What has arrived and is not read yet."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.unread = bytearray()
        self.ended = False
        self._error: Exception | None = None
        self._arrival: asyncio.Future[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.unread += data
        if len(self.unread) > MOST_UNREAD:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self.ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self._error = True, exc
        self._wake()

    async def read(self, count: int) -> bytes:
        """Wait for data; return some, or none at the end."""
        while not (self.unread or self.ended):
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        if not self.unread and self._error is not None:
            raise self._error
        data = bytes(self.unread[:count])
        del self.unread[:count]
        if not self.ended:
            self.transport.resume_reading()
        return data

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


async def _connected(call: Call, found: list[tuple[Any, ...]]) -> socket.socket:
    loop, failure = asyncio.get_running_loop(), OSError()
    for others, (family, kind, protocol, _, place) in zip(
        reversed(range(len(found))), found, strict=True
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)  # noqa: FBT003 - its only parameter
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(call.try_limit(others)):
                await loop.sock_connect(sock, place)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure
