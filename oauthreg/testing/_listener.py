"""The HTTP side of the test server: connections, keep-alive, and faults on the wire."""

from __future__ import annotations

import logging
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from http import HTTPStatus
from http.client import responses
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Protocol, cast

from oauthreg.testing._faults import Fault, Injection, end
from oauthreg.testing._records import Answer, RecordedRequest

if TYPE_CHECKING:
    from socketserver import BaseServer

log = logging.getLogger(__name__)

STOP_TIMEOUT = 1.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Application(Protocol):
    """What the listener asks of the server behind it."""

    def endpoint_at(self, path: str) -> str:
        """The name of the endpoint at this path."""

    def admit(self, request: RecordedRequest) -> tuple[Fault, Injection | None]:
        """Record a request, hold it if need be, and decide what goes wrong with it."""

    def answer(self, request: RecordedRequest) -> Answer:
        """The real answer."""


class Listener(socketserver.ThreadingTCPServer):
    """A listening socket and a daemon thread for each of its connections."""

    request_queue_size = 1024
    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, host: str, port: int, application: Application, tls: ssl.SSLContext | None
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.application = application
        self.stopping = threading.Event()
        self.accepted = 0
        self._tls = tls
        self._connections: set[socket.socket] = set()
        self._closed = threading.Condition()
        super().__init__((host, port), Handler)
        self.port: int = self.socket.getsockname()[1]
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection. Its TLS handshake happens in its own thread, at the first read."""
        connection, address = super().get_request()
        if self._tls:
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        with self._closed:
            self._connections.add(connection)
            self.accepted += 1
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Close a connection: without a `shutdown` before, which would soften a reset."""
        request.close()
        with self._closed:
            self._connections.discard(request)
            self._closed.notify_all()

    def handle_error(self, *_: object) -> None:
        """Report what the test server did wrong; that a connection breaks is nothing special."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log.error("the test server failed", exc_info=error)

    def stop(self) -> None:
        """Refuse new connections, end the open ones, wait for their threads a second at most."""
        self.stopping.set()
        end(self.socket)  # wakes the accepting thread on Linux; elsewhere it polls
        self.shutdown()
        self.server_close()
        with self._closed:
            for connection in self._connections:
                end(connection)
            self._closed.wait_for(lambda: not self._connections, STOP_TIMEOUT)


class Handler(BaseHTTPRequestHandler):
    """One connection: reads requests, and writes each answer with one system call."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: BaseServer
    _served = 0

    @property
    def _listener(self) -> Listener:
        return cast("Listener", self.server)

    def log_message(self, *_: object) -> None:
        """Keep no access log."""

    def _serve(self) -> None:
        request = self._read_request()
        if request is None:
            self.close_connection = True
            return
        listener = self._listener
        fault, injection = listener.application.admit(request)
        if listener.stopping.wait(fault.delay) if fault.delay else listener.stopping.is_set():
            self.close_connection = True
            return
        if fault.hang and injection:
            injection.hang(self.connection)
        if fault.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        if fault.is_silence:
            self.close_connection = True
            return
        answer = fault.answer() if fault.is_answer else self._real_answer(request)
        self._send(fault.spoil(answer), fault)
        self.close_connection |= fault.close_idle or fault.drop is not None

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - as http.server looks them up

    def _read_request(self) -> RecordedRequest | None:
        body = self._read_body()
        if body is None:
            return None
        self._served += 1
        path, _, query = self.requestline.split()[1].partition("?")
        certificate = None
        if isinstance(self.connection, ssl.SSLSocket):
            certificate = self.connection.getpeercert(binary_form=True)
        return RecordedRequest(
            method=self.command,
            path=path,
            headers=self.headers,
            body=body,
            endpoint=self._listener.application.endpoint_at(path),
            raw_query=query,
            at=time.monotonic(),
            reused=self._served > 1,
            client_certificate=certificate,
        )

    def _read_body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(iter(self._read_chunk, b""))
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            self.send_error(HTTPStatus.BAD_REQUEST)
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _read_chunk(self) -> bytes:
        size = self.rfile.readline(64).partition(b";")[0].strip()
        chunk = self.rfile.read(int(size or b"0", 16))
        self.rfile.readline(64)
        return chunk

    def _real_answer(self, request: RecordedRequest) -> Answer:
        try:
            return self._listener.application.answer(request)
        except Exception:
            log.exception("the test server failed at %s %s", request.method, request.path)
            return Answer.error(500, "server_error", "the test server failed, see its log")

    def _send(self, answer: Answer, fault: Fault) -> None:
        head, body = self._head(answer, fault), answer.body
        if self.command == "HEAD" or answer.status in {204, 304}:
            body = b""
        whole = head + body
        if fault.drop == "headers":
            whole = head[: len(head) // 2]
        elif fault.drop == "body":
            whole = head + body[: len(body) // 2]
        if not fault.drip:
            self.connection.sendall(whole)
            return
        first = 0 if fault.drip_part == "headers" else len(head)
        last = min(len(whole), len(head) if fault.drip_part == "headers" else len(whole))
        self.connection.sendall(whole[:first])
        for at in range(first, last):
            if self._listener.stopping.wait(fault.drip):
                return
            self.connection.sendall(whole[at : at + 1])
        self.connection.sendall(whole[last:])

    def _head(self, answer: Answer, fault: Fault) -> bytes:
        lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        given = {name.lower() for name, _ in answer.headers}
        if answer.status not in {204, 304} and not given & {"content-length", "transfer-encoding"}:
            lines.append(f"Content-Length: {len(answer.body) + (fault.drop == 'body')}")
        if self.close_connection and "connection" not in given:
            lines.append("Connection: close")
        return "\r\n".join((*lines, "", "")).encode()
