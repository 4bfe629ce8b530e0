"""Logins, and chains of refresh tokens from the settings, in the store.

A refresh token works once. So its use is marked in the store before it is sent, under the lease,
and the next one is saved before the lease is given back. What becomes of it when a process ends in
between: sent without an answer, it may be sent once more; answered, it never is.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from oauthreg._errors import (
    AuthorizationError,
    LoginRequiredError,
    SecretUnavailableError,
    TokenEndpointError,
)
from oauthreg._flow import Pause
from oauthreg._grants.table import GRANTS
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

SAVED_AGAIN_AFTER = 0.1
"""Seconds, on average, until a save that failed is repeated."""


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
        """Refuse to send a refresh token that was, or may be, in the store without the lease.

        Raises:
            SecretUnavailableError: it may be in use by another process.
        """
        if self.needs_store(fetch):
            raise self._access.unavailable()

    def needs_store(self, fetch: TokenFetch) -> bool:
        """Whether a fetch would send a refresh token that may be in use by another process."""
        chain = self._records.refresh_chain(fetch)
        if chain is None:
            return False
        registration = fetch.registration
        first = registration.refresh_token is not None  # others may have used it up
        needs_login = GRANTS[registration.authorization_grant_type].login is not None
        return chain.in_store or first or (needs_login and chain.usable() is None)

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
            raise _of_a_newer_version(fetch, name, view)
        if chain.unsaved and chain.unsaved == after:
            before = None  # this process has the answer to what was sent
        self._take_over(fetch, chain, before)
        token = chain.usable()
        if token is None:
            return (yield from request())  # which says what is missing, or logs in by password
        before = before or LoginEntry(refresh_token=None, id=chain.login or new_id())
        chain.login, sent = before.id, before.sent
        entry = replace(
            before,
            refresh_token=_as_refresh_token(chain, token.get_secret_value(), self._state),
            sent=sent + 1,
            used=self._now(view),
        )
        marked = yield from self._insist(fetch, name, entry, after)
        if not marked:
            raise self._access.unavailable()
        chain.in_store, chain.unsaved = True, 0
        try:
            granted = yield from request()
        except AuthorizationError as error:
            yield from self._failed(fetch, name, entry, marked, error, sent=sent)
            raise
        flight.deadline += 2 * self._access.timeout  # the token is here: saving it takes a moment
        value = granted.refresh_token or token.get_secret_value()
        chain.token, chain.unsaved = _as_refresh_token(chain, value, self._state), marked
        renewed = replace(entry, refresh_token=chain.token, sent=0, used=self._now(view))
        if (yield from self._insist(fetch, name, renewed, marked)):
            chain.unsaved = 0
        return granted

    def is_unsaved(self, fetch: TokenFetch) -> bool:
        """Whether this process has a refresh token that could not be saved: the lease stays."""
        chain = self._records.refresh_chain(fetch)
        return chain is not None and chain.unsaved > 0

    def id_of(self, fetch: TokenFetch) -> str:
        """Return the id of the login in the store that a fetch's refresh tokens belong to."""
        chain = self._records.refresh_chain(fetch)
        return chain.login if chain is not None else ""

    def log_in(
        self, fetch: TokenFetch, name: str, token: RefreshToken | None, login: str
    ) -> Procedure[bool]:
        """Save a new login with this id, whatever stands there; False if that failed.

        Raises:
            SecretUnavailableError: a newer version of this package wrote what stands there.
        """
        until = self._access.budget()
        store = self._access.store
        while True:
            view = yield from self._access.call(fetch, "load", lambda: store.load([name]), until)
            after = view.after(name) if view is not None else None
            if view is None:
                return False
            if after is None:
                raise _of_a_newer_version(fetch, name, view)
            entry = LoginEntry(refresh_token=token, used=self._now(view), id=login)
            if (yield from self._save(fetch, name, entry, after)):
                chain = self._records.refresh_chain(fetch, keep=True)
                if chain is not None:
                    chain.in_store, chain.login = True, login
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
        chain.in_store, chain.login = True, entry.id
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
            ended = replace(entry, refresh_token=None, sent=0)
            yield from self._insist(fetch, name, ended, marked)
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
            unsent = replace(entry, sent=sent)
            yield from self._insist(fetch, name, unsent, marked)

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

    def _insist(
        self, fetch: TokenFetch, name: str, entry: LoginEntry, after: int
    ) -> Procedure[int]:
        """Save an entry, however often that fails within twice the store's timeout.

        A save whose answer was lost may have done its work, so each failure is followed by a look.

        Returns:
            What the next save is given as `after`; 0 if it was not saved.
        """
        store, clocks = self._access.store, self._state.clocks
        until = clocks.monotonic() + 2 * self._access.timeout
        while True:
            saved = yield from self._save(fetch, name, entry, after)
            if saved:
                return saved
            view = yield from self._access.call(fetch, "load", lambda: store.load([name]), until)
            if view is not None and view.after(name) != after:
                found = self._entry(fetch, name, view)
                return view.after(name) or 0 if found is not None and _same(found, entry) else 0
            if clocks.monotonic() >= until:
                return 0
            yield Pause(SAVED_AGAIN_AFTER * (0.5 + clocks.random()))

    def _save(self, fetch: TokenFetch, name: str, entry: LoginEntry, after: int) -> Procedure[int]:
        store = self._access.store
        saved = yield from self._access.call(
            fetch, "save", lambda: store.save(name, entry, after=after), self._access.budget()
        )
        return saved or 0

    def _now(self, view: View) -> float:
        return view.clock.at_latest(self._state.clocks.monotonic()).time


def _of_a_newer_version(fetch: TokenFetch, name: str, view: View) -> SecretUnavailableError:
    """Return the error of a login that this version must not replace."""
    found = view.entries[name]
    assert isinstance(found, Unusable)  # noqa: S101 - nothing else must not be replaced
    return SecretUnavailableError(
        "its login in the store was written by a newer version of oauthreg: " + found.reason,
        registration_id=fetch.name,
        provider=fetch.provider,
        retryable=False,
        hint="Upgrade oauthreg here too.",
    )


def new_id() -> str:
    """Return the id of a new login."""
    return uuid.uuid4().hex


def _same(one: LoginEntry, other: LoginEntry) -> bool:
    """Whether two entries were saved by one call."""
    tokens = [token and token.token_value for token in (one.refresh_token, other.refresh_token)]
    return tokens[0] == tokens[1] and (one.sent, one.used) == (other.sent, other.used)


def _as_refresh_token(chain: RefreshChain, value: str, state: EngineState) -> RefreshToken:
    """Return a refresh token with the time at which it was received."""
    if chain.token is not None and chain.token.token_value == value:
        return chain.token
    return RefreshToken(
        token_value=value, issued_at=datetime.fromtimestamp(state.clocks.wall(), UTC)
    )
