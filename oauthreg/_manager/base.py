"""What both managers are besides their settings: the engine, and the policy of every method."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import weakref
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from oauthreg._discovery import discover
from oauthreg._errors import (
    AuthorizationError,
    WaitTimedOutError,
)
from oauthreg._grants.table import GRANTS
from oauthreg._manager.hot_calls import Call, spot_for
from oauthreg._manager.options import (
    checked_id,
    login_required,
    needs_principal,
    read_options,
)
from oauthreg._manager.registry import Configured
from oauthreg._renewal.acquire import acquire
from oauthreg._renewal.engine import too_late
from oauthreg._renewal.orders import MetadataOrder, TokenOrder
from oauthreg._renewal.preparation import Surroundings
from oauthreg._renewal.slots import Spot
from oauthreg._sources.tree import canonical
from oauthreg._token_key import request_principal, token_key
from oauthreg._tokens import RefreshToken
from oauthreg.events import Served, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._flow import Flow
    from oauthreg._registration import AuthorizedClient, ClientRegistration
    from oauthreg._renewal.engine import Ruling
    from oauthreg._renewal.slots import Flight
    from oauthreg._secret_values import Secret, TokenOf
    from oauthreg._settings.load import ResolvedRegistration

PATIENCE = 1.0
WARM_UP_LANES = 8
GRACE = 0.25


class BaseManager(Configured):
    """Shared by both managers; not for use by itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _managers.add(self)

    def reject(self, registration_id: str, token_value: str) -> None:
        """Say that an API refused this token, so that the next `authorize` renews it.

        At most once per token, however many callers say so. When fresh tokens are refused too,
        renewals are spaced: one second, doubling to a minute, until five quiet minutes.
        """
        self._engine.reject(checked_id(registration_id), token_value)

    def status(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the state of every registration's own token, without any token.

        Each has `state` (`fresh`, `stale`, `rejected`, `none`), `seconds_left` by the server's
        expiry, `renewing`, and while a failure is waited out its `error` and `retry_after`.
        """
        return {
            id_: self._engine.state(self._plain_order(entry))
            for id_, entry in self._configuration.entries.items()
        }

    def _plain_order(self, entry: ResolvedRegistration) -> TokenOrder:
        registration = entry.registration
        order = self._plain.get(registration.registration_id)
        if order is None or order.registration is not registration:
            order = self._order(entry, registration, registration.principal)
            self._plain[registration.registration_id] = order
        return order

    def _order(
        self,
        entry: ResolvedRegistration,
        registration: ClientRegistration,
        principal: str | None,
        **tokens: Secret | TokenOf | None,
    ) -> TokenOrder:
        key = token_key(
            registration,
            fingerprint_key=self._fingerprint_key,
            key_of=self._key_of,
            principal=request_principal(registration, entry.plugin, principal),
            **tokens,
        )
        return TokenOrder(
            key=key, registration=registration, plugin=entry.plugin, principal=principal, **tokens
        )

    def _key_of(self, registration_id: str) -> str:
        """Return the token key of a registration; of an unknown one, its id."""
        entry = self._configuration.entries.get(canonical(registration_id))
        return registration_id if entry is None else self._plain_order(entry).key

    def _call(self, registration_id: str, options: Mapping[str, Any]) -> Call:
        """Read one call of `authorize`.

        Raises:
            TypeError: an option of this name does not exist, or its value is of a wrong kind.
            UnknownRegistrationError: there is no registration of this id.
            LoginRequiredError: the grant is a user's, and nobody is named or logged in.
            ManagerClosedError: the manager is closed.
        """
        self._check_open()
        hot, hot_calls = self._hot, self._hot_calls  # before the entry: see _renew_tables
        entry = self._entry(registration_id)
        registration = entry.registration
        call = read_options(registration, options)
        principal = call.principal
        replaced = registration.registration_id in self._overrides
        if principal is None and needs_principal(registration) and not replaced:
            raise login_required(registration, None)
        if not options:
            order = self._plain_order(entry)
            spot: Spot | None = Spot(hot, registration_id)
        else:
            order = self._order(
                entry,
                call.registration,
                principal,
                subject_token=call.subject_token,
                actor_token=call.actor_token,
            )
            spot = spot_for(hot_calls, registration_id, options)
        needs_login = GRANTS[registration.authorization_grant_type].login and not replaced
        if needs_login and not self._engine.knows(order):
            raise login_required(registration, principal)
        timeout = call.timeout
        return Call(
            order=order,
            spot=spot if self._listener is None else None,
            min_ttl=call.min_ttl,
            force=call.force,
            timeout=registration.http.total_timeout + PATIENCE if timeout is None else timeout,
        )

    def _overridden(self, order: TokenOrder) -> AuthorizedClient:
        """Return a client with the token that `override` put in the real one's place."""
        return order.client(order.fixed(self._overrides[order.name], self._clocks.now()))

    def _flow(self, flight: Flight) -> Flow[Any]:
        """Return the flow that brings what a flight is for."""
        order = flight.order
        if isinstance(order, MetadataOrder):
            return discover(
                order.details.issuer_uri,
                order.details.endpoints.get("metadata-uri"),
                provider=order.provider,
                now=self._wall(),
            )
        around = replace(
            self._around(order),
            waited=lambda: flight.waited,
            remembered=flight.remembered,
            refused=flight.refused,
        )
        return acquire(order, around)

    def _around(self, order: TokenOrder) -> Surroundings:
        refresh_token, spent = self._engine.refresh_tokens(order)
        return Surroundings(
            wall=self._wall,
            random=self._clocks.random,
            waited=lambda: False,
            refresh_token=refresh_token,
            spent=spent,
        )

    def _landed(self, flight: Flight, result: Any) -> None:
        """Settle a flight with what its flow returned."""
        now = self._clocks.now()
        rotated = getattr(result, "refresh_token", None)
        if rotated:  # the one before is used up, even if this access token is of no use
            issued_at = datetime.fromtimestamp(flight.started.wall, UTC)
            token = RefreshToken(token_value=rotated, issued_at=issued_at)
            self._engine.keep_refresh_token(flight.order, token)
        try:
            held, events = flight.order.hold(
                result, flight.started, now, spread=self._clocks.random()
            )
        except AuthorizationError as error:
            self._engine.fail(flight, error)
            return
        self._engine.land(flight, held)
        for event in events:
            tell(event, self._listener)

    def _served(self, order: TokenOrder, ruling: Ruling) -> AuthorizedClient:
        if self._listener is not None and ruling.held is not None and not ruling.waited:
            stale = ruling.held.older_than(ruling.held.stale_after, self._clocks.now())
            tell(Served(registration_id=order.name, stale=stale), self._listener)
        client: AuthorizedClient = ruling.client
        return client

    def _metadata_order(self, flight: Flight) -> MetadataOrder:
        registration = flight.order.registration
        return MetadataOrder(details=registration.provider, http=registration.http)

    def _give_up(self, order: TokenOrder | MetadataOrder, seconds: float) -> NoReturn:
        raise WaitTimedOutError(
            f"no token within {seconds:g} s; its request goes on",
            registration_id=order.name,
            provider=order.provider,
        )

    def _remaining(self, flight: Flight) -> float:
        """Return the seconds that a flight has left.

        Raises:
            TimedOutError: none.
        """
        left = flight.deadline - self._monotonic()
        if left <= 0:
            raise too_late(flight)
        return left

    def _eager(self) -> tuple[str, ...]:
        entries = self._configuration.entries
        return tuple(id_ for id_, entry in entries.items() if entry.registration.eager)

    def _begin_close(self) -> bool:
        """Mark the manager closed; False if it was already."""
        with self._lock:
            was, self._closed = self._closed, True
        if not was:
            self._hot.clear()
            self._hot_calls.clear()
            self._engine.close()
        return not was

    def _close_at_exit(self) -> None:
        self._begin_close()

    def _reset_after_fork(self) -> None:
        self._lock = threading.RLock()
        self._engine.reset_after_fork()


_managers: weakref.WeakSet[BaseManager] = weakref.WeakSet()


def _after_fork() -> None:
    for manager in list(_managers):
        manager._reset_after_fork()  # noqa: SLF001 - this module's own class


with contextlib.suppress(AttributeError):  # no fork on Windows
    os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def _at_exit() -> None:
    for manager in list(_managers):
        manager._close_at_exit()  # noqa: SLF001 - this module's own class
