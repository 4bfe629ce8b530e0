"""What `manager.session()` returns: a requests.Session that is authorized by a registration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from oauthreg.auth import certificate
from oauthreg.auth._policy import check_addresses, is_plain_loopback

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from oauthreg._registration import ClientRegistration
    from oauthreg.auth.requests import Auth


class AuthorizedSession(Session):
    """A session that shows the registration's certificate, and needs no proxy for loopback.

    Args:
        registration: The registration.
        auth: Puts its token on requests.
    """

    def __init__(self, registration: ClientRegistration, auth: Auth) -> None:
        super().__init__()
        auth.needs_no_proxy = True
        self.auth = auth
        self.cert = certificate.files(registration)
        self.mount("http://", _PlainAdapter(registration))

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
