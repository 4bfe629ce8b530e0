"""What every adapter is made of.

An adapter has one `Bearer`, and makes a `Trip` for each request of its caller:

```python
trip = Trip(bearer, bearer.authorize(), url)  # UrlNotAllowedError: nothing was sent yet
...  # send, with trip.authorization
if trip.refused(status, challenge, authorization) and bearer.renew(trip):
    ...  # send once more, with the new trip.authorization
```
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, cast

from oauthreg.auth.policy import may_carry, refuses_token
from oauthreg.errors import AuthorizationError

if TYPE_CHECKING:
    from oauthreg.registration import AsyncManager, AuthorizedClient, AuthorizeOptions, Manager

AUTHORIZATION = "Authorization"


class Bearer:
    """Whose token an adapter puts on requests: a manager, a registration, the call's options."""

    def __init__(
        self,
        manager: Manager | AsyncManager,
        registration_id: str,
        options: AuthorizeOptions,
    ) -> None:
        self._manager = manager
        self._registration_id = registration_id
        self._options = options
        self._is_async = inspect.iscoroutinefunction(manager.authorize)

    def authorize(self) -> AuthorizedClient:
        """Return an authorized client.

        Raises:
            TypeError: the manager is an asynchronous one.
        """
        self.check(asynchronous=False)
        manager = cast("Manager", self._manager)
        return manager.authorize(self._registration_id, **self._options)

    async def authorize_async(self) -> AuthorizedClient:
        """Return an authorized client; otherwise as `authorize`."""
        self.check(asynchronous=True)
        manager = cast("AsyncManager", self._manager)
        return await manager.authorize(self._registration_id, **self._options)

    def check(self, *, asynchronous: bool) -> None:
        """Refuse a manager of the other kind, which would block the loop or never be awaited.

        Raises:
            TypeError: it is of the other kind.
        """
        if asynchronous != self._is_async:
            needed = "AsyncAuthorizedClientManager" if asynchronous else "AuthorizedClientManager"
            kind = "an asynchronous" if asynchronous else "a synchronous"
            raise TypeError(
                f"{kind} HTTP client needs an {needed}, not {type(self._manager).__name__}"
            )

    def reject(self, client: AuthorizedClient) -> None:
        """Say that an API refused this client's token."""
        self._manager.reject(self._registration_id, client.access_token.token_value)

    def renew(self, trip: Trip) -> bool:
        """Get another token for a refused one; False leaves the API's 401 to the caller."""
        try:
            return trip.take(self.authorize())
        except AuthorizationError:
            return False

    async def renew_async(self, trip: Trip) -> bool:
        """Get another token; otherwise as `renew`."""
        try:
            return trip.take(await self.authorize_async())
        except AuthorizationError:
            return False


class Trip:
    """One request of the caller's on its way, with its redirects and its replay.

    Attributes:
        client: The authorized client whose token is on it.
        home: An address of the origin that the token may not leave, if there are no `urls`.
        carries: Whether the token goes to the address that the trip begins with.
    """

    __slots__ = ("_bearer", "carries", "client", "home")

    def __init__(
        self, bearer: Bearer, client: AuthorizedClient, url: str, home: str | None = None
    ) -> None:
        """Set out for an address, which is its own home if no other is named.

        Raises:
            UrlNotAllowedError: the token may not go there.
        """
        self._bearer = bearer
        self.client = client
        self.home = home or url
        self.carries = self.may_carry(url)

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return self.client.authorization

    @property
    def follows_list(self) -> bool:
        """Whether `urls` says where the token may go."""
        return bool(self.client.registration.urls)

    def may_carry(self, url: str) -> bool:
        """Whether the token goes along to this address, the first one or a redirect's.

        Raises:
            UrlNotAllowedError: nothing at all may be sent there.
        """
        return may_carry(self.client.registration, url, self.home)

    def refused(self, status: int, challenge: str, authorization: str | None) -> bool:
        """Take note of an answer; True if it refused this very token.

        Args:
            status: The HTTP status.
            challenge: The `WWW-Authenticate` header.
            authorization: The Authorization header that the answered request carried.
        """
        refused = authorization == self.authorization and refuses_token(status, challenge)
        if refused:
            self._bearer.reject(self.client)
        return refused

    def take(self, client: AuthorizedClient) -> bool:
        """Go on with this client; False if its token is the one that was refused."""
        before, self.client = self.client, client
        return client.access_token.token_value != before.access_token.token_value
