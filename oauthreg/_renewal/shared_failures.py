"""Failures that a server reported, shared through the store: a wait, a refused credential.

Connection failures and plain server errors stay each process's own: they may be its own network's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oauthreg._renewal.backoff import PERMANENT
from oauthreg._renewal.store_rules import client_of
from oauthreg._secret_values import Secret
from oauthreg._shared.entries import FailureRecord
from oauthreg._shared.shared_store import Stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._errors import TokenEndpointError
    from oauthreg._flow import Flow
    from oauthreg._renewal.engine_state import EngineState
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.flight import Procedure
    from oauthreg._renewal.store_access import StoreAccess
    from oauthreg._shared.names import Names
    from oauthreg._shared.shared_store import View


MOST_CLIENTS = 1024


class SharedFailures:
    """The failures in one store.

    Args:
        access: The store.
        state: Clocks and randomness.
    """

    def __init__(self, access: StoreAccess, state: EngineState) -> None:
        self._access = access
        self._state = state
        self._sent: dict[tuple[str, str], str] = {}

    def check_wait(self, name: str, view: View) -> None:
        """Raise what an endpoint asked its callers to wait for, if that has not passed.

        Raises:
            TokenEndpointError: it answered 429 or 503 with Retry-After to another process.
        """
        record, left = self.left(name, view)
        if record is not None and left > 0:
            raise record.error(retry_after=left, retryable=True, backing_off=True)

    def left(self, name: str, view: View) -> tuple[FailureRecord | None, float]:
        """Return a failure, and the seconds for which it still counts."""
        found = view.entries.get(name)
        record = found.content if isinstance(found, Stored) else None
        if not isinstance(record, FailureRecord):
            return None, 0.0
        return record, record.left(view.clock.at_earliest(self._state.clocks.monotonic()))

    def note_wait(self, fetch: TokenFetch, name: str, error: TokenEndpointError) -> Procedure[None]:
        """Tell other processes how long the endpoint asked everybody to wait."""
        if error.retry_after is not None and not error.backing_off:
            yield from self.save(fetch, name, error, error.retry_after)

    def refusals(self, fetch: TokenFetch, names: Names, known: Mapping[str, View]) -> Refusals:
        """Return the refused credentials of a fetch's client.

        Args:
            fetch: The fetch.
            names: Makes the names of their records.
            known: What was loaded of some of these names.
        """
        return Refusals(self, self._access, self._state, fetch, names, known)

    def last_sent(self, fetch: TokenFetch) -> str | None:
        """Return the name of the credential that the fetch's client sent last."""
        return self._sent.get(client_of(fetch))

    def note_sent(self, fetch: TokenFetch, name: str) -> None:
        """Note which credential is sent: it is probably the next one, too."""
        if len(self._sent) >= MOST_CLIENTS:
            self._sent.clear()
        self._sent[client_of(fetch)] = name

    def save(
        self, fetch: TokenFetch, name: str, error: TokenEndpointError, seconds: float
    ) -> Flow[None]:
        """Save a failure that counts for so many seconds."""
        store, monotonic = self._access.store, self._state.clocks.monotonic

        def save() -> bool:
            now = store.load([]).clock.at_latest(monotonic()).time
            store.save_failure(name, FailureRecord.of(error, now, now + seconds))
            return True

        yield from self._access.call(fetch, "save", save, self._access.budget())


@dataclass(frozen=True, slots=True)
class Refusals:
    """The refused credentials of one client, by a fingerprint of what was sent."""

    failures: SharedFailures
    access: StoreAccess
    state: EngineState
    fetch: TokenFetch
    names: Names
    known: Mapping[str, View]

    def check(self, credential: object) -> Flow[None]:
        """Raise the refusal of a credential, if another process got it a moment ago.

        Raises:
            TokenEndpointError: the server refused it.
        """
        name = self._name(credential)
        if name is None:
            return
        self.failures.note_sent(self.fetch, name)
        store, view = self.access.store, self.known.get(name)
        if view is None:
            view = yield from self.access.call(
                self.fetch, "load", lambda: store.load([name]), self.access.budget()
            )
        record, left = self.failures.left(name, view) if view is not None else (None, 0.0)
        if record is not None and left > 0:
            raise record.error(backing_off=True)

    def note(self, credential: object, error: TokenEndpointError) -> Flow[None]:
        """Tell other processes that the server refused a credential."""
        name = self._name(credential)
        if name is not None:
            seconds = PERMANENT.interval(1, self.state.clocks.random())
            yield from self.failures.save(self.fetch, name, error, seconds)

    def _name(self, credential: object) -> str | None:
        if not isinstance(credential, Secret):
            return None
        return self.names.refused(*client_of(self.fetch), credential.get_secret_value())
