"""The one flow behind `oauthreg.auth.httpx` and `oauthreg.auth.httpx2`; imports neither library.

A client runs it around the whole chain of redirects: it sees the first request and the last
answer, whose `request` is the last hop. That hop is what a 401 was said to, so that hop is
replayed: a POST that led there by a 303 is not sent again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, NoReturn, Unpack

from oauthreg._registration import (
    AsyncManager,
    AuthorizedClient,
    AuthorizeOptions,
    Manager,
)
from oauthreg.auth._authorized_request import (
    RetryBudget,
    TokenSupplier,
    refuse_foreign_request,
)
from oauthreg.auth._httpx_authorized_request import (
    AsyncHopListener,
    HopListener,
    HttpxAuthorizedRequest,
    has_callers_header,
)
from oauthreg.auth._httpx_token_headers import TokenHeaders


class HttpxFlow:
    """Puts a registration's token on requests; a 401 renews it once and retries.

    A 401 that asks for a DPoP nonce is retried once with it. A synchronous client takes an
    `AuthorizedClientManager`, an asynchronous one an `AsyncAuthorizedClientManager`. One object
    serves any number of clients, threads and loops. A request that has the token's header already
    (Authorization, unless the provider has another) is left alone.

    The hops of a redirect are known from the `trace` extension, which the library's own transports
    honour. Behind one that reports nothing (`MockTransport`, `ASGITransport`, `WSGITransport`, one
    of your own) redirects are the library's alone: `urls` is not asked about them, a header that is
    not Authorization goes with the first request only, and with DPoP every hop carries the proof
    of the first request, which an API refuses. Follow redirects by
    hand there: each request that is sent by itself is judged, and has its own proof.

    Args:
        manager: The manager.
        registration_id: The registration.
        **options: Those of `authorize`.
    """

    byte_stream: type[Any]
    token_headers: type[TokenHeaders]

    def __init__(
        self,
        manager: Manager | AsyncManager,
        registration_id: str,
        **options: Unpack[AuthorizeOptions],
    ) -> None:
        self._supplier = TokenSupplier(manager, registration_id, options)

    @property
    def supplier(self) -> TokenSupplier:
        """What gets it its tokens."""
        return self._supplier

    def __call__(self, request: object) -> NoReturn:
        """Refuse a request of requests, or of the other of httpx and httpx2; called by those.

        Raises:
            TypeError: always.
        """
        refuse_foreign_request(self.byte_stream.__module__.partition(".")[0], request)

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Send a request of a synchronous client; called by the client.

        Raises:
            TypeError: the manager is an asynchronous one.
            UrlNotAllowedError: the token may not go to an address.
            AuthorizationError: there is no token.
        """
        if has_callers_header(request, self._supplier.token_header):
            yield request
            return
        self._supplier.check(asynchronous=False)
        client = self._supplier.authorize()
        authorized = self._authorized(client, request)
        authorized.listen_to_hops(HopListener)
        budget = RetryBudget(self._supplier, authorized)
        response = yield request
        while budget.allows(authorized.answer(response)):
            response = yield authorized.replay()

    def _authorized(self, client: AuthorizedClient, request: Any) -> HttpxAuthorizedRequest:
        kinds = self.byte_stream, self.token_headers
        return HttpxAuthorizedRequest(self._supplier, client, request, *kinds)

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Send a request of an asynchronous client; otherwise as `sync_auth_flow`."""
        if has_callers_header(request, self._supplier.token_header):
            yield request
            return
        self._supplier.check(asynchronous=True)
        client = await self._supplier.authorize()
        authorized = self._authorized(client, request)
        authorized.listen_to_hops(AsyncHopListener)
        budget = RetryBudget(self._supplier, authorized)
        response = yield request
        while await budget.allows_async(authorized.answer(response)):
            response = yield authorized.replay()
