"""Logins, introspection and revocation: the same methods for both managers, side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from oauthreg import _login_flows as errands
from oauthreg._errors import AuthorizationError
from oauthreg._grants.authorization_code import AuthorizationRequest
from oauthreg._grants.callback import hidden
from oauthreg._grants.device_code import DeviceAuthorization
from oauthreg._grants.table import GRANTS
from oauthreg._manager.base import PATIENCE, BaseManager
from oauthreg._manager.options import checked_principal, login_required, needs_principal
from oauthreg._renewal.slots import Flight
from oauthreg._secret_values import Secret
from oauthreg.events import tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._flow import Flow, Granted
    from oauthreg._registration import AuthorizedClient
    from oauthreg._renewal.orders import TokenOrder

T = TypeVar("T")


class BaseErrands(BaseManager):
    """What both managers need for their errands."""

    def _token_order(
        self, registration_id: str, token_value: str | None, principal: str | None
    ) -> TokenOrder:
        """Return who asks about a token: for one that is not named, its user must be."""
        self._check_open()
        if principal is not None:
            checked_principal(principal)
        entry = self._entry(registration_id)
        if not token_value and principal is None and needs_principal(entry.registration):
            raise login_required(entry.registration, None)
        return self._order(entry, entry.registration, principal)

    def _login_order(
        self,
        registration_id: str,
        principal: str | None,
        redirect_uri: str | None = None,
        *,
        on_device: bool = False,
    ) -> tuple[TokenOrder, str]:
        """Return the order of a principal's tokens, and where a browser comes back to."""
        self._check_open()
        entry = self._entry(registration_id)
        registration = entry.registration
        grant = GRANTS[registration.authorization_grant_type]
        if grant.login != ("device" if on_device else "browser"):
            raise AuthorizationError(
                f"its grant is {grant.setting}, which begins with no such login",
                registration_id=registration.registration_id,
                hint="Set authorization-grant-type to "
                + ("device_code." if on_device else "authorization_code."),
            )
        where = redirect_uri or registration.redirect_uri or ""
        if not where and not on_device:
            raise AuthorizationError(
                "a login by the browser needs an address to come back to",
                registration_id=registration.registration_id,
                hint="Pass redirect_uri=, or set the registration's redirect-uri.",
            )
        return self._order(entry, registration, principal), where

    def _logged_in(self, order: TokenOrder, granted: Granted) -> AuthorizedClient:
        """Keep what a login granted, and return the client of it."""
        now = self._clocks.now()
        held, events = order.hold(granted, now, now, spread=self._clocks.random())
        self._engine.keep(order, held)
        for event in events:
            tell(event, self._listener)
        return order.client(held)

    def _device_time(self, device: DeviceAuthorization) -> float:
        return max(device.expires_at - self._wall(), 0.0) + PATIENCE

    def _revoked(self, order: TokenOrder, token_value: str | None) -> list[tuple[str, str | None]]:
        """Return the tokens to revoke with their type, the refresh token first."""
        if token_value:
            return [(token_value, None)]
        held, (refresh_token, _) = self._engine.held(order), self._engine.refresh_tokens(order)
        found = refresh_token()
        tokens: list[tuple[str, str | None]] = []
        if found is not None:
            tokens.append((found.get_secret_value(), "refresh_token"))
        if held is not None:
            tokens.append((held.value.token_value, "access_token"))
        return tokens

    def _errand(self, order: TokenOrder, seconds: float | None) -> Flight:
        """Return a flight of nobody else's, with a deadline of its own."""
        flight = Flight(order, self._clocks.now(), waited=True)
        if seconds is not None:
            flight.deadline = self._monotonic() + seconds
        return flight

    def _named(self, order: TokenOrder, error: AuthorizationError) -> AuthorizationError:
        return error.copy(registration_id=order.name, provider=order.provider)


class Errands(BaseErrands, ABC):
    """What the manager for threads does besides `authorize`."""

    @abstractmethod
    def _run(self, order: TokenOrder, flow: Flow[T], seconds: float | None = None) -> T:
        """Run a flow for its caller alone."""

    def authorization_request(
        self, registration_id: str, *, redirect_uri: str | None = None
    ) -> AuthorizationRequest:
        """Begin a login by the browser (RFC 6749 section 4.1, with PKCE and state).

        Send the browser to the result's `url`, and keep the result where only that browser's
        user has it, until `complete`.

        Args:
            registration_id: A registration with the grant authorization_code.
            redirect_uri: Where the browser comes back to, instead of the registration's.

        Raises:
            AuthorizationError: the login cannot begin.
        """
        order, where = self._login_order(registration_id, None, redirect_uri)
        return self._run(order, errands.authorization_request(order, self._around(order), where))

    def complete(
        self,
        registration_id: str,
        callback_url: str,
        *,
        request: AuthorizationRequest | Mapping[str, Any],
        principal: str,
    ) -> AuthorizedClient:
        """End a login: check the callback, get the tokens, and keep them for `principal`.

        Args:
            registration_id: As for `authorization_request`.
            callback_url: The whole address that the browser came back to.
            request: What `authorization_request` gave.
            principal: Who logged in; `authorize(..., principal=...)` serves them from now on.

        Raises:
            CallbackError: the callback does not belong to the request, or is an error.
            AuthorizationError: the tokens could not be had.
        """
        who = checked_principal(principal)
        began, callback = AuthorizationRequest.from_mapping(request), hidden(callback_url)
        order, _ = self._login_order(registration_id, who, began.redirect_uri)
        flow = errands.complete(order, self._around(order), began, callback)
        return self._logged_in(order, self._run(order, flow))

    def device_authorization(self, registration_id: str) -> DeviceAuthorization:
        """Begin a login on another device (RFC 8628): show the result's code and address.

        Raises:
            AuthorizationError: the login cannot begin.
        """
        order, _ = self._login_order(registration_id, None, on_device=True)
        return self._run(order, errands.device_authorization(order, self._around(order)))

    def poll(
        self,
        registration_id: str,
        device: DeviceAuthorization | Mapping[str, Any],
        *,
        principal: str,
    ) -> AuthorizedClient:
        """Wait until the user has logged in on the other device, and keep the tokens.

        Args:
            registration_id: As for `device_authorization`.
            device: What `device_authorization` gave.
            principal: Who logs in.

        Raises:
            AuthorizationError: the user refused, or the code ended.
        """
        who = checked_principal(principal)
        order, _ = self._login_order(registration_id, who, on_device=True)
        device = DeviceAuthorization.from_mapping(device)
        flow = errands.poll(order, self._around(order), device)
        return self._logged_in(order, self._run(order, flow, self._device_time(device)))

    def introspect(
        self,
        registration_id: str,
        token_value: str | None = None,
        *,
        principal: str | None = None,
    ) -> Mapping[str, Any]:
        """Ask the authorization server about a token (RFC 7662).

        Args:
            registration_id: Who asks.
            token_value: The token; without it, the registration's own.
            principal: Whose own token, for a grant of a user.

        Raises:
            AuthorizationError: there is no answer to be had.
        """
        order = self._token_order(registration_id, token_value, principal)
        value = token_value or self._authorized(order.name, principal)
        return self._run(order, errands.introspect(order, self._around(order), Secret(value)))

    def revoke(
        self,
        registration_id: str,
        token_value: str | None = None,
        *,
        principal: str | None = None,
    ) -> None:
        """Have the authorization server end a token (RFC 7009), and drop it here.

        Args:
            registration_id: Whose token it is.
            token_value: The token; without it, the one at hand, if there is one.
            principal: Whose token at hand, for a grant of a user.

        Raises:
            AuthorizationError: the server did not take it.
        """
        order = self._token_order(registration_id, token_value, principal)
        for value, hint in self._revoked(order, token_value):
            self._run(order, errands.revoke(order, self._around(order), Secret(value), hint))
            self._engine.forget_token(value)

    @abstractmethod
    def _authorized(self, registration_id: str, principal: str | None) -> str:
        """Return a live token value."""


class AsyncErrands(BaseErrands, ABC):
    """What the manager for asyncio does besides `authorize`."""

    @abstractmethod
    async def _run(self, order: TokenOrder, flow: Flow[T], seconds: float | None = None) -> T:
        """Run a flow for its caller alone."""

    async def authorization_request(
        self, registration_id: str, *, redirect_uri: str | None = None
    ) -> AuthorizationRequest:
        """Begin a login by the browser: see `AuthorizedClientManager.authorization_request`."""
        order, where = self._login_order(registration_id, None, redirect_uri)
        return await self._run(
            order, errands.authorization_request(order, self._around(order), where)
        )

    async def complete(
        self,
        registration_id: str,
        callback_url: str,
        *,
        request: AuthorizationRequest | Mapping[str, Any],
        principal: str,
    ) -> AuthorizedClient:
        """End a login: see `AuthorizedClientManager.complete`."""
        who = checked_principal(principal)
        began, callback = AuthorizationRequest.from_mapping(request), hidden(callback_url)
        order, _ = self._login_order(registration_id, who, began.redirect_uri)
        flow = errands.complete(order, self._around(order), began, callback)
        return self._logged_in(order, await self._run(order, flow))

    async def device_authorization(self, registration_id: str) -> DeviceAuthorization:
        """Begin a login on another device: see `AuthorizedClientManager.device_authorization`."""
        order, _ = self._login_order(registration_id, None, on_device=True)
        return await self._run(order, errands.device_authorization(order, self._around(order)))

    async def poll(
        self,
        registration_id: str,
        device: DeviceAuthorization | Mapping[str, Any],
        *,
        principal: str,
    ) -> AuthorizedClient:
        """Wait for a login on another device: see `AuthorizedClientManager.poll`."""
        who = checked_principal(principal)
        order, _ = self._login_order(registration_id, who, on_device=True)
        device = DeviceAuthorization.from_mapping(device)
        flow = errands.poll(order, self._around(order), device)
        return self._logged_in(order, await self._run(order, flow, self._device_time(device)))

    async def introspect(
        self,
        registration_id: str,
        token_value: str | None = None,
        *,
        principal: str | None = None,
    ) -> Mapping[str, Any]:
        """Ask about a token: see `AuthorizedClientManager.introspect`."""
        order = self._token_order(registration_id, token_value, principal)
        value = token_value or await self._authorized(order.name, principal)
        return await self._run(order, errands.introspect(order, self._around(order), Secret(value)))

    async def revoke(
        self,
        registration_id: str,
        token_value: str | None = None,
        *,
        principal: str | None = None,
    ) -> None:
        """End a token: see `AuthorizedClientManager.revoke`."""
        order = self._token_order(registration_id, token_value, principal)
        for value, hint in self._revoked(order, token_value):
            await self._run(order, errands.revoke(order, self._around(order), Secret(value), hint))
            self._engine.forget_token(value)

    @abstractmethod
    async def _authorized(self, registration_id: str, principal: str | None) -> str:
        """Return a live token value."""
