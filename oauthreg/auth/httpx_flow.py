"""The one flow behind `oauthreg.auth.httpx` and `oauthreg.auth.httpx2`; imports neither library.

A client runs it around the whole chain of redirects: it sees the first request and the last
answer, whose `request` is the last hop. That hop is what a 401 was said to, so that hop is
replayed: a POST that led there by a 303 is not sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from oauthreg.auth.httpx_trip import HttpxTrip, has_callers_header
from oauthreg.auth.trip import Bearer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from oauthreg.registration import AsyncManager, AuthorizeOptions, Manager


class HttpxFlow:
    """Puts a registration's token on requests; a 401 renews it once and replays.

    A synchronous client takes an `AuthorizedClientManager`, an asynchronous one an
    `AsyncAuthorizedClientManager`. One object serves any number of clients, threads and loops.
    A request that has an Authorization header already is left alone.

    Args:
        manager: The manager.
        registration_id: The registration.
        **options: Those of `authorize`.
    """

    byte_stream: type[Any]

    def __init__(
        self,
        manager: Manager | AsyncManager,
        registration_id: str,
        **options: Unpack[AuthorizeOptions],
    ) -> None:
        self._bearer = Bearer(manager, registration_id, options)

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Send a request of a synchronous client; called by the client.

        Raises:
            TypeError: the manager is an asynchronous one.
            UrlNotAllowedError: the token may not go to an address.
            AuthorizationError: there is no token.
        """
        if has_callers_header(request):
            yield request
            return
        trip = HttpxTrip(self._bearer, self._bearer.authorize(), request, self.byte_stream)
        trip.watch(_followed(trip.depart, request.extensions.get("trace")))
        response = yield request
        if trip.was_refused(response) and trip.can_replay and self._bearer.renew(trip):
            trip.was_refused((yield trip.replay()))

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Send a request of an asynchronous client; otherwise as `sync_auth_flow`."""
        if has_callers_header(request):
            yield request
            return
        client = await self._bearer.authorize_async()
        trip = HttpxTrip(self._bearer, client, request, self.byte_stream)
        trip.watch(_followed_async(trip.depart, request.extensions.get("trace")))
        response = yield request
        refused = trip.was_refused(response)
        if refused and trip.can_replay and await self._bearer.renew_async(trip):
            trip.was_refused((yield trip.replay()))


def _followed(first: Callable[..., object], then: Callable[..., object] | None) -> Any:
    def trace(event: str, info: Any) -> None:
        first(event, info)
        if then is not None:
            then(event, info)

    return trace


def _followed_async(first: Callable[..., object], then: Callable[..., Any] | None) -> Any:
    async def trace(event: str, info: Any) -> None:
        first(event, info)
        if then is not None:
            await then(event, info)

    return trace
