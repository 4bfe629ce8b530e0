"""Where a login's browser begins and comes back to: a listener here (RFC 8252 section 7.3).

The addresses of processes are no secret on a machine, and a browser is started with the address
that it opens. So it is given one of this listener, which sends it on to the login and gives it a
cookie: state and challenge stand in no process's arguments, and only the browser that opened the
address first can end the login.
"""

from __future__ import annotations

import hmac
import os
import secrets
import socket
import socketserver
import threading
import time
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import SplitResult, parse_qs, urlsplit

from oauthreg._addresses import parse_redirect
from oauthreg._errors import AuthorizationError

if TYPE_CHECKING:
    from types import TracebackType

HOST, HOST_6 = "127.0.0.1", "::1"
PATH = "/callback"
SLICE = 0.5
IDLE_SECONDS = 10.0
COOKIE_SECONDS = 86_400
NOT_HERE = "There is nothing here."
ENDED = ("The login ended", "See the terminal.")
ANOTHER = "This is not the answer to the login that oauthreg waits for."
OPENED = "Another browser, or another program, opened this address before. See the terminal."
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>oauthreg</title>
<h1>{heading}</h1>
<p>{text}</p>
</html>
"""


class Reply(NamedTuple):
    """What the browser is answered: a page, or where to go."""

    status: HTTPStatus
    heading: str = "oauthreg"
    text: str = NOT_HERE
    location: str | None = None
    cookie: str | None = None


class Loopback:
    """Waits for a browser at the registration's address, if that is here, else at a free port.

    It listens at both loopback addresses, so that nobody else answers at the other one. Only a
    callback with the login's state and cookie counts; a page that is not the login's cannot end it.

    Attributes:
        redirect_uri: Where the browser is to come back to.
        port: Where this listens.
    """

    def __init__(self, registered: str | None) -> None:
        """Listen.

        Args:
            registered: The registration's `redirect-uri`.

        Raises:
            AuthorizationError: the port of it is not to be had.
        """
        parts = _parts(registered or "") or SplitResult("http", HOST, PATH, "", "")
        host = parts.hostname or HOST
        try:
            self._listeners = _listen(self, host, parts.port or 0)
        except OSError as error:
            raise AuthorizationError(
                f"cannot listen at {registered}: {error.strerror}",
                hint="End what listens there, or register another redirect-uri.",
            ) from None
        self.port: int = self._listeners[0].server_address[1]
        if not parts.port:
            bracketed = f"[{host}]" if ":" in host else host
            parts = parts._replace(netloc=f"{bracketed}:{self.port}")
        self.redirect_uri = parts.geturl()
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path or "/"
        self._login, self._state = "", ""
        self._start_path = f"/{secrets.token_urlsafe(16)}"
        self._cookie = f"oauthreg-{secrets.token_hex(4)}={secrets.token_urlsafe(16)}"
        self._opened = threading.Lock()
        self._came: SimpleQueue[str | AuthorizationError] = SimpleQueue()
        self._decided, self._written = threading.Event(), threading.Event()
        self._page = ENDED
        for listener in self._listeners:
            threading.Thread(target=listener.serve_forever, args=(SLICE / 10,), daemon=True).start()

    def start(self, login: str, state: str) -> str:
        """Return the address that the browser opens, for the address and the state of a login."""
        self._login, self._state = login, state
        return self._origin + self._start_path

    def wait(self, seconds: float) -> str:
        """Return the address that the browser came back to, with `state` in it.

        Raises:
            AuthorizationError: nobody came in time, or two browsers did.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                came = self._came.get(timeout=min(SLICE, left))  # slices, for Ctrl-C on Windows
            except Empty:
                continue
            if isinstance(came, AuthorizationError):
                raise came
            return came
        raise AuthorizationError(
            f"no browser came back from a login within {seconds:g} s",
            hint=f"Did the server refuse the address {self.redirect_uri}? Register it there.",
        )

    def answer(self, heading: str, text: str) -> None:
        """Show the browser a page, and return when it was sent."""
        self._page = (heading, text)
        self._decided.set()
        self._written.wait(IDLE_SECONDS)

    def reply(self, target: str, cookies: str) -> Reply:
        """Return what a browser is answered; a callback waits until the login has ended."""
        parts = urlsplit(target)
        if hmac.compare_digest(parts.path.encode(), self._start_path.encode()) and self._login:
            return self._begin(cookies)
        if parts.path == self._path:
            return self._callback(parts.query, cookies)
        return Reply(HTTPStatus.NOT_FOUND)

    def written(self) -> None:
        """Note that the page has been sent."""
        self._written.set()

    def _begin(self, cookies: str) -> Reply:
        """Send the first browser on to the login; a second one ends it, since one is not ours."""
        if not self._opened.acquire(blocking=False) and not self._has_cookie(cookies):
            self._came.put(
                AuthorizationError(
                    "two browsers or programs opened the address of this login",
                    hint="Start it again, with --no-browser to open the address yourself. If the "
                    "other one was not you, somebody on this machine may have tried to log you in "
                    "as themselves.",
                )
            )
            return Reply(HTTPStatus.FORBIDDEN, "Not this browser", OPENED)
        cookie = f"{self._cookie}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax"
        return Reply(HTTPStatus.SEE_OTHER, location=self._login, cookie=cookie)

    def _callback(self, query: str, cookies: str) -> Reply:
        state = parse_qs(query).get("state", [""])[0]
        same = hmac.compare_digest(state.encode(), self._state.encode())
        if not self._state or not same or not self._has_cookie(cookies):
            return Reply(HTTPStatus.BAD_REQUEST, "Not this login", ANOTHER)
        self._came.put(f"{self.redirect_uri.partition('?')[0]}?{query}")
        self._decided.wait()
        name = self._cookie.partition("=")[0]
        return Reply(HTTPStatus.OK, *self._page, cookie=f"{name}=; Path=/; Max-Age=0")

    def _has_cookie(self, cookies: str) -> bool:
        expected = self._cookie.encode()
        found = [one.strip().encode() for one in cookies.split(";")]
        return any(hmac.compare_digest(one, expected) for one in found)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._decided.set()
        for listener in self._listeners:
            listener.shutdown()
            listener.server_close()


class _Listener(ThreadingHTTPServer):
    """Listens at one address, with a thread per connection: browsers open some ahead of need."""

    allow_reuse_address = os.name != "nt"  # there it would let others take the port over

    def __init__(self, login: Loopback, host: str, port: int) -> None:
        self.login = login
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind, and look no host name up: that may take seconds."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that went away."""


class _Handler(BaseHTTPRequestHandler):
    """Answers a browser."""

    server: _Listener
    timeout = IDLE_SECONDS
    server_version, sys_version = "oauthreg", ""

    def do_GET(self) -> None:
        login = self.server.login
        reply = login.reply(self.path, "; ".join(self.headers.get_all("Cookie", [])))
        body = PAGE.format(heading=escape(reply.heading), text=escape(reply.text)).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        for name, value in (("Location", reply.location), ("Set-Cookie", reply.cookie)):
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if reply.status == HTTPStatus.OK:
            login.written()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Keep the terminal for the program: addresses carry codes."""


def _listen(login: Loopback, host: str, port: int) -> list[_Listener]:
    """Listen at a port of both loopback addresses, that of `host` first.

    Raises:
        OSError: the port is taken.
    """
    named = HOST if host == "localhost" else host
    other = HOST if ":" in named else HOST_6
    first = _Listener(login, named, port)
    try:
        return [first, _Listener(login, other, first.server_address[1])]
    except OSError:
        if host != "localhost" or not _exists(other):
            return [first]  # a browser that is sent to `named` asks nobody else
        first.server_close()
        raise


def _exists(host: str) -> bool:
    """Whether this machine has the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def _parts(redirect_uri: str) -> SplitResult | None:
    """Take an address apart, if a browser on this machine can come back to it by plain http."""
    try:
        origin = parse_redirect(redirect_uri).origin
    except ValueError:
        return None
    return urlsplit(redirect_uri) if origin.scheme == "http" and origin.is_loopback else None
