"""The adapter for requests.

```python
session = requests.Session()
session.auth = Auth(manager, "my-client")
session.get("https://api.example.com/v1/users")
```
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from requests import PreparedRequest, Response, Session
from requests.auth import AuthBase
from requests.utils import get_environ_proxies, get_netrc_auth, rewind_body, select_proxy

from oauthreg._addresses import origin_of
from oauthreg._registration import AuthorizeOptions, Manager
from oauthreg.auth._authorized_request import (
    DPOP,
    Answer,
    AuthorizedRequest,
    RetryBudget,
    TokenSupplier,
    refuse_foreign_request,
)
from oauthreg.auth._policy import check_addresses, is_plain_loopback, proxied

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Auth"]


class Auth(AuthBase):
    """Puts a registration's token on requests; a 401 renews it once and retries.

    A 401 that asks for a DPoP nonce is retried once with it. Thread-safe: one object serves any
    number of sessions and threads. A request that has the token's header already (Authorization,
    unless the provider has another) is left alone.

    A token for plain http on loopback is refused where the session, the call or the environment
    names a proxy for it; the environment's whether or not the session heeds it. An auth object
    sees no connections: it looks `localhost` up before requests does. `manager.session()` sends
    such requests without a proxy, and checks the connection itself.

    With DPoP, a session's `HTTPAdapter` should keep its `max_retries` of 0: urllib3 would send
    the same proof again, which an API may refuse.

    Args:
        manager: An `AuthorizedClientManager`.
        registration_id: The registration.
        **options: Those of `authorize`.

    Raises:
        TypeError: the manager is an asynchronous one.
    """

    def __init__(
        self, manager: Manager, registration_id: str, **options: Unpack[AuthorizeOptions]
    ) -> None:
        self._supplier = TokenSupplier(manager, registration_id, options)
        self._supplier.check(asynchronous=False)
        self.needs_no_proxy = False

    @property
    def supplier(self) -> TokenSupplier:
        """What gets it its tokens."""
        return self._supplier

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Put the token on a request that is being prepared; called by requests.

        Raises:
            UrlNotAllowedError: the token may not go to its address.
            AuthorizationError: there is no token.
            TypeError: it is a request of another library.
        """
        if not isinstance(r, PreparedRequest):
            refuse_foreign_request("requests", r)
        if self._supplier.token_header in r.headers:
            return r
        url = r.url or ""
        client = self._supplier.authorize()
        authorized = AuthorizedRequest(self._supplier, client, url)
        self.check_loopback(authorized, url)
        authorized.add_token(r.headers, r.method or "", url)
        r.hooks["response"].append(partial(self._answered, authorized))
        return _rechecked(r, self, authorized, is_checked=True)

    def check_loopback(self, authorized: AuthorizedRequest, url: str) -> None:
        """Check that plain http to loopback meets no proxy, and that `localhost` is loopback.

        Raises:
            UrlNotAllowedError: it does, or it is not.
        """
        if not is_plain_loopback(url):
            return
        registration = authorized.client.registration
        if not self.needs_no_proxy and select_proxy(url, get_environ_proxies(url)):
            raise proxied(registration, url)
        if not origin_of(url).must_resolve_to_loopback:
            return
        try:
            found = socket.getaddrinfo("localhost", None)
        except OSError:  # then requests reaches nobody either
            return
        check_addresses(registration, url, (entry[4][0] for entry in found))

    def check_proxies(self, request: _RecheckedRequest, proxies: Mapping[str, str]) -> None:
        """Check that a request for plain http on loopback is sent through no proxy.

        Raises:
            UrlNotAllowedError: it would be.
        """
        url, authorized = request.url or "", request.authorized
        ours = request.headers.get(authorized.token_header) == authorized.authorization
        if ours and is_plain_loopback(url) and select_proxy(url, proxies):
            raise proxied(authorized.client.registration, url)

    def _answered(self, authorized: AuthorizedRequest, response: Response, **how: Any) -> Response:
        """Answer a 401, on whichever hop it came; requests calls this for every response."""
        budget = RetryBudget(self._supplier, authorized)
        while budget.allows(_answer(authorized, response)):
            response = _sent_again(authorized, response, how)
        return response


class _RecheckedRequest(PreparedRequest):
    """A request that checks again, whenever it is sent, where its token may go.

    requests asks an auth object about the first request only. It follows a redirect with a copy
    of that request, keeping or stripping the Authorization header by a rule of its own that
    knows no `urls`, and copying all others, the proof too. But a session reads the `hooks` of every
    request right before it sends it, and of one that is not followed (`allow_redirects=False`)
    only if the caller sends it: there the request is checked, and gets a new proof. Should a
    session not read them, requests' own rule remains.
    """

    adapter: Auth
    authorized: AuthorizedRequest
    is_checked: bool

    @property
    def hooks(self) -> dict[str, list[Any]]:
        """The hooks of the request, which may be sent now, and once."""
        if not self.is_checked:
            self._recheck()
        self.is_checked = False
        self.adapter.check_proxies(self, _proxies(sys._getframe(1)))  # noqa: SLF001 - see there
        hooks: dict[str, list[Any]] = self.__dict__["hooks"]
        return hooks

    @hooks.setter
    def hooks(self, value: dict[str, list[Any]]) -> None:
        self.__dict__["hooks"] = value

    def copy(self) -> PreparedRequest:
        """Return a copy that is checked before it is sent."""
        return _rechecked(self._plain().copy(), self.adapter, self.authorized, is_checked=False)

    def prepare_auth(self, auth: Any, url: str = "") -> None:
        """Add credentials, but not those of `.netrc`, by which a redirect would lose the token."""
        if auth != get_netrc_auth(self.url or ""):
            super().prepare_auth(auth, url)

    def register_hook(self, event: str, hook: Any) -> None:
        """Register a hook; called while the request is being prepared."""
        plain: Any = self._plain()
        plain.register_hook(event, hook)

    def _plain(self) -> PreparedRequest:
        """The same request, whose hooks may be read without its being sent."""
        plain = PreparedRequest()
        plain.__dict__.update(self.__dict__)
        return plain

    def _recheck(self) -> None:
        authorized, url = self.authorized, self.url or ""
        if not authorized.may_send_token(url):
            authorized.remove_token(self.headers)
            return
        missing = authorized.authorization if authorized.has_urls else None
        shown = self.headers.get(authorized.token_header, missing)
        if shown == authorized.authorization:
            self.adapter.check_loopback(authorized, url)
            authorized.add_token(self.headers, self.method or "", url)
        elif self.headers.get(DPOP) == authorized.proof:
            self.headers.pop(DPOP, None)


def _proxies(frame: FrameType) -> Mapping[str, str]:
    """Return the proxies with which `Session.send` is about to send, if that is who asks.

    They are the session's own, the call's and the environment's together. requests tells them
    nobody but its transport adapter, and an auth object has no other way to see them.
    """
    here = frame.f_globals.get("__name__"), frame.f_code.co_name
    if here != (Session.__module__, "send"):  # not by identity: tracing libraries wrap the method
        return {}
    proxies: Mapping[str, str] = frame.f_locals["kwargs"].get("proxies") or {}
    return proxies


def _rechecked(
    request: PreparedRequest, adapter: Auth, authorized: AuthorizedRequest, *, is_checked: bool
) -> PreparedRequest:
    attributes = request.__dict__
    attributes["adapter"], attributes["authorized"] = adapter, authorized
    attributes["is_checked"] = is_checked
    request.__class__ = _RecheckedRequest
    return request


def _sent_again(authorized: AuthorizedRequest, response: Response, how: dict[str, Any]) -> Response:
    """Retry the request of an answer, which becomes the last of the history."""
    request = response.request
    response.content  # noqa: B018 - reads it to its end, which frees the connection
    response.close()
    if request.body is not None and not isinstance(request.body, bytes | str):
        rewind_body(request)
    authorized.add_token(request.headers, request.method or "", request.url or "")
    again: Response = response.connection.send(request, **how)
    again.history = [*response.history, response]
    return again


def _answer(authorized: AuthorizedRequest, response: Response) -> Answer:
    request = response.request
    return Answer(
        url=request.url or "",
        status=response.status_code,
        headers=response.headers,
        challenge=response.headers.get("WWW-Authenticate", ""),
        authorization=request.headers.get(authorized.token_header),
        replayable=_is_replayable(request),
    )


def _is_replayable(request: PreparedRequest) -> bool:
    """Whether the body can be sent again; requests notes where a file stood before it was sent."""
    body = request.body
    if body is None or isinstance(body, bytes | str):
        return True
    return hasattr(body, "seek") and isinstance(request._body_position, int)  # noqa: SLF001 - read by `rewind_body`
