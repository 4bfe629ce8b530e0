"""What `manager.session()` returns: a requests.Session that is authorized by a registration."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from oauthreg.auth import certificate
from oauthreg.auth._policy import absolute, check_addresses, is_plain_loopback

if TYPE_CHECKING:
    from requests import PreparedRequest, Request, Response

    from oauthreg._registration import ClientRegistration
    from oauthreg.auth.requests import Auth


_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class AuthorizedSession(Session):
    """A session that shows the registration's certificate, and needs no proxy for loopback.

    A path is asked for below the address of the provider's API, if that is known.

    Args:
        registration: The registration.
        auth: Puts its token on requests.
    """

    def __init__(self, registration: ClientRegistration, auth: Auth) -> None:
        super().__init__()
        auth.needs_no_proxy = True
        self.auth = auth
        self._supplier = auth.supplier
        self.cert = certificate.files(registration)
        self.mount("http://", _PlainAdapter(registration))

    def prepare_request(self, request: Request) -> PreparedRequest:
        """Return a request that can be sent; a path becomes an address of the API."""
        if isinstance(request.url, str) and not _ABSOLUTE.match(request.url.lstrip()):
            request = copy.copy(request)
            request.url = absolute(request.url, self._supplier.authorize())
        return super().prepare_request(request)

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Send a request, in the clear without a proxy: that would read the token."""
        if is_plain_loopback(request.url or ""):
            kwargs["proxies"] = {}
        return super().send(request, **kwargs)


class _PlainAdapter(HTTPAdapter):
    """requests' adapter for plain http, whose connections to `localhost` end at loopback."""

    def __init__(self, registration: ClientRegistration) -> None:
        class Connection(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                if self.host == "localhost":
                    ip = self.sock.getpeername()[0]
                    check_addresses(registration, f"http://localhost:{self.port}", [ip])

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        self._pool = Pool
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Keep connections of our kind."""
        super().init_poolmanager(*args, **options)
        pools = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {**pools, "http": self._pool}
