"""Calls of the store as steps: each has a deadline, and one that failed is left alone a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from oauthreg._errors import SecretUnavailableError
from oauthreg._flow import Pause, StoreCall
from oauthreg._protocol.text import clean
from oauthreg._renewal.backoff import Schedule
from oauthreg._renewal.fetches import labels
from oauthreg._renewal.flight import FROZEN
from oauthreg._renewal.health import READY, unwell
from oauthreg.events import StoreAnswered, StoreFailed
from oauthreg.stores import StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._flow import Flow
    from oauthreg._renewal.clocks import Clocks
    from oauthreg._renewal.fetches import Fetch
    from oauthreg._reports import Health
    from oauthreg._shared.shared_store import SharedStore
    from oauthreg.events import Event

T = TypeVar("T")
STORE_BACKOFF = Schedule(1.0, 30.0, 30.0)
BUSY_PAUSE, LONGEST_BUSY_PAUSE = 0.005, 0.1
RETRY_PAUSE = 0.05


class StoreAccess:
    """One store, as flights call it.

    Args:
        store: The store.
        timeout: Seconds that the calls of one flight before its request may take together.
        clocks: Time and randomness.
        publish: Is told of failures.

    Attributes:
        store: The store.
        timeout: Seconds, as above.
        failure: Why the last call failed; None if it did not.
    """

    def __init__(
        self,
        store: SharedStore,
        timeout: float,
        clocks: Clocks,
        publish: Callable[[Event], None],
    ) -> None:
        self.store = store
        self.failure: str | None = None
        self.timeout = timeout
        self._clocks = clocks
        self._publish = publish
        self._failures = 0
        self._failing_since = 0.0
        self._until = self._needed_from = self._probing_until = float("-inf")

    @property
    def is_free(self) -> bool:
        """Whether a flight may call the store now, as `available`, without taking a turn."""
        return self._is_free_from(self._until)

    @property
    def retry_after(self) -> float:
        """Seconds until a store that failed is tried again; 0 if it is in use."""
        return max(self._until - self._clocks.monotonic(), 0.0) if self._failures else 0.0

    def health(self) -> Health:
        """Whether it is in use; while it is not, every process fetches for itself."""
        failure, since = self.failure, self._failing_since
        return READY if failure is None else unwell(failure, since, "degraded")

    def unavailable(self) -> SecretUnavailableError:
        """Return the error of who cannot go on without the store."""
        return SecretUnavailableError(
            f"the store with its tokens is not available: {self.failure or 'it failed just now'}",
            local=True,
            retry_after=max(self._soonest - self._clocks.monotonic(), 0.0) or None,
        )

    def budget(self) -> float:
        """Return the monotonic time at which the calls that begin now have to be done."""
        return self._clocks.monotonic() + self.timeout

    def available(self, *, needed: bool = False) -> bool:
        """Whether a flight may call the store now: one at a time after a failure.

        Args:
            needed: Whether the flight cannot go on without it: it waits a second at most.
        """
        if not self._is_free_from(self._soonest if needed else self._until):
            return False
        if self._failures:
            self._probing_until = self._clocks.monotonic() + self.timeout
        return True

    def call(
        self, fetch: Fetch, operation: str, work: Callable[[], T], until: float
    ) -> Flow[T | None]:
        """Call the store; None if it failed, which is noted and published.

        A call that fails is made once more. If this process stood still meanwhile, that is no
        failure of the store, and the time begins anew.

        Args:
            fetch: What it is about, for the event.
            operation: What it is, for the event.
            work: The call.
            until: The monotonic time at which it has to be done.
        """
        again, busy = True, BUSY_PAUSE
        while True:
            left = until - self._clocks.monotonic()
            if left <= -FROZEN:
                until, left = self.budget(), self.timeout
            if left <= 0:
                self._failed(fetch, operation, f"no answer within {self.timeout:g} s")
                return None
            begun = self._clocks.monotonic()
            answer = yield StoreCall(work, left)
            error = answer.error
            reason = _reason(error) if error is not None else None
            took = self._clocks.monotonic() - begun
            self._publish(
                StoreAnswered(operation=operation, reason=reason, seconds=took, **labels(fetch))
            )
            if error is None:
                self._failures, self.failure = 0, None
                value: T = answer.value
                return value
            if self.store.closed:
                return None
            pause, busy = busy, min(2 * busy, LONGEST_BUSY_PAUSE)
            if took > left + FROZEN:
                continue
            if not isinstance(error, StoreBusyError):
                if not again:
                    self._failed(fetch, operation, _reason(error))
                    return None
                again, pause = False, RETRY_PAUSE
            yield Pause(min(pause * (0.5 + self._clocks.random()), left))

    @property
    def _soonest(self) -> float:
        return min(self._until, self._needed_from)

    def _is_free_from(self, until: float) -> bool:
        now = self._clocks.monotonic()
        return not self._failures or now >= max(until, self._probing_until)

    def _failed(self, fetch: Fetch, operation: str, reason: str) -> None:
        now = self._clocks.monotonic()
        self._needed_from = now + STORE_BACKOFF.interval(1, self._clocks.random())
        self._probing_until = float("-inf")
        if self._failures and now < self._until:
            return  # of a flight that was using it already, or needs it: no further failure
        if not self._failures:
            self._failing_since = self._clocks.wall()
        self._failures += 1
        wait = STORE_BACKOFF.interval(self._failures, self._clocks.random())
        self._until = now + wait
        self.failure = reason
        self._publish(
            StoreFailed(operation=operation, reason=reason, retry_after=wait, **labels(fetch))
        )


def _reason(error: Exception) -> str:
    return clean(str(error)) if isinstance(error, StoreError) else type(error).__name__
