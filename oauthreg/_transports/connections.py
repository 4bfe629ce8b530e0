"""urllib3's connections for a call from a thread: each wait is limited, and can be broken off."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from oauthreg._transports import address
from oauthreg._transports.exchange import SUSPECT_SECONDS, Exchange
from oauthreg._transports.idle import IDLE_SECONDS
from oauthreg._transports.logs import leave_out
from oauthreg._transports.lookup import lookup

if TYPE_CHECKING:
    from oauthreg._transports.idle import ConnectionKey, IdleConnections


class Call(Exchange):
    """An exchange that waits in a thread, so that another thread has to end its waits.

    Attributes:
        key: Which connections it may use.
        idle: Where it takes its connection from, and gives it back.
        single_use: Whether its request must not be sent twice.
        afresh: Whether it has to go over a new connection.
    """

    key: ConnectionKey
    idle: IdleConnections[Connection]

    def __init__(self, *args: Any, single_use: bool) -> None:
        super().__init__(*args)
        self.single_use, self.afresh = single_use, False
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None

    def uses(self, sock: socket.socket | ssl.SSLSocket | None) -> None:
        """Note its socket, by a handle of its own that no handshake and no library takes away."""
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
leave_out("Failed to parse headers", of="urllib3.connection", during=current)


class Connection(HTTPConnection):
    """A connection that reports to the current call what happens on it."""

    def is_usable(self) -> bool:
        """Whether it is open, and has nothing to read that nobody asked for."""
        unasked = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
        return self.is_connected and not unasked

    def connect(self) -> None:
        """Connect, through proxy and TLS if need be."""
        call = current.get()
        super().connect()
        call.established()

    def response_class(  # type: ignore[override]  # http.client only calls it
        self, sock: socket.socket, *args: Any, **options: Any
    ) -> http.client.HTTPResponse:
        """Return http.client's reader of answers over one that keeps to the time."""
        timed: Any = _Timed(sock, current.get())
        return http.client.HTTPResponse(timed, *args, **options)

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that answers, in what is left of the time."""
        call = current.get()
        call.connecting()
        found = lookup(self.host, self.port or 0).result(call.limit())
        address.check_resolved(call.address, found)
        failure = OSError()
        for others, (family, kind, protocol, _, place) in zip(
            reversed(range(len(found))), found, strict=True
        ):
            sock = socket.socket(family, kind, protocol)
            try:
                call.uses(sock)
                sock.settimeout(call.try_limit(others))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(place)
                sock.settimeout(call.limit())  # for the handshake
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise failure


class TlsConnection(Connection, HTTPSConnection):
    """The same over TLS."""


class Pool(HTTPConnectionPool):
    """urllib3's way to send over a connection; idle ones are kept by the transport."""

    ConnectionCls = Connection

    def _get_conn(self, timeout: float | None = None) -> Any:
        del timeout
        call = current.get()
        longest = SUSPECT_SECONDS if call.single_use else IDLE_SECONDS
        kept = None if call.afresh else call.idle.take(call.key, longest)
        if kept is None:
            return self._new_conn()
        connection, idle_seconds = kept
        call.reusing(idle_seconds)
        return connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None and not conn.is_closed:
            call = current.get()
            call.idle.give_back(call.key, conn)


class TlsPool(Pool, HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = TlsConnection


class _Timed(io.RawIOBase):
    """Reads a socket for http.client, giving every wait what is left of the call's time."""

    def __init__(self, sock: socket.socket, call: Call) -> None:
        call.uses(sock)
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
        self._sock.settimeout(self._call.limit())
        count = self._raw.readinto(buffer)
        self._call.arrived(count or 0)
        return count

    def close(self) -> None:
        """Close the reader; the socket stays with its connection."""
        self._raw.close()
        super().close()
