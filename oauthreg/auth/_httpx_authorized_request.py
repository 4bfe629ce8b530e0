"""One authorized request of an httpx or httpx2 client; imports neither library."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from oauthreg._errors import AuthorizationError
from oauthreg.auth._authorized_request import (
    DPOP,
    Answer,
    AuthorizedRequest,
    TokenSupplier,
)
from oauthreg.auth._httpx_token_headers import TokenHeaders
from oauthreg.auth._policy import check_addresses, is_plain_loopback, proxied

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._registration import AuthorizedClient

CONNECTS, IS_CONNECTED = "connection.connect_tcp.started", "connection.connect_tcp.complete"
SOCKS = "socks."
SENDS_HEADERS = ".send_request_headers.started"
HAS_HEADERS = ".receive_response_headers.complete"
# Request extensions, which httpx copies to each hop.
OURS, FIRST_URL = "oauthreg.authorization", "oauthreg.first_url"


class HttpxAuthorizedRequest(AuthorizedRequest):
    """An authorized request of httpx.

    On a redirect httpx keeps the Authorization header for the same origin and strips it for any
    other, which is the rule without `urls`; other header fields of the token it is not shown (see
    `TokenHeaders`). With these or with `urls` every hop is checked, and with DPoP each gets a proof
    of its own: the client asks nobody about hops, but its transport reports each to
    the `trace` extension, once it is connected and before a byte of the request is sent. So does
    plain http to loopback become known that goes through a proxy, or to a `localhost` elsewhere.
    """

    __slots__ = (
        "_added_to_hop",
        "_byte_stream",
        "_has_own_token",
        "_hop",
        "_local_port",
        "_request",
        "_rewind",
        "_strayed",
        "_token_headers",
        "_token_url",
    )

    def __init__(
        self,
        supplier: TokenSupplier,
        client: AuthorizedClient,
        request: Any,
        byte_stream: type[Any],
        token_headers: type[TokenHeaders],
    ) -> None:
        super().__init__(supplier, client, str(request.url), request.extensions.get(FIRST_URL))
        self.added = request.extensions.get(OURS, {})
        self._byte_stream = byte_stream
        self._token_headers = token_headers
        self._request = request
        self._hop = request
        self._rewind = _rewind(request.stream, byte_stream)
        self._added_to_hop = False
        self._has_own_token = False
        self._strayed = False  # to another origin, from where no redirect leads back
        self._token_url: str | None = None
        self._local_port: int | None = None  # of a connection to localhost that is being made
        if self.sends_token:
            self._set_token(request)
        else:  # a redirect that is followed by hand
            self.remove_token(request.headers)

    def listen_to_hops(self, kind: type[HopListener]) -> None:
        """Have every hop reported, where header, `urls`, proof or plain http depend on it."""
        depends = self.has_own_headers or self.has_urls or self.needs_proof
        if depends or is_plain_loopback(self.first_url):
            listener = kind(self, self._request.extensions.get("trace"))
            self._request.extensions = {**self._request.extensions, "trace": listener}

    def on_event(self, event: str, info: Any) -> None:
        """Take note of what the transport reports; called for everything it does.

        Raises:
            UrlNotAllowedError: the token may not go where the request is about to be sent.
        """
        if event == CONNECTS:
            self._local_port = info["port"] if info["host"] == "localhost" else None
        elif event.startswith(SOCKS) and is_plain_loopback(self.first_url):
            raise proxied(self.client.registration, self.first_url)
        elif event.endswith(SENDS_HEADERS):
            self._token_url = self._prepare_hop(info["request"])
        elif event.endswith(HAS_HEADERS) and self._token_url is not None:
            fields = info["return_value"][-1]
            headers = {name.lower().decode(): value.decode("latin-1") for name, value in fields}
            self.note_nonce(self._token_url, headers)

    def check_connection(self, event: str, info: Any) -> None:
        """Check that a connection to `localhost`, which was just made, is one to loopback.

        Raises:
            UrlNotAllowedError: it is not; nothing was sent over it.
        """
        if event == IS_CONNECTED and self._local_port is not None:
            peer = info["return_value"].get_extra_info("server_addr") or ("unknown",)
            url = f"http://localhost:{self._local_port}"
            check_addresses(self.client.registration, url, peer[:1])

    def answer(self, response: Any) -> Answer:
        """Return what came back for the last hop."""
        self._hop = hop = response.request
        added = self.authorization if self._added_to_hop else None
        return Answer(
            url=str(hop.url),
            status=response.status_code,
            headers=response.headers,
            challenge=response.headers.get("WWW-Authenticate", ""),
            authorization=hop.headers.get(self.token_header, added),
            replayable=isinstance(hop.stream, self._byte_stream)
            or (hop.stream is self._request.stream and self._rewind is not None),
        )

    def replay(self) -> Any:
        """Return the last hop, with the new token or proof on it."""
        if self._rewind is not None:
            self._rewind()
        self._set_token(self._hop)
        return self._hop

    def _prepare_hop(self, hop: Any) -> str | None:
        """Check where a hop goes that is about to be sent, and set its token and proof.

        Returns:
            The address that will see the token; None if none will.
        """
        if hop.method == b"CONNECT":  # to a proxy, which is to see no token
            return None
        target = hop.url.target
        by_proxy = target.startswith(b"http")  # which is asked for the whole address
        url = (target if by_proxy else bytes(hop.url)).decode("ascii")
        self._strayed = not self.may_send_token(url) or self._strayed
        own, self._has_own_token = self._has_own_token, False
        carried = {name.lower(): value.decode("latin-1") for name, value in hop.headers}
        shown = carried.get(self.token_header.lower().encode())
        is_kept_back = self.has_urls or self.has_own_headers
        self._added_to_hop = shown is None and is_kept_back and not self._strayed
        if shown is not None and shown != self.authorization:  # by a hook of the caller's
            return None
        sends_token = self._added_to_hop or (shown is not None and not self._strayed)
        if sends_token and by_proxy and is_plain_loopback(url):
            raise proxied(self.client.registration, url)
        if own:  # what the flow sent has its token already, and a proof of its own
            return url
        ours = {name.lower().encode() for name in (*self.added, DPOP)}
        kept = [(name, value) for name, value in hop.headers if name.lower() not in ours]
        taken = {name.lower().decode("latin-1") for name, _ in kept}
        method = hop.method.decode("ascii")
        fields = self.fields_beside(taken, method, url) if sends_token else {}
        hop.headers[:] = [
            *kept,
            *((name.encode(), value.encode()) for name, value in fields.items()),
        ]
        return url if sends_token else None

    def _set_token(self, request: Any) -> None:
        self.add_token(request.headers, request.method, str(request.url))
        if self.has_own_headers:
            request.headers = self._token_headers(request.headers, self.added)
        request.extensions = {
            **request.extensions,
            OURS: self.added,
            FIRST_URL: self.first_url,
        }
        self._has_own_token = True


class HopListener:
    """A `trace` extension that reports to an authorized request, and then to the caller's own."""

    def __init__(self, authorized: HttpxAuthorizedRequest, trace: Any) -> None:
        self._authorized = authorized
        self.callers: Any = trace.callers if isinstance(trace, HopListener) else trace

    def __call__(self, event: str, info: Any) -> Any:
        """Report an event; called by the transport."""
        try:
            self._authorized.check_connection(event, info)
        except AuthorizationError:
            info["return_value"].close()
            raise
        return self._report(event, info)

    def _report(self, event: str, info: Any) -> Any:
        self._authorized.on_event(event, info)
        return None if self.callers is None else self.callers(event, info)


class AsyncHopListener(HopListener):
    """`HopListener` for asynchronous clients."""

    async def __call__(self, event: str, info: Any) -> None:
        """Report an event; called by the transport."""
        try:
            self._authorized.check_connection(event, info)
        except AuthorizationError:
            await info["return_value"].aclose()
            raise
        answer = self._report(event, info)
        if answer is not None:
            await answer


def has_callers_header(request: Any, name: str) -> bool:
    """Whether there is a header, and not ours: a request may be sent again and still have it."""
    ours = request.extensions.get(OURS, {}).get(name)
    return bool(request.headers.get(name, ours) != ours)


def _rewind(stream: Any, byte_stream: type[Any]) -> Callable[[], object] | None:
    """Return what rewinds a body to its present position; None if nothing can."""
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
