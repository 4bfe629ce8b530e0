"""One request of an httpx or httpx2 client on its way; imports neither library."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from oauthreg.auth.trip import AUTHORIZATION, Bearer, Trip

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg.registration import AuthorizedClient

SENDS_HEADERS = ".send_request_headers.started"
OURS, HOME = "oauthreg.authorization", "oauthreg.home"  # extensions: httpx copies them to each hop


class HttpxTrip(Trip):
    """A trip of an httpx request.

    On a redirect httpx keeps the Authorization header for the same origin and strips it for any
    other, which is the rule without `urls`. With `urls`, `depart` judges every hop: the client
    asks nobody about those, but its transport reports each to the `trace` extension, after the
    connection is there and before a byte of the request is sent.
    """

    __slots__ = ("_byte_stream", "_hop", "_lent", "_request", "_rewind")

    def __init__(
        self, bearer: Bearer, client: AuthorizedClient, request: Any, byte_stream: type[Any]
    ) -> None:
        super().__init__(bearer, client, str(request.url), request.extensions.get(HOME))
        self._byte_stream = byte_stream
        self._request = request
        self._hop = request
        self._rewind = _rewind(request.stream, byte_stream)
        self._lent = False
        if self.carries:
            self._dress(request)

    def watch(self, trace: Callable[..., Any]) -> None:
        """Have every hop reported, where `urls` has a say in it."""
        if self.follows_list:
            self._request.extensions = {**self._request.extensions, "trace": trace}

    def depart(self, event: str, info: Any) -> None:
        """Judge a hop that is about to be sent, and give it the token if httpx stripped it."""
        if not event.endswith(SENDS_HEADERS):
            return
        hop = info["request"]
        if hop.method == b"CONNECT":  # to a proxy, which is to see no token
            return
        target = hop.url.target
        url = target if target.startswith(b"http") else bytes(hop.url)  # whole, to a proxy
        self.may_carry(url.decode("ascii"))
        if not any(name.lower() == b"authorization" for name, _ in hop.headers):
            hop.headers.append((AUTHORIZATION.encode(), self.authorization.encode()))
            self._lent = True

    def was_refused(self, response: Any) -> bool:
        """Take note of an answer; True if it refused this very token."""
        self._hop = response.request
        challenge = response.headers.get("WWW-Authenticate", "")
        lent = self.authorization if self._lent else None
        carried = self._hop.headers.get(AUTHORIZATION, lent)
        return self.refused(response.status_code, challenge, carried)

    @property
    def can_replay(self) -> bool:
        """Whether the body of the last hop can be sent again."""
        if isinstance(self._hop.stream, self._byte_stream):
            return True
        return self._hop.stream is self._request.stream and self._rewind is not None

    def replay(self) -> Any:
        """Return the last hop, ready to be sent with the new token."""
        if self._rewind is not None:
            self._rewind()
        self._dress(self._hop)
        return self._hop

    def _dress(self, request: Any) -> None:
        request.headers[AUTHORIZATION] = self.authorization
        request.extensions = {**request.extensions, OURS: self.authorization, HOME: self.home}


def has_callers_header(request: Any) -> bool:
    """Whether there is a header, and not ours: a request may be sent again and still have it."""
    ours = request.extensions.get(OURS)
    return bool(request.headers.get(AUTHORIZATION, ours) != ours)


def _rewind(stream: Any, byte_stream: type[Any]) -> Callable[[], object] | None:
    """Return what brings a body back to where it stands now; None if nothing can."""
    if isinstance(stream, byte_stream):
        return lambda: None
    fields = getattr(stream, "fields", None)
    if fields is not None:  # multipart: it rewinds each of its files by itself
        files = [field.file for field in fields if hasattr(field, "file")]
        return (lambda: None) if all(map(_can_seek, files)) else None
    file: Any = getattr(stream, "_stream", None)
    return partial(file.seek, file.tell()) if _can_seek(file) else None


def _can_seek(file: Any) -> bool:
    return isinstance(file, bytes | str) or bool(hasattr(file, "seekable") and file.seekable())
