"""The adapter for aiohttp.

```python
token = middleware(manager, "my-client")
async with aiohttp.ClientSession(middlewares=[token]) as session:
    await session.get("https://api.example.com/v1/users")
```
"""

from __future__ import annotations

import asyncio
import logging
from typing import Unpack

from oauthreg._addresses import origin_of
from oauthreg._extras import needed
from oauthreg._registration import AsyncManager, AuthorizeOptions, ClientRegistration
from oauthreg.auth import _netrc
from oauthreg.auth._authorized_request import (
    AUTHORIZATION,
    Answer,
    AuthorizedRequest,
    RetryBudget,
    TokenSupplier,
)
from oauthreg.auth._policy import check_addresses, is_plain_loopback, proxied

with needed("aiohttp", by="oauthreg.auth.aiohttp"):
    from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse
    from aiohttp.connector import Connection

__all__ = ["middleware"]

logger = logging.getLogger("oauthreg")


def middleware(
    manager: AsyncManager, registration_id: str, **options: Unpack[AuthorizeOptions]
) -> ClientMiddlewareType:
    """Return a middleware that puts a registration's token on requests.

    A 401 renews the token once and retries the request; one that asks for a DPoP nonce is
    retried once with it. A request that has the token's header already (Authorization, unless
    the provider has another) is left alone.

    aiohttp asks a middleware about every hop of a redirect and does not say which came first.
    So, unless the registration has `urls`, the middleware is bound to the first origin that it
    serves; requests to any other go out without a token. For several, list them under `urls`,
    or make a middleware for each.

    Args:
        manager: An `AsyncAuthorizedClientManager`.
        registration_id: The registration.
        **options: Those of `authorize`.

    Raises:
        TypeError: the manager is a synchronous one.
    """
    supplier = TokenSupplier(manager, registration_id, options)
    supplier.check(asynchronous=True)
    bound_to: dict[str, str] = {}

    async def send_authorized(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if AUTHORIZATION in request.headers and await _is_of_netrc(request):
            del request.headers[AUTHORIZATION]
        if supplier.token_header in request.headers:
            bound_to.setdefault("origin", str(request.url.origin()))
            return await handler(request)
        client = await supplier.authorize()
        authorized = AuthorizedRequest(supplier, client, str(request.url), bound_to.get("origin"))
        bound = bound_to.setdefault("origin", str(request.url.origin()))
        if not authorized.sends_token:
            asked = request.url.origin()
            logger.info("%s: no token for %s, bound to %s", registration_id, asked, bound)
            return await handler(request)
        if is_plain_loopback(str(request.url)):
            _check_loopback(client.registration, request)
        try:
            return await _sent(supplier, authorized, request, handler)
        finally:  # so that an outer middleware may send it anew, and no error shows the token
            authorized.remove_token(request.headers)

    return send_authorized


async def _sent(
    supplier: TokenSupplier,
    authorized: AuthorizedRequest,
    request: ClientRequest,
    handler: ClientHandlerType,
) -> ClientResponse:
    """Send one hop, and again with what it lacks if it is refused."""
    budget = RetryBudget(supplier, authorized)
    response = await _sent_once(authorized, request, handler)
    while await budget.allows_async(_answer(authorized, request, response)):
        response.release()
        await request.close()  # its body's writer has to be done before the body is rewound
        response = await _sent_once(authorized, request, handler)
    return response


async def _sent_once(
    authorized: AuthorizedRequest, request: ClientRequest, handler: ClientHandlerType
) -> ClientResponse:
    authorized.add_token(request.headers, request.method, str(request.url))
    return await handler(request)


def _check_loopback(registration: ClientRegistration, request: ClientRequest) -> None:
    """Check that plain http meets no proxy, and when it is connected, that `localhost` is loopback.

    Raises:
        UrlNotAllowedError: it would go through a proxy.
    """
    url = str(request.url)
    if request.proxy is not None:
        raise proxied(registration, url)
    if not origin_of(url).must_resolve_to_loopback:
        return
    send = request.send

    async def send_checked(conn: Connection) -> ClientResponse:
        peer = conn.transport and conn.transport.get_extra_info("peername", ("unknown",))
        if isinstance(peer, tuple):  # and no local socket, which has a path
            check_addresses(registration, url, peer[:1])
        return await send(conn)

    request.send = send_checked  # type: ignore[method-assign]  # of this request only


async def _is_of_netrc(request: ClientRequest) -> bool:
    """Whether the header is what a session with `trust_env` found in `.netrc`, no caller's."""
    if not request.session.trust_env or request.url.host is None:
        return False
    found = await asyncio.to_thread(_netrc.authorization, request.url.host)
    return request.headers[AUTHORIZATION] == found


def _answer(
    authorized: AuthorizedRequest, request: ClientRequest, response: ClientResponse
) -> Answer:
    return Answer(
        url=str(request.url),
        status=response.status,
        headers=response.headers,
        challenge=", ".join(response.headers.getall("WWW-Authenticate", ())),
        authorization=authorized.authorization,
        replayable=not getattr(request.body, "consumed", False),
    )
