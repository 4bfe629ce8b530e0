"""Sending with requests: its adapter, and no Session.

A Session lets the environment in: `.netrc` replaces an Authorization header, `http_proxy` takes
loopback requests, one client's cookies go with another's. The adapter is the part below it.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict

from oauthreg._errors import AuthorizationError
from oauthreg._transports import address, proxy
from oauthreg._transports.connections import Call, Connection, Pool, TlsPool, current
from oauthreg._transports.failures import failure
from oauthreg._transports.idle import ConnectionKey, IdleConnections
from oauthreg._transports.message import Body, header_fields
from oauthreg._transports.trust import Trust

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from oauthreg._addresses import Address
    from oauthreg._flow import TokenRequest, TokenResponse
    from oauthreg._registration import HttpProfile

POOLS = {"http": Pool, "https": TlsPool}


class RequestsTransport:
    """Sends token requests over kept-alive connections, from any number of threads.

    A forked child has connections of its own, and leaves its parent's alone.

    Args:
        profile: Time limits, proxy, trusted roots and the number of connections.
    """

    def __init__(self, profile: HttpProfile) -> None:
        self._profile = profile
        self._by_pid: dict[int, _Process] = {}
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
        place = address.parse(request.url, link_local=request.link_local)
        via = proxy.choose(self._profile, place)
        call = Call(self._profile, place, via, within, single_use=request.single_use)
        prepared = _prepared(request, place)
        process = self._process()
        process.calls.add(call)
        try:
            call.closed = self._closed
            outcome = process.send(request, prepared, call)
        finally:
            process.calls.discard(call)
            call.uses(None)
        if isinstance(outcome, AuthorizationError):
            raise outcome
        return outcome

    def close(self) -> None:
        """Break off requests in progress and close every connection; nothing is sent any more."""
        self._closed = True
        self._process().close()

    def _process(self) -> _Process:
        """Return what belongs to this process, also after a fork that ran no hook of Python."""
        pid = os.getpid()
        return self._by_pid.get(pid) or self._by_pid.setdefault(pid, _Process(self._profile))


class _Process:
    """The connections of one process, and its requests in progress."""

    def __init__(self, profile: HttpProfile) -> None:
        self.calls: set[Call] = set()
        self._trust = Trust(profile)
        self._idle = IdleConnections[Connection](profile.max_connections)
        self._free = threading.Semaphore(profile.max_connections)
        self._adapters: dict[ssl.SSLContext | None, _Adapter] = {}
        weakref.finalize(self, _close_here, os.getpid(), self._idle)

    def send(
        self, request: TokenRequest, prepared: PreparedRequest, call: Call
    ) -> TokenResponse | AuthorizationError:
        """Return the answer or the failure: an error raised here would drag a chain along."""
        token = current.set(call)
        try:
            with self._one_of_the_connections(call):
                adapter = self._adapter(request, call)
                outcome = _attempt(adapter, prepared, call)
                if call.may_repeat(outcome) and not request.single_use:
                    call.afresh = True
                    call.connecting()
                    outcome = _attempt(adapter, prepared, call)
                return outcome
        except Exception as error:  # noqa: BLE001 - no library's exception may leave as it is
            return failure(call, error)
        finally:
            current.reset(token)

    def close(self) -> None:
        calls = list(self.calls)
        for call in calls:
            call.break_off()
        self._free.release(len(calls) or 1)  # to wake those that wait for a connection
        self._idle.close()

    @contextmanager
    def _one_of_the_connections(self, call: Call) -> Iterator[None]:
        """Wait until fewer requests are in progress than there may be connections."""
        if not self._free.acquire(blocking=False):
            call.waiting()
            if not self._free.acquire(timeout=call.limit()):
                raise TimeoutError
        try:
            with self._idle.one_in_use():
                yield
        finally:
            self._free.release()

    def _adapter(self, request: TokenRequest, call: Call) -> _Adapter:
        """Return the adapter of a certificate; connections of one that changed are closed."""
        place, context = call.address, None
        if place.scheme == "https":
            context = self._trust.context(request.certificate, place.endpoint)
        call.idle = self._idle
        call.key = ConnectionKey(place.scheme, place.host, place.port, call.proxy, context)
        adapter = self._adapters.get(context)
        if adapter is None:
            adapter = self._adapters.setdefault(context, _Adapter(context))
            for other in list(self._adapters):
                if not self._trust.is_current(other):
                    self._adapters.pop(other, None)
            self._idle.close_where(lambda key: not self._trust.is_current(key.context))
        return adapter


def _close_here(pid: int, idle: IdleConnections[Connection]) -> None:
    """Close the connections of a transport that was dropped, but not a parent's in its child."""
    if os.getpid() == pid:
        idle.close()


class _Adapter(HTTPAdapter):
    """requests' adapter with connections of our kind, over TLS that is set up already."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__(pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, *args: Any, **options: Any) -> None:
        """Use connections of our kind."""
        super().init_poolmanager(connections, maxsize, *args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Use connections of our kind behind a proxy too."""
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
    return prepared


def _attempt(
    adapter: _Adapter, prepared: PreparedRequest, call: Call
) -> TokenResponse | AuthorizationError:
    """Send once; return the answer or the failure."""
    try:
        seconds = call.limit()
        with adapter.send(prepared, stream=True, timeout=seconds, proxies=_proxies(call)) as answer:
            call.header_read()
            body = Body(answer.status_code, answer.headers)
            for chunk in answer.raw.stream(decode_content=False):
                body.add(chunk)
        return body.response()
    except Exception as error:  # noqa: BLE001 - no library's exception may leave as it is
        return failure(call, error)


def _proxies(call: Call) -> dict[str, str]:
    return {"https": call.proxy.url} if call.proxy else {}
