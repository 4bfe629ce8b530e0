"""Where a login's browser comes back to: a listener on this machine (RFC 8252 section 7.3)."""

from __future__ import annotations

import hmac
import os
import socket
import socketserver
import threading
import time
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Self
from urllib.parse import SplitResult, parse_qs, urlsplit

from oauthreg._addresses import parse_redirect
from oauthreg._errors import AuthorizationError

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"
PATH = "/callback"
SLICE = 0.5
IDLE_SECONDS = 10.0
NOT_HERE = "There is nothing here."
ENDED = ("The login ended", "See the terminal.")
ANOTHER = "This is not the answer to the login that oauthreg waits for."
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>oauthreg</title>
<h1>{heading}</h1>
<p>{text}</p>
</html>
"""


class Loopback(ThreadingHTTPServer):
    """Waits for a browser at the registration's address, if that is here, else at a free port.

    Browsers open connections that they do not use: each has a thread of its own, so that none
    holds up another. Only a callback with the login's state counts; a page that is not the
    login's cannot end it.

    Attributes:
        redirect_uri: Where the browser is to come back to.
        state: The login's; set it before the browser is sent away.
    """

    allow_reuse_address = os.name != "nt"  # there it would let others take the port over

    def __init__(self, registered: str | None) -> None:
        """Listen.

        Args:
            registered: The registration's `redirect-uri`.

        Raises:
            AuthorizationError: the port of it is not to be had.
        """
        parts = _parts(registered or "") or SplitResult("http", HOST, PATH, "", "")
        host = parts.hostname or HOST
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((HOST if host == "localhost" else host, parts.port or 0), _Handler)
        except OSError as error:
            raise AuthorizationError(
                f"cannot listen at {registered}: {error.strerror}",
                hint="End what listens there, or register another redirect-uri.",
            ) from None
        if not parts.port:
            bracketed = f"[{host}]" if ":" in host else host
            parts = parts._replace(netloc=f"{bracketed}:{self.server_address[1]}")
        self.redirect_uri = parts.geturl()
        self.path = parts.path or "/"
        self.state = ""
        self._came: SimpleQueue[str] = SimpleQueue()
        self._decided, self._written = threading.Event(), threading.Event()
        self._page = ENDED
        threading.Thread(target=self.serve_forever, args=(SLICE / 10,), daemon=True).start()

    def server_bind(self) -> None:
        """Bind, and look no host name up: that may take seconds."""
        socketserver.TCPServer.server_bind(self)

    def wait(self, seconds: float) -> str:
        """Return the address that the browser came back to, with `state` in it.

        Raises:
            AuthorizationError: nobody came in time.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                return self._came.get(timeout=min(SLICE, left))  # slices, for Ctrl-C on Windows
            except Empty:
                continue
        raise AuthorizationError(
            f"no browser came back from a login within {seconds:g} s",
            hint=f"Did the server refuse the address {self.redirect_uri}? Register it there.",
        )

    def answer(self, heading: str, text: str) -> None:
        """Show the browser a page, and return when it was sent."""
        self._page = (heading, text)
        self._decided.set()
        self._written.wait(IDLE_SECONDS)

    def callback(self, query: str) -> tuple[HTTPStatus, str, str]:
        """Take a callback, and return the page for it once it is known how the login ended."""
        state = parse_qs(query).get("state", [""])[0]
        if not self.state or not hmac.compare_digest(state.encode(), self.state.encode()):
            return HTTPStatus.BAD_REQUEST, "Not this login", ANOTHER
        self._came.put(f"{self.redirect_uri.partition('?')[0]}?{query}")
        self._decided.wait()
        return HTTPStatus.OK, *self._page

    def written(self) -> None:
        """Note that the page has been sent."""
        self._written.set()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that went away."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._decided.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers a browser."""

    server: Loopback
    timeout = IDLE_SECONDS
    server_version, sys_version = "oauthreg", ""

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        if target.path != self.server.path:
            self._send(HTTPStatus.NOT_FOUND, "oauthreg", NOT_HERE)
            return
        status, heading, text = self.server.callback(target.query)
        self._send(status, heading, text)
        if status == HTTPStatus.OK:
            self.server.written()

    def _send(self, status: HTTPStatus, heading: str, text: str) -> None:
        body = PAGE.format(heading=escape(heading), text=escape(text)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Keep the terminal for the program: addresses carry codes."""


def _parts(redirect_uri: str) -> SplitResult | None:
    """Take an address apart, if a browser on this machine can come back to it by plain http."""
    try:
        origin = parse_redirect(redirect_uri).origin
    except ValueError:
        return None
    return urlsplit(redirect_uri) if origin.scheme == "http" and origin.is_loopback else None
