"""Which tokens are shared through a store, and how long a flight holds its lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oauthreg._renewal.fetches import TokenFetch

NEXT_OWNER = 0.5
"""Seconds by which the end of a lease moves at least when another owner takes it."""
LEASE_MARGIN = 5.0
"""Seconds that a lease lasts longer than its flight: it is never renewed."""


def lease_seconds(total_timeout: float) -> float:
    """Return how long a flight's lease lasts."""
    return total_timeout + min(LEASE_MARGIN, total_timeout)


def client_of(fetch: TokenFetch) -> tuple[str, str]:
    """Return whom credentials and logins in the store belong to: the server and the client id."""
    registration = fetch.registration
    return registration.provider.issuer_uri or fetch.endpoint, registration.client_id


def is_shared(fetch: TokenFetch) -> bool:
    """Whether a fetch's token goes into the store.

    Tokens for a caller's own subject token do not, unless the settings say so; tokens bound to a
    key of this process never do.
    """
    registration = fetch.registration
    if registration.prover is not None and not registration.prover.lasting:
        return False
    if registration.shared is not None:
        return registration.shared
    return fetch.subject_token is None and fetch.actor_token is None


class LeaseWait:
    """What was seen of another process's lease: it lasts as long as a request, or is of no use."""

    def __init__(self) -> None:
        self._seen = self._end = float("-inf")

    def is_vain(self, now: float, left: float, longest: float) -> bool:
        """Whether a lease has been seen for longer than it may last.

        A later end than before is the lease of another owner.

        Args:
            now: Monotonic seconds.
            left: Seconds for which it is still taken.
            longest: Seconds that a lease lasts at most.
        """
        if now + left > self._end + NEXT_OWNER:
            self._seen, self._end = now, now + left
        return now - self._seen >= longest + 2 * NEXT_OWNER
