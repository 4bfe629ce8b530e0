"""Sending with urllib3, the wire that requests itself stands on.

requests' Session is left out because it lets the environment in: `.netrc` replaces an
Authorization header, `http_proxy` takes loopback requests, one client's cookies go with
another's. Its adapter is left out because it cannot tell a reused connection from a new one.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig

from oauthreg.errors import AuthorizationError
from oauthreg.transports import address, proxy, trust
from oauthreg.transports.exchange import Exchange
from oauthreg.transports.message import CHUNK, IDLE_LIMIT, POOL_SIZE, Body, Message, merged, message
from oauthreg.wire import TokenRequest, TokenResponse

if TYPE_CHECKING:
    from oauthreg.registration import HttpProfile


class RequestsTransport:
    """Sends token requests over kept-alive connections, from any number of threads.

    Args:
        profile: Time limits, proxy and trusted roots.
    """

    def __init__(self, profile: HttpProfile) -> None:
        self._profile = profile
        self._context: ssl.SSLContext | None = None
        self._idle: dict[_Route, deque[_Connection]] = {}
        self._forgotten: list[object] = []
        self._closed = False

    def send(self, request: TokenRequest, *, within: float | None = None) -> TokenResponse:
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
        route = _Route(place.scheme, place.host, place.port, exchange.proxy)
        connection = self._take(route) or self._open(route, place.endpoint)
        outcome = self._attempt(connection, prepared, exchange)
        if exchange.may_repeat(outcome) and not request.single_use:
            outcome = self._attempt(self._open(route, place.endpoint), prepared, exchange)
        if isinstance(outcome, AuthorizationError):
            raise outcome
        return outcome

    def close(self) -> None:
        """Close every idle connection, and those in use when they are done."""
        self._closed = True
        for connections in list(self._idle.values()):
            with suppress(IndexError):
                while True:
                    connections.pop().close()

    def reset_after_fork(self) -> None:
        """Forget the parent's connections in a forked child, neither using nor closing them."""
        self._forgotten.append(self._idle)
        self._idle = {}

    def _attempt(
        self, connection: _Connection, prepared: Message, exchange: Exchange
    ) -> TokenResponse | AuthorizationError:
        """Return the answer or the failure: an error raised here would drag a chain along."""
        try:
            response = connection.converse(prepared, exchange)
        except Exception as error:  # noqa: BLE001 - no library's exception may leave as it is
            connection.close()
            return exchange.failure(error)
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        return response

    def _take(self, route: _Route) -> _Connection | None:
        """Return an idle connection that still stands, the latest used first."""
        connections = self._idle.get(route)
        with suppress(IndexError):  # there is none, or another thread was faster
            while connections:
                connection = connections.pop()
                if connection.is_connected and connection.idles_for < IDLE_LIMIT:
                    return connection
                connection.close()
        return None

    def _keep(self, connection: _Connection) -> None:
        connections = self._idle.setdefault(connection.route, deque())
        if not connection.can_serve_again or len(connections) >= POOL_SIZE:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        connections.append(connection)
        if self._closed:
            self.close()

    def _open(self, route: _Route, endpoint: str) -> _Connection:
        """Make a connection; it connects when it is first used."""
        if route.scheme == "http":
            return _Connection(route, route.host, route.port)
        self._context = self._context or trust.context(self._profile, endpoint)
        return _TlsConnection.through(route, self._context)


class _Route(NamedTuple):
    """What connections are kept by; a client certificate would be a part of it."""

    scheme: str
    host: str
    port: int
    proxy: proxy.Proxy | None


class _Connection(HTTPConnection):
    """One connection; every wait on it ends with the exchange's time."""

    exchange: Exchange
    idle_since = 0.0

    def __init__(self, route: _Route, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.route = route

    @property
    def idles_for(self) -> float:
        """Seconds since the connection was last used."""
        return time.monotonic() - self.idle_since

    @property
    def can_serve_again(self) -> bool:
        """Whether it is open, and holds nothing that the server sent beyond its answer."""
        if isinstance(self.sock, ssl.SSLSocket):
            return not self.sock.pending()
        return self.sock is not None

    def converse(self, prepared: Message, exchange: Exchange) -> TokenResponse:
        """Send the request and read the whole answer."""
        self.exchange = exchange
        if self.sock is None:
            exchange.connecting()
            self.connect()
            exchange.established()
        self.timeout = exchange.limit(exchange.profile.read_timeout)
        self.request(
            prepared.method,
            exchange.address.target,
            prepared.body,
            HTTPHeaderDict(prepared.fields),
            preload_content=False,
            decode_content=False,
        )
        answer = self.getresponse()
        exchange.header_read()
        body = Body(answer.status)
        while chunk := answer.read(CHUNK):
            body.add(chunk)
        headers = merged(answer.headers.iteritems())
        content = body.decoded(headers.get("content-encoding", ""))
        return TokenResponse(status=answer.status, headers=headers, body=content)

    def response_class(  # type: ignore[override]  # http.client only calls it
        self, sock: socket.socket, *args: Any, **options: Any
    ) -> http.client.HTTPResponse:
        """Return http.client's reader of answers over one that keeps to the time."""
        timed: Any = _Timed(sock, self.exchange)
        return http.client.HTTPResponse(timed, *args, **options)

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that answers."""
        limit = self.exchange.profile.connect_timeout
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        if self.exchange.address.is_local_name:
            address.check_resolved(self.exchange.address, found)
        failure = OSError()
        for family, kind, protocol, _, sockaddr in found:
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(self.exchange.limit(limit))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(sockaddr)
                sock.settimeout(self.exchange.limit(limit))  # for the handshake
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        raise failure


class _TlsConnection(_Connection, HTTPSConnection):
    """One connection over TLS, through the tunnel of a proxy if there is one."""

    @classmethod
    def through(cls, route: _Route, context: ssl.SSLContext) -> _TlsConnection:
        """Prepare a connection along this route."""
        if route.proxy is None:
            return cls(route, route.host, route.port, ssl_context=context)
        via = route.proxy
        config = ProxyConfig(context, False, None, None)  # noqa: FBT003 - urllib3's own tuple
        self = cls(route, via.host, via.port, ssl_context=context, proxy_config=config)
        self.set_tunnel(route.host, route.port, dict(via.headers), via.scheme)
        return self


class _Timed(io.RawIOBase):
    """Reads a socket for http.client, giving every wait what is left of the exchange's time."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._exchange = exchange

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the buffered reader that http.client asks a socket for."""
        del mode
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there, waiting for it no longer than there is time."""
        self._sock.settimeout(self._exchange.limit(self._exchange.profile.read_timeout))
        count = self._raw.readinto(buffer)
        self._exchange.arrived(count or 0)
        return count

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()
