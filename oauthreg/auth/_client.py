"""What the asynchronous `manager.client()` returns: an httpx2.AsyncClient of a registration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from oauthreg.auth import certificate

if TYPE_CHECKING:
    from oauthreg._registration import ClientRegistration
    from oauthreg.auth.httpx2 import Auth

WITHOUT_PROXY = ("http://127.0.0.0/8", "http://[::1]", "http://localhost")


def authorized_client(registration: ClientRegistration, auth: Auth) -> httpx2.AsyncClient:
    """Return a client that shows the registration's certificate, and needs no proxy for loopback.

    Args:
        registration: The registration.
        auth: Puts its token on requests.

    Raises:
        TlsError: the certificate cannot be read.
    """
    context = certificate.shown_by(httpx2.create_ssl_context(), registration)
    mounts = dict.fromkeys(WITHOUT_PROXY)  # in the clear a proxy would read the token
    return httpx2.AsyncClient(auth=auth, verify=context, mounts=mounts)
