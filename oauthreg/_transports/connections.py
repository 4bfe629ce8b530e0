"""urllib3's connections for a call from a thread: told, kept to its time, and broken off."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from oauthreg._transports import address
from oauthreg._transports.exchange import Exchange


class Call(Exchange):
    """An exchange that waits in a thread, so that another thread has to end its waits.

    Attributes:
        afresh: Whether it has to go over a new connection.
    """

    afresh = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None

    def hold(self, sock: socket.socket | ssl.SSLSocket | None) -> None:
        """Keep a handle of the connection that no handshake and no library takes away."""
        with self._lock:
            if self._handle:
                self._handle.close()
            self._handle = sock and socket.fromfd(sock.fileno(), socket.AF_INET, socket.SOCK_STREAM)

    def break_off(self) -> None:
        """End it, whatever it waits for on its connection."""
        with self._lock, suppress(OSError):  # which is not connected yet, or no more
            self.closed = True
            if self._handle:
                self._handle.shutdown(socket.SHUT_RDWR)


current: ContextVar[Call] = ContextVar("oauthreg_call")


class Connection(HTTPConnection):
    """A connection that tells the call at hand what happens on it."""

    @property
    def is_connected(self) -> bool:
        """Whether the call may go over it: it stands, and holds nothing unasked."""
        unasked = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
        return super().is_connected and not unasked and not current.get().afresh

    def connect(self) -> None:
        """Connect, through proxy and TLS if need be."""
        call = current.get()
        call.connecting()
        super().connect()
        call.established()

    def response_class(  # type: ignore[override]  # http.client only calls it
        self, sock: socket.socket, *args: Any, **options: Any
    ) -> http.client.HTTPResponse:
        """Return http.client's reader of answers over one that keeps to the time."""
        timed: Any = _Timed(sock, current.get())
        return http.client.HTTPResponse(timed, *args, **options)

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that answers, each within what is left of the time."""
        call = current.get()
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        if call.address.origin.must_resolve_to_loopback:
            address.check_resolved(call.address, found)
        failure = OSError()
        for family, kind, protocol, _, place in found:
            sock = socket.socket(family, kind, protocol)
            try:
                call.hold(sock)
                sock.settimeout(call.limit(call.profile.connect_timeout))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(place)
                sock.settimeout(call.limit(call.profile.connect_timeout))  # for the handshake
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        raise failure


class TlsConnection(Connection, HTTPSConnection):
    """The same over TLS."""


class Pool(HTTPConnectionPool):
    """urllib3's pool of such connections."""

    ConnectionCls = Connection


class TlsPool(HTTPSConnectionPool):
    """urllib3's pool of such connections over TLS."""

    ConnectionCls = TlsConnection


class _Timed(io.RawIOBase):
    """Reads a socket for http.client, giving every wait what is left of the call's time."""

    def __init__(self, sock: socket.socket, call: Call) -> None:
        call.hold(sock)
        self._sock, self._call = sock, call
        self._raw = sock.makefile("rb", buffering=0)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the buffered reader that http.client asks a socket for."""
        del mode
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there, waiting for it no longer than there is time."""
        self._sock.settimeout(self._call.limit(self._call.profile.read_timeout))
        count = self._raw.readinto(buffer)
        self._call.arrived(count or 0)
        return count

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()
