"""Sending with requests: its adapter, and no Session.

A Session lets the environment in: `.netrc` replaces an Authorization header, `http_proxy` takes
loopback requests, one client's cookies go with another's. The adapter is the part below it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict

from oauthreg._errors import AuthorizationError
from oauthreg._transports import address, proxy
from oauthreg._transports.connections import Call, Pool, TlsPool, current
from oauthreg._transports.message import POOL_SIZE, Body, header_fields
from oauthreg._transports.trust import Trust

if TYPE_CHECKING:
    import ssl

    from oauthreg._addresses import Address
    from oauthreg._flow import TokenRequest, TokenResponse
    from oauthreg._registration import HttpProfile

POOLS = {"http": Pool, "https": TlsPool}


class RequestsTransport:
    """Sends token requests over kept-alive connections, from any number of threads.

    Args:
        profile: Time limits, proxy and trusted roots.
    """

    def __init__(self, profile: HttpProfile) -> None:
        self._profile = profile
        self._trust = Trust(profile)
        self._adapters: dict[ssl.SSLContext | None, _Adapter] = {}
        self._calls: set[Call] = set()
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
        call = Call(self._profile, place, proxy.choose(self._profile, place), within)
        prepared = _prepared(request, place)
        adapter = self._adapter(request, place)
        self._calls.add(call)
        try:
            call.closed = self._closed
            outcome = _attempt(adapter, prepared, call)
            if call.may_repeat(outcome) and not request.single_use:
                call.afresh = True
                outcome = _attempt(adapter, prepared, call)
        finally:
            self._calls.discard(call)
            call.hold(None)
        if isinstance(outcome, AuthorizationError):
            raise outcome
        return outcome

    def close(self) -> None:
        """Break off what is under way, and close every connection; nothing is sent any more."""
        self._closed = True
        for call in list(self._calls):
            call.break_off()
        for adapter in list(self._adapters.values()):
            adapter.close()

    def reset_after_fork(self) -> None:
        """Forget the parent's connections in a forked child, neither using nor closing them."""
        self._forgotten += [self._adapters, self._calls]
        self._adapters, self._calls = {}, set()

    def _adapter(self, request: TokenRequest, place: Address) -> _Adapter:
        """Return the adapter of a certificate; those of certificates that changed are closed."""
        context = None
        if place.scheme == "https":
            context = self._trust.context(request.certificate, place.endpoint)
        adapter = self._adapters.get(context)
        if adapter is None:
            adapter = self._adapters.setdefault(context, _Adapter(context))
            for other in [known for known in list(self._adapters) if not self._trust.holds(known)]:
                with suppress(KeyError):  # another thread was faster
                    self._adapters.pop(other).close()
        return adapter


class _Adapter(HTTPAdapter):
    """requests' adapter with connections that tell, over TLS that is set up already."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__(POOL_SIZE, POOL_SIZE, max_retries=0, pool_block=False)

    def init_poolmanager(self, connections: int, maxsize: int, *args: Any, **options: Any) -> None:
        """Keep connections of our kind."""
        super().init_poolmanager(connections, maxsize, *args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Keep connections of our kind behind a proxy too."""
        manager = super().proxy_manager_for(proxy, proxy_ssl_context=self._context, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def build_connection_pool_key_attributes(self, *args: Any, **options: Any) -> Any:
        """Take connections of our TLS context, which holds roots and client certificate."""
        place, _ = super().build_connection_pool_key_attributes(*args, **options)
        return place, {"ssl_context": self._context}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the verification to the TLS context."""


def _prepared(request: TokenRequest, place: Address) -> PreparedRequest:
    prepared = PreparedRequest()
    prepared.method, prepared.url, prepared.body = request.method, place.url, request.body
    fields: Any = HTTPHeaderDict(header_fields(request, place))  # where a field may repeat
    prepared.headers = fields
    prepared.prepare_content_length(prepared.body)
    return prepared


def _attempt(
    adapter: _Adapter, prepared: PreparedRequest, call: Call
) -> TokenResponse | AuthorizationError:
    """Return the answer or the failure: an error raised here would drag a chain along."""
    current.set(call)
    try:
        with adapter.send(
            prepared,
            stream=True,
            timeout=(
                call.limit(call.profile.connect_timeout),
                call.limit(call.profile.read_timeout),
            ),
            verify=True,
            cert=None,
            proxies={"https": call.proxy.url} if call.proxy else {},
        ) as answer:
            call.header_read()
            body = Body(answer.status_code)
            for chunk in answer.raw.stream(decode_content=False):
                body.add(chunk)
        return body.response(answer.headers)
    except Exception as error:  # noqa: BLE001 - no library's exception may leave as it is
        return call.failure(error)
