"""What is done with cached tokens besides serving them: logins, rejections, dropping, status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg._renewal.backoff import FORGOTTEN_AFTER
from oauthreg._renewal.cache_entry import CacheEntry
from oauthreg._renewal.fetches import labels, token_digest
from oauthreg._renewal.health import READY, unwell
from oauthreg._secret_values import Secret
from oauthreg.events import RefreshTokenNotKept, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthreg._renewal.cache_entry import CachedValue
    from oauthreg._renewal.engine_state import EngineState
    from oauthreg._renewal.fetches import Fetch
    from oauthreg._renewal.refresh_chain import RefreshChain
    from oauthreg._reports import Health, RegistrationStatus
    from oauthreg._tokens import RefreshToken


class TokenRecords:
    """The tokens of one manager, as logins, rejections and revocations see them.

    Args:
        state: Shared with the engine.
    """

    def __init__(self, state: EngineState) -> None:
        self._state = state

    def log_in(self, fetch: Fetch, cached: CachedValue) -> None:
        """Keep what a login granted; earlier failures of this login are forgotten."""
        with self._state.locked() as effects:
            now = self._state.clocks.now()
            entry = self._state.cache.entry(fetch, now)
            if entry.flight is not None:  # of the login before: it may not land over this one
                effects.settled.append((entry.flight, cached))
                effects.leave.append(entry.flight)
                entry.flight = None
            entry.evict(self._state.hot)
            self._state.cache.put(entry, cached)
            if fetch.refresh_chain is not None:
                chain = self._state.cache.chain(fetch.refresh_chain, now)
                chain.token = cached.refresh_token
                self._state.cache.keep_chain(fetch.refresh_chain, chain, now)
            self._state.backoffs.succeeded(
                fetch.failure_scopes, now.monotonic, launched=cached.started.monotonic
            )

    def refresh_chain(self, fetch: Fetch, *, keep: bool = False) -> RefreshChain | None:
        """Return the refresh tokens of a fetch; `keep` if their first one is in the settings."""
        if fetch.refresh_chain is None:
            return None
        now = self._state.clocks.now()
        with self._state.locked():
            chain = self._state.cache.chain(fetch.refresh_chain, now)
            if keep:
                self._state.cache.keep_chain(fetch.refresh_chain, chain, now)
            return chain

    def keep_refresh_token(
        self, fetch: Fetch, token: RefreshToken, *, stored: bool = False
    ) -> None:
        """Keep the refresh token of an answer, even if the access token beside it is unusable.

        Args:
            fetch: What was fetched.
            token: The refresh token.
            stored: Whether it is kept in a store, too, and so outlives this process.
        """
        if fetch.refresh_chain is None:
            return
        with self._state.locked() as effects:
            now = self._state.clocks.now()
            chain = self._state.cache.chain(fetch.refresh_chain, now)
            self._state.cache.keep_chain(fetch.refresh_chain, chain, now)
            if chain.rotate(token) and not stored and not chain.warned:
                chain.warned = True
                effects.events.append(RefreshTokenNotKept(**labels(fetch)))

    def current_tokens(self, fetch: Fetch) -> list[tuple[Secret, str | None]]:
        """Return the tokens in use with their type (RFC 7009), the refresh token first."""
        now = self._state.clocks.now()
        chain = self.refresh_chain(fetch)
        token = chain.usable() if chain is not None else None
        with self._state.locked():
            entry = self._state.cache.entries.get(fetch.key)
            cached = entry.valid(now) if entry is not None else None
        tokens: list[tuple[Secret, str | None]] = []
        if token is not None:
            tokens.append((token, "refresh_token"))
        if cached is not None:
            tokens.append((Secret(cached.value.token_value), "access_token"))
        return tokens

    def reject(self, registration_id: str, token_value: str) -> None:
        """Mark a token as rejected by an API, if it is still in use."""
        digest = token_digest(token_value)
        with self._state.locked() as effects:
            now = self._state.clocks.now()
            for entry in self._state.cache.with_token(digest):
                cached = entry.cached
                if cached is None or registration_id not in entry.names:
                    continue
                if cached.age(now) < entry.fetch.settling:
                    continue
                rejections = entry.reject(now.monotonic, self._state.clocks.random)
                if rejections is None or cached.renew_from is None:
                    continue
                entry.evict(self._state.hot)
                entry.unsaved_marks.append((Secret(token_value), True))
                effects.events.append(
                    Rejected(
                        **{**labels(entry.fetch), "registration_id": registration_id},
                        rejections=rejections,
                        retry_after=cached.renew_from - now.monotonic,
                        audience=entry.audience,
                        scopes=cached.value.scopes,
                    )
                )

    def forget(self, registration_id: str) -> None:
        """Drop a registration's access tokens; its logins stay, flights go on for who waits."""
        now = self._state.clocks.now().monotonic
        with self._state.locked():
            for entry in self._state.cache.of_registration(registration_id):
                entry.evict(self._state.hot)
                entry.drop_value(now)
                self._state.cache.clear(entry)
                self._state.cache.sweep_at(entry, now + FORGOTTEN_AFTER)

    def disown(self, registration_ids: Iterable[str]) -> None:
        """Drop access tokens that only these registrations use: others that share one keep it."""
        with self._state.locked():
            for entry in self._state.cache.disown(registration_ids):
                entry.evict(self._state.hot)

    def forget_token(self, token: Secret) -> None:
        """Drop a token wherever it is in use: an access token, or a login's refresh token."""
        value, now = token.get_secret_value(), self._state.clocks.now().monotonic
        with self._state.locked():
            for entry in self._state.cache.with_token(token_digest(value)):
                entry.evict(self._state.hot)
                entry.drop_value(now)
                self._state.cache.clear(entry)
            chains = list(self._state.cache.chains.values())
        for chain in chains:
            if chain.usable() == token:
                chain.refuse(token)

    def health(self, fetch: Fetch) -> Health:
        """Describe one registration, by the fetch of its own token, for `health()`."""
        now = self._state.clocks.now()
        with self._state.locked():
            cache = self._state.cache
            failing, entry = cache.health.failing(fetch.name, now), cache.entries.get(fetch.key)
            if failing is not None:
                own = [entry] if entry is not None else []
                entries = own if failing.own else cache.of_registration(fetch.name)
                return failing.health(valid=any(one.served(now) for one in entries))
            cached = entry.valid(now) if entry is not None and fetch.own else None
            if cached is None or not cached.older_than(cached.stale_after, now):
                return READY
            refusal = self._state.backoffs.refusal(fetch.failure_scopes, now.monotonic)
            if refusal is None:
                return READY
            ago = now.monotonic - refusal.backoff.failed_at
            return unwell(refusal.backoff.error, now.wall - ago, "degraded")

    def status(self, fetch: Fetch) -> RegistrationStatus:
        """Describe one key for `status()`."""
        now = self._state.clocks.now()
        with self._state.locked():
            entry = self._state.cache.entries.get(fetch.key) or CacheEntry(fetch.key)
            needed = entry.valid(now) is None
            refusal = self._state.backoffs.refusal(
                fetch.failure_scopes, now.monotonic, needed=needed
            )
            status = entry.state(now)
        if refusal is not None:
            status["error"] = str(refusal.backoff.error)
            status["retry_after"] = refusal.until - now.monotonic
        return status
