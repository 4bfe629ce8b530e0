"""Looks into the store: under which names a fetch's records stand, and what stands there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from oauthreg._flow import ReadSecret
from oauthreg._renewal.store_rules import client_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._renewal.engine_state import EngineState
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.flight import Procedure
    from oauthreg._renewal.shared_failures import SharedFailures
    from oauthreg._renewal.shared_login import SharedLogin
    from oauthreg._renewal.store_access import StoreAccess
    from oauthreg._secret_values import Secret
    from oauthreg._shared.names import Names
    from oauthreg._shared.shared_store import Taken, View

RECENT = 0.1
"""Seconds for which other records than that of the lease are not loaded again."""


@dataclass(frozen=True, slots=True)
class Place:
    """The names under which a fetch's records stand.

    Attributes:
        names: Makes them.
        token: Of the access token.
        wait: Of the wait that the endpoint asked for.
        login: Of the login or the chain of refresh tokens, if the fetch uses one.
        refused: Of the refusal of the credential that is probably sent.
    """

    names: Names
    token: str
    wait: str
    login: str | None
    refused: str | None

    @property
    def lease(self) -> str:
        """Return the name of the lease that guards the fetch's request."""
        return self.login or self.token

    @property
    def all(self) -> list[str]:
        """Return the names of all its records."""
        found = (self.token, self.wait, self.login, self.refused)
        return [name for name in found if name is not None]


class Look(NamedTuple):
    """Where a fetch's records stand, and what stands there."""

    place: Place
    view: View


class StoreLooks:
    """How the flights of one manager look into its store.

    Args:
        access: The store.
        state: Clocks.
        logins: Is told of refresh tokens from the settings.
        failures: Knows which credential a client sent last.
        key_of: Gives the token key of a fetch, made with this fingerprint key.
    """

    def __init__(
        self,
        access: StoreAccess,
        state: EngineState,
        logins: SharedLogin,
        failures: SharedFailures,
        key_of: Callable[[TokenFetch, bytes], str],
    ) -> None:
        self._access = access
        self._state = state
        self._logins = logins
        self._failures = failures
        self._key_of = key_of

    def look(self, fetch: TokenFetch, until: float) -> Procedure[Look | None]:
        """Look for the first time, in one step; None if the store failed."""
        first: Secret | None = None
        if fetch.refresh_chain is not None and fetch.registration.refresh_token is not None:
            first = yield ReadSecret(fetch.registration.refresh_token, "refresh-token")
            self._logins.configure(fetch, first)
        store = self._access.store

        def look() -> Look:
            place = self._place(fetch, store.names(), first)
            return Look(place, store.load(place.all, lease=place.lease))

        return (yield from self._access.call(fetch, "load", look, until))

    def load(self, fetch: TokenFetch, place: Place, until: float) -> Procedure[Look | None]:
        """Look again; None if the store failed."""
        store = self._access.store
        return (
            yield from self._access.call(
                fetch,
                "load",
                lambda: Look(place, store.load(place.all, lease=place.lease)),
                until,
            )
        )

    def under_lease(self, fetch: TokenFetch, look: Look, lease: Taken) -> Procedure[View | None]:
        """Return what stands since this process has the lease; None if the store failed."""
        place, view = look
        age = self._state.clocks.monotonic() - view.clock.sent
        if lease.name == place.token and age < RECENT:
            return view.under(lease)
        again = yield from self.load(fetch, place, self._access.budget())
        return again.view if again is not None else None

    def _place(self, fetch: TokenFetch, names: Names, first: Secret | None) -> Place:
        """Return where a fetch's records stand; `first` is the settings' refresh token."""
        login = None
        if first is not None:
            login = names.chain(*client_of(fetch), first.get_secret_value())
        elif fetch.refresh_chain is not None:
            login = names.login(*client_of(fetch), fetch.principal or "")
        return Place(
            names,
            names.access_token(self._key_of(fetch, names.key)),
            names.wait(fetch.endpoint),
            login,
            self._failures.last_sent(fetch),
        )
