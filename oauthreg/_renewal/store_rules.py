"""Which tokens are shared through a store, and how long a flight holds its lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oauthreg._renewal.fetches import TokenFetch

LEASE_MARGIN = 5.0
"""Seconds that a lease lasts longer than its flight: it is never renewed."""


def lease_seconds(total_timeout: float) -> float:
    """Return how long a flight's lease lasts."""
    return total_timeout + min(LEASE_MARGIN, total_timeout)


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
