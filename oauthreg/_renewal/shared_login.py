"""Logins, and chains of refresh tokens from the settings, in the store.

A refresh token works once. So its use is marked in the store before it is sent, under the lease,
and the next one is saved before the lease is given back. What becomes of it when a process ends in
between: sent without an answer, it may be sent once more; answered, it never is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from oauthreg._errors import (
    AuthorizationError,
    LoginRequiredError,
    SecretUnavailableError,
    TokenEndpointError,
)
from oauthreg._renewal.fetches import labels
from oauthreg._shared.entries import MOST_SENT, LoginEntry
from oauthreg._shared.shared_store import Stored, Unusable
from oauthreg._tokens import RefreshToken
from oauthreg.events import StoreMissed

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._flow import Granted
    from oauthreg._renewal.engine_state import EngineState
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.flight import Flight, Procedure
    from oauthreg._renewal.refresh_chain import RefreshChain
    from oauthreg._renewal.store_access import StoreAccess
    from oauthreg._renewal.token_records import TokenRecords
    from oauthreg._secret_values import Secret
    from oauthreg._shared.shared_store import View


class SharedLogin:
    """The logins of one store.

    Args:
        access: The store.
        state: Clocks.
        records: This process's own refresh chains.
    """

    def __init__(
        self,
        access: StoreAccess,
        state: EngineState,
        records: TokenRecords,
    ) -> None:
        self._access = access
        self._state = state
        self._records = records

    def refuse_without_store(self, fetch: TokenFetch) -> None:
        """Refuse to send a refresh token that was ever in the store without the lease.

        Raises:
            SecretUnavailableError: it may be in use by another process.
        """
        chain = self._records.refresh_chain(fetch)
        if chain is not None and chain.in_store:
            raise self._access.unavailable()

    def renew(
        self,
        flight: Flight,
        name: str,
        view: View | None,
        request: Callable[[], Procedure[Granted]],
    ) -> Procedure[Granted]:
        """Make a request with the login's refresh token, under its lease.

        Raises:
            LoginRequiredError: the user has to log in anew.
            AuthorizationError: the request failed, or the store did.
        """
        fetch: TokenFetch = flight.fetch
        chain = self._records.refresh_chain(fetch, keep=True)
        if chain is None or view is None:
            self.refuse_without_store(fetch)
            return (yield from request())
        before, after = self._entry(fetch, name, view), view.after(name)
        if after is None:
            raise SecretUnavailableError(
                "its login in the store was written by a newer version of oauthreg",
                retryable=False,
                hint="Upgrade oauthreg here too.",
            )
        self._take_over(fetch, chain, before)
        token = chain.usable()
        if token is None:
            return (yield from request())  # which says what is missing, or logs in by password
        sent = before.sent if before is not None else 0
        entry = LoginEntry(
            refresh_token=_as_refresh_token(chain, token.get_secret_value(), self._state),
            sent=sent + 1,
            used=self._now(view),
        )
        marked = yield from self._save(fetch, name, entry, after)
        if not marked:
            raise SecretUnavailableError("its login could not be marked as in use in the store")
        chain.in_store = True
        try:
            granted = yield from request()
        except AuthorizationError as error:
            yield from self._failed(fetch, name, entry, marked, error, sent=sent)
            raise
        value = granted.refresh_token or token.get_secret_value()
        renewed = LoginEntry(
            refresh_token=_as_refresh_token(chain, value, self._state), used=self._now(view)
        )
        yield from self._save(fetch, name, renewed, marked)
        return granted

    def log_in(self, fetch: TokenFetch, name: str, token: RefreshToken | None) -> Procedure[bool]:
        """Save a new login, whatever stands there; False if that failed."""
        until = self._access.budget()
        store = self._access.store
        while True:
            view = yield from self._access.call(fetch, "load", lambda: store.load([name]), until)
            after = view.after(name) if view is not None else None
            if view is None or after is None:
                return False
            entry = LoginEntry(refresh_token=token, used=self._now(view))
            if (yield from self._save(fetch, name, entry, after)):
                chain = self._records.refresh_chain(fetch, keep=True)
                if chain is not None:
                    chain.in_store = True
                return True

    def configure(self, fetch: TokenFetch, token: Secret) -> None:
        """Note the settings' refresh token: what stands in the store goes on from it."""
        chain = self._records.refresh_chain(fetch, keep=True)
        if chain is not None:
            chain.configure(token)

    def take_over(self, fetch: TokenFetch, name: str, view: View) -> None:
        """Use the login that stands in the store, if one does."""
        chain = self._records.refresh_chain(fetch, keep=True)
        if chain is not None:
            self._take_over(fetch, chain, self._entry(fetch, name, view))

    def _take_over(self, fetch: TokenFetch, chain: RefreshChain, entry: LoginEntry | None) -> None:
        """Have this process use the refresh token that stands in the store.

        Raises:
            LoginRequiredError: it was sent twice without an answer.
        """
        if entry is None:
            return
        chain.in_store = True
        if entry.refresh_token is None:
            chain.end()
            return
        if entry.sent >= MOST_SENT:
            raise LoginRequiredError(
                "its refresh token was sent twice without an answer, and is not sent again",
                registration_id=fetch.name,
                hint="Log in again.",
            )
        chain.token = entry.refresh_token

    def _failed(
        self,
        fetch: TokenFetch,
        name: str,
        entry: LoginEntry,
        marked: int,
        error: AuthorizationError,
        *,
        sent: int,
    ) -> Procedure[None]:
        """Note in the store what a failure says about the refresh token."""
        if getattr(error, "error", None) == "invalid_grant":
            ended = LoginEntry(refresh_token=None, used=entry.used)
            yield from self._save(fetch, name, ended, marked)
            if sent:
                raise LoginRequiredError(
                    "an earlier renewal ended after its refresh token was sent, and the server "
                    "takes it no more",
                    registration_id=fetch.name,
                    provider=fetch.provider,
                    hint="Log in again.",
                ) from None
            return
        answered = isinstance(error, TokenEndpointError)
        if answered or not getattr(error, "sent", True):
            unsent = LoginEntry(refresh_token=entry.refresh_token, sent=sent, used=entry.used)
            yield from self._save(fetch, name, unsent, marked)

    def _entry(self, fetch: TokenFetch, name: str, view: View) -> LoginEntry | None:
        found = view.entries.get(name)
        if isinstance(found, Unusable):
            self._state.publish(StoreMissed(reason=found.reason, **labels(fetch)))
            return None
        return (
            found.content
            if isinstance(found, Stored) and isinstance(found.content, LoginEntry)
            else None
        )

    def _save(self, fetch: TokenFetch, name: str, entry: LoginEntry, after: int) -> Procedure[int]:
        store = self._access.store
        saved = yield from self._access.call(
            fetch, "save", lambda: store.save(name, entry, after=after), self._access.budget()
        )
        return saved or 0

    def _now(self, view: View) -> float:
        return view.clock.at_latest(self._state.clocks.monotonic()).time


def _as_refresh_token(chain: RefreshChain, value: str, state: EngineState) -> RefreshToken:
    """Return a refresh token with the time at which it was received."""
    if chain.token is not None and chain.token.token_value == value:
        return chain.token
    return RefreshToken(
        token_value=value, issued_at=datetime.fromtimestamp(state.clocks.wall(), UTC)
    )
