"""The store of one manager: opened, replaced at a reload, told of marks at the end, closed."""

from __future__ import annotations

import contextlib
import logging
import time
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING

from oauthreg._errors import UnknownRegistrationError
from oauthreg._flow import Pause, ReadSecret, StoreCall, run
from oauthreg._manager.answers import read_secret, store_answer
from oauthreg._manager.workers import Workers
from oauthreg._token_key import request_principal, token_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._manager.flights import Flights
    from oauthreg._manager.registry import RegistrationRegistry
    from oauthreg._renewal.engine import Engine
    from oauthreg._renewal.engine_state import EngineState
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.flight import ManagerStep
    from oauthreg._renewal.sharing import Sharing
    from oauthreg._renewal.token_records import TokenRecords
    from oauthreg._reports import StoreStatus
    from oauthreg._settings.load import ResolvedRegistration
    from oauthreg._settings.store import ConfiguredStore

STORE_THREADS = 4
MARKS_SECONDS = 1.0
logger = logging.getLogger("oauthreg")


class StoreUse:
    """How one manager uses the store that its settings name, if they name one.

    Args:
        registry: The registrations, and the store's settings.
        state: Cache and clocks.
        engine: Settles flights.
        records: Keeps refresh tokens.
        flights: Are told of the store.
        fetch: Gives the fetch of a registration's own token.

    Attributes:
        workers: Threads for calls of the store, a few.
    """

    def __init__(  # noqa: PLR0917 - the parts of a core
        self,
        registry: RegistrationRegistry,
        state: EngineState,
        engine: Engine,
        records: TokenRecords,
        flights: Flights,
        fetch: Callable[[ResolvedRegistration], TokenFetch],
    ) -> None:
        self.workers = Workers(STORE_THREADS)
        self._registry = registry
        self._state = state
        self._engine = engine
        self._records = records
        self._flights = flights
        self._fetch = fetch
        self._configured: ConfiguredStore | None = None
        self._told: set[str] = set()

    def open(self) -> None:
        """Use the store that the configuration names, if it names one."""
        configured = self._registry.store
        if configured == self._configured:
            return
        before, self._configured = self._flights.sharing, configured
        self._flights.sharing = None
        if configured is not None:
            self._flights.sharing = self._sharing(configured)
            self._tell_bound()
        sharing = self._flights.sharing
        self._state.may_look = (
            (lambda fetch: self._flights.shared_by(fetch) is sharing and sharing.access.is_free)
            if sharing is not None
            else (lambda _fetch: False)
        )
        if before is not None:
            before.access.store.close()

    def _tell_bound(self) -> None:
        """Say once whose tokens stay in this process, since they are bound to a key of its own."""
        for resolved in self._registry.resolved():
            one = resolved.registration
            if one.prover is None or one.prover.lasting or one.shared is False:
                continue
            if one.registration_id not in self._told:
                self._told.add(one.registration_id)
                logger.warning(
                    "%s: its tokens are not shared: each process has a DPoP key of its own; "
                    "set dpop-key-file to share one, or shared = false",
                    one.registration_id,
                )

    def state(self) -> StoreStatus | None:
        """Return what is known of the store; None if the settings name none."""
        sharing, configured = self._flights.sharing, self._configured
        if sharing is None or configured is None:
            return None
        access = sharing.access
        return {
            "type": configured.config.type,
            "failure": access.failure,
            "retry_after": access.retry_after,
        }

    def _sharing(self, configured: ConfiguredStore) -> Sharing:
        from oauthreg._renewal.sharing import Sharing  # noqa: PLC0415 - it loads cryptography
        from oauthreg._renewal.store_access import StoreAccess  # noqa: PLC0415 - likewise

        access = StoreAccess(
            configured.open(), configured.config.timeout, self._state.clocks, self._state.publish
        )
        return Sharing(access, self._state, self._engine, self._records, self._shared_key)

    def _shared_key(self, fetch: TokenFetch, fingerprint_key: bytes) -> str:
        """Return a fetch's token key as all processes of the store make it."""

        def key_of(registration_id: str) -> str:
            try:
                resolved = self._registry.find(registration_id)
            except UnknownRegistrationError:
                return registration_id
            return self._shared_key(self._fetch(resolved), fingerprint_key)

        return token_key(
            fetch.registration,
            fingerprint_key=fingerprint_key,
            key_of=key_of,
            principal=request_principal(fetch.registration, fetch.plugin, fetch.principal),
            subject_token=fetch.subject_token,
            actor_token=fetch.actor_token,
        )

    def save_marks(self) -> None:
        """Tell the store which tokens must not be used, within a second. It blocks."""
        sharing = self._flights.sharing
        if sharing is None or self._state.closed:
            return
        until = self._state.clocks.monotonic() + MARKS_SECONDS
        marked = [
            entry for entry in list(self._state.cache.entries.values()) if entry.unsaved_marks
        ]
        unsaved = [e for e in marked if not run(sharing.save_marks(e.fetch, until), self._block)]
        if unsaved:
            logger.warning(
                "%d rejected tokens could not be told to the store before the end", len(unsaved)
            )

    def close(self) -> None:
        """Close the store."""
        self.workers.close()
        if self._flights.sharing is not None:
            self._flights.sharing.access.store.close()

    def _block(self, step: ManagerStep) -> object:
        """Perform the steps of saving marks, in this thread."""
        match step:
            case StoreCall(work, seconds):
                done = self.workers.call(work)
                with contextlib.suppress(FutureTimeout):
                    done.exception(seconds)
                return store_answer(done, seconds)
            case ReadSecret():
                return read_secret(step)
            case Pause(seconds):
                time.sleep(seconds)
        return None
