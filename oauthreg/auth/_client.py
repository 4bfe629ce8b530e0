"""What the asynchronous `manager.client()` returns: an httpx2.AsyncClient of a registration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2

from oauthreg.auth import certificate
from oauthreg.auth._policy import absolute

if TYPE_CHECKING:
    from oauthreg._registration import ClientRegistration
    from oauthreg.auth.httpx2 import Auth

WITHOUT_PROXY = ("http://127.0.0.0/8", "http://[::1]", "http://localhost")


class AsyncClient(httpx2.AsyncClient):
    """A client whose paths are those of the provider's API, if that has an address."""

    def __init__(self, auth: Auth, **options: Any) -> None:
        super().__init__(auth=auth, **options)
        self._supplier = auth.supplier

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request; a path becomes an address of the API."""
        if request.url.is_relative_url:
            client = await self._supplier.authorize()
            request.url = httpx2.URL(absolute(str(request.url), client))
            request.headers["Host"] = request.url.netloc.decode("ascii")
        return await super().send(request, **options)


def authorized_client(registration: ClientRegistration, auth: Auth) -> httpx2.AsyncClient:
    """Return a client that shows the registration's certificate, and needs no proxy for loopback.

    A path is asked for below the address of the provider's API, if that is known.

    Args:
        registration: The registration.
        auth: Puts its token on requests.

    Raises:
        TlsError: the certificate cannot be read.
    """
    context = certificate.shown_by(httpx2.create_ssl_context(), registration)
    mounts = dict.fromkeys(WITHOUT_PROXY)  # in the clear a proxy would read the token
    return AsyncClient(auth=auth, verify=context, mounts=mounts)
