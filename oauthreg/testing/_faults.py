"""What may go wrong: faults as data, who gets which, and gates that hold requests back."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

from oauthreg.testing._records import Answer, RecordedRequest

if TYPE_CHECKING:
    from types import TracebackType


def end(connection: socket.socket) -> None:
    """Wake whoever reads from the connection, here and at the other side, with its end."""
    with suppress(OSError):
        # Not SSLSocket's own shutdown, which would go on in clear text.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way in which an answer goes wrong; the fields may be combined.

    A fault with `status`, `body` or `redirect_to` is the whole answer, and the request has no
    effect: no token is issued, no code used up. So has one with `hang`, `reset` or
    `drop="before"`. Any other fault spoils the real answer, after its effect took place: a token
    may have been issued that the client never sees.
    """

    status: int | None = None
    """HTTP status; 200 for a `body` alone, 307 for a `redirect_to` alone."""
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()
    """Header fields to add; one of these names takes the place of the answer's own."""
    body: object = None
    """bytes and str go out as they are, any other value as JSON."""
    content_type: str | None = None
    """The `Content-Type` of the answer."""
    delay: float = 0.0
    """Seconds between the request and the answer."""
    retry_after: float | str | None = None
    """`Retry-After`: seconds, or the text of an HTTP date (RFC 9110 section 10.2.3)."""
    redirect_to: str | None = None
    """`Location`, for a status 301, 302, 303, 307 or 308."""
    drop: Literal["before", "headers", "body"] | None = None
    """Close before an answer, in the middle of its headers, or in the middle of its body."""
    drip: float = 0.0
    """Seconds before each single byte of the `drip_part`; the rest comes at once."""
    drip_part: Literal["headers", "body"] = "body"
    """What `drip` slows down."""
    hang: bool = False
    """Never answer: the connection stays open until the fault or the server is gone."""
    oversized: int = 0
    """The body is filled up with spaces to this many bytes (so JSON stays JSON)."""
    reset: bool = False
    """Break the connection off (TCP RST) instead of an answer."""
    close_idle: bool = False
    """Answer, then close the kept-alive connection without having said so."""

    @property
    def is_answer(self) -> bool:
        """Whether the fault stands for the real answer."""
        return self.status is not None or self.body is not None or self.redirect_to is not None

    @property
    def is_silence(self) -> bool:
        """Whether there is no answer at all."""
        return self.hang or self.reset or self.drop == "before"

    def answer(self) -> Answer:
        """The answer of a fault that is one."""
        status = self.status or (307 if self.redirect_to else 200)
        if self.body is None:
            return Answer(status)
        if isinstance(self.body, (bytes, str)):
            body = self.body if isinstance(self.body, bytes) else self.body.encode()
            return Answer(status, (("Content-Type", "text/plain; charset=utf-8"),), body)
        return Answer.of_json(self.body, status)

    def spoil(self, answer: Answer) -> Answer:
        """`answer` with this fault's header fields and size."""
        pairs = self.headers.items() if isinstance(self.headers, Mapping) else self.headers
        added = [(name, value) for name, value in self._named_headers() if value is not None]
        added += pairs
        names = {name.lower() for name, _ in added}
        kept = [(name, value) for name, value in answer.headers if name.lower() not in names]
        return replace(
            answer, headers=(*kept, *added), body=answer.body.ljust(self.oversized, b" ")
        )

    def _named_headers(self) -> Iterable[tuple[str, str | None]]:
        yield "Content-Type", self.content_type
        yield "Location", self.redirect_to
        yield "Retry-After", None if self.retry_after is None else str(self.retry_after)


NO_FAULT = Fault()

FaultSource = Fault | Callable[[RecordedRequest], Fault | None]
"""A fault, or a function that decides for each request."""


@dataclass(eq=False)
class Injection:
    """A fault in place. Call it, or leave it as a context manager, to take the fault away."""

    source: FaultSource | deque[Fault | None]
    path: str
    times: int | None
    used: int = field(default=0, init=False)
    """How many requests it has hit."""
    _hanging: set[socket.socket] = field(default_factory=set, init=False, repr=False)
    _removed: bool = field(default=False, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    @property
    def over(self) -> bool:
        """Whether no further request can be hit."""
        return self._removed or self.used == self.times

    def take(self, request: RecordedRequest) -> Fault | None:
        """The fault that hits this request, if any."""
        if self.path not in {"*", request.endpoint, request.path}:
            return None
        with self._lock:
            if self.over:
                return None
            fault = self._next(request)
            self.used += fault is not None
            return fault

    def _next(self, request: RecordedRequest) -> Fault | None:
        if isinstance(self.source, deque):
            return self.source.popleft() or NO_FAULT
        return self.source if isinstance(self.source, Fault) else self.source(request)

    def hang(self, connection: socket.socket) -> None:
        """Return when the connection has ended, from whichever side."""
        with self._lock:
            if self._removed:
                return
            self._hanging.add(connection)
        with suppress(OSError):
            while connection.recv(1024):
                pass
        self._hanging.discard(connection)

    def __call__(self) -> None:
        """Take the fault away; what hangs in it is disconnected."""
        with self._lock:
            self._removed = True
            hanging = list(self._hanging)
        for connection in hanging:
            end(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self()


class FaultPlan:
    """The faults in place; of several that fit a request, the one injected last hits it."""

    def __init__(self) -> None:
        self._injections: list[Injection] = []
        self._lock = threading.Lock()

    def inject(self, source: FaultSource, path: str, times: int | None) -> Injection:
        """Put a fault in place for `times` requests (None: until taken away)."""
        return self._add(Injection(source, path, times))

    def script(self, path: str, faults: Iterable[Fault | None]) -> Injection:
        """One fault for each request to come, in order; None leaves a request alone."""
        steps = deque(faults)
        return self._add(Injection(steps, path, len(steps)))

    def _add(self, injection: Injection) -> Injection:
        with self._lock:
            self._injections = [*(old for old in self._injections if not old.over), injection]
        return injection

    def pick(self, request: RecordedRequest) -> tuple[Fault, Injection | None]:
        """The fault that hits this request, and where it comes from."""
        for injection in reversed(self._injections):
            if fault := injection.take(request):
                return fault, injection
        return NO_FAULT, None

    def heal(self) -> None:
        """Take every fault away."""
        with self._lock:
            injections, self._injections = self._injections, []
        for injection in injections:
            injection()


class Gate:
    """Holds the requests to one endpoint back until it is opened; a context manager."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._waiting = 0
        self._opened = False
        self._changed = threading.Condition()

    @property
    def opened(self) -> bool:
        """Whether it lets requests through."""
        return self._opened

    @property
    def waiting(self) -> int:
        """How many requests it holds now."""
        return self._waiting

    def hold(self, request: RecordedRequest) -> None:
        """Return when the gate is open, at once for a request that is not its own."""
        if self._opened or self.path not in {"*", request.endpoint, request.path}:
            return
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._opened)
            self._waiting -= 1

    def wait_for(self, count: int, timeout: float = 5.0) -> None:
        """Return when `count` requests wait in the gate; TimeoutError after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting >= count, timeout):
                raise TimeoutError(f"{self._waiting} of {count} requests came to {self.path}")

    def open(self) -> None:
        """Let them all go on, and those that come later too."""
        with self._changed:
            self._opened = True
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.open()
