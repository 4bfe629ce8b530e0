"""The adapter for requests.

```python
session = requests.Session()
session.auth = Auth(manager, "my-client")
session.get("https://api.example.com/v1/users")
```
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from requests import PreparedRequest
from requests.auth import AuthBase
from requests.utils import rewind_body

from oauthreg.auth.trip import AUTHORIZATION, Bearer, Trip

if TYPE_CHECKING:
    from requests import Response

    from oauthreg.registration import AuthorizeOptions, Manager


class Auth(AuthBase):
    """Puts a registration's token on requests; a 401 renews it once and replays.

    Thread-safe: one object serves any number of sessions and threads. A request that has an
    Authorization header already is left alone.

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
        self._bearer = Bearer(manager, registration_id, options)
        self._bearer.check(asynchronous=False)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Put the token on a request that is being prepared; called by requests.

        Raises:
            UrlNotAllowedError: the token may not go to its address.
            AuthorizationError: there is no token.
        """
        if AUTHORIZATION in r.headers:
            return r
        trip = Trip(self._bearer, self._bearer.authorize(), r.url or "")
        r.headers[AUTHORIZATION] = trip.authorization
        r.hooks["response"].append(partial(self._answered, trip))
        return _travelling(r, trip, judged=True)

    def _answered(self, trip: Trip, response: Response, **sending: Any) -> Response:
        """Answer a 401, on whichever hop it came; requests calls this for every response."""
        request = response.request
        refused = trip.refused(
            response.status_code,
            response.headers.get("WWW-Authenticate", ""),
            request.headers.get(AUTHORIZATION),
        )
        if not refused or not _is_replayable(request) or not self._bearer.renew(trip):
            return response
        response.content  # noqa: B018 - reads it to its end, which frees the connection
        response.close()
        if request.body is not None and not isinstance(request.body, bytes | str):
            rewind_body(request)
        request.headers[AUTHORIZATION] = trip.authorization
        again: Response = response.connection.send(request, **sending)
        again.history.append(response)
        trip.refused(
            again.status_code,
            again.headers.get("WWW-Authenticate", ""),
            request.headers[AUTHORIZATION],
        )
        return again


class _TravellingRequest(PreparedRequest):
    """A request that judges anew where its token may go once a redirect has led it elsewhere.

    requests asks an auth object about the first request only. It follows a redirect with a copy
    of that request, keeping or stripping the Authorization header by a rule of its own that
    knows no `urls`. But a session reads the `hooks` of every request right before it sends it,
    and of one that is not followed (`allow_redirects=False`) only if the caller sends it: there
    the copy is judged. Should a session not read them, requests' own rule remains.
    """

    trip: Trip
    judged: bool

    @property
    def hooks(self) -> dict[str, list[Any]]:
        """The hooks of the request, which is in order to be sent now."""
        if not self.judged:
            self._judge()
        hooks: dict[str, list[Any]] = self.__dict__["hooks"]
        return hooks

    @hooks.setter
    def hooks(self, value: dict[str, list[Any]]) -> None:
        self.__dict__["hooks"] = value

    def copy(self) -> PreparedRequest:
        """Return a copy that is judged before it is sent."""
        return _travelling(super().copy(), self.trip, judged=False)

    def _judge(self) -> None:
        if not self.trip.may_carry(self.url or ""):
            self.headers.pop(AUTHORIZATION, None)
        elif self.trip.follows_list:
            self.headers.setdefault(AUTHORIZATION, self.trip.authorization)
        self.judged = True


def _travelling(request: PreparedRequest, trip: Trip, *, judged: bool) -> PreparedRequest:
    request.__dict__.update(trip=trip, judged=judged)
    request.__class__ = _TravellingRequest
    return request


def _is_replayable(request: PreparedRequest) -> bool:
    """Whether the body can be sent again; requests notes where a file stood before it was sent."""
    body = request.body
    if body is None or isinstance(body, bytes | str):
        return True
    return hasattr(body, "seek") and isinstance(request._body_position, int)  # noqa: SLF001 - read by `rewind_body`
