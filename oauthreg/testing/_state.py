"""What the test server remembers: clients, users, tokens, and what waits to be redeemed."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from oauthreg.testing._certificates import CertificateAuthority
    from oauthreg.testing._records import Client, CodeRecord, DeviceRecord, TokenRecord

LEEWAY = 60
"""Seconds by which clocks may differ."""
PRUNE_FROM = 1000

Role = Literal["token", "api"]
"""Each has DPoP nonces of its own."""


class State:
    """Plain tables. The server's one lock guards every protocol step that uses them."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.users: dict[str, str] = {}
        self.trusted_issuers: dict[str, Mapping[str, Any]] = {}
        """Issuers of assertions and subject tokens, and their JWK sets."""
        self.tokens: dict[str, TokenRecord] = {}
        self.codes: dict[str, CodeRecord] = {}
        self.devices: dict[str, DeviceRecord] = {}
        self.pushed_requests: dict[str, tuple[float, list[tuple[str, str]]]] = {}
        """Request URI to when it expires (`time.time()`) and what was pushed."""
        self.authority: CertificateAuthority | None = None
        """Made when it is first asked for."""
        self.nonces: dict[Role, tuple[str, ...]] = {"token": (), "api": ()}
        """The DPoP nonces that are good, the newest first."""
        self.rotate_nonces()
        self._assertion_ids: dict[tuple[str, str], float] = {}
        self._prune_at = self._prune_ids_at = PRUNE_FROM

    def live_client(self, client_id: str) -> Client | None:
        """The client of this id, unless it is disabled."""
        client = self.clients.get(client_id)
        return client if client and client.enabled else None

    def live_token(self, value: str, kind: str = "access_token") -> TokenRecord | None:
        """The token of this value if it lives and is of this kind."""
        token = self.tokens.get(value)
        return token if token and token.live and token.kind == kind else None

    def access_tokens(self, fits: Callable[[TokenRecord], bool]) -> Iterator[TokenRecord]:
        """The live access tokens for which `fits`, the newest first."""
        newest_first = reversed(list(self.tokens.values()))
        return (t for t in newest_first if t.kind == "access_token" and t.live and fits(t))

    def keep(self, token: TokenRecord) -> None:
        """Remember a token. Expired ones are forgotten whenever the table has doubled."""
        self.tokens[token.value] = token
        if len(self.tokens) >= self._prune_at:
            self.tokens = {value: t for value, t in self.tokens.items() if not t.is_expired()}
            self._prune_at = max(PRUNE_FROM, 2 * len(self.tokens))

    def revoke_family(self, family: str) -> None:
        """End a refresh token together with everything issued from it."""
        for token in self.tokens.values():
            token.revoked |= token.family == family

    def is_first_use(self, issuer: str, assertion_id: str, expires_at: float) -> bool:
        """Note the `jti` of a JWT; False if it was used before (RFC 7523 section 3)."""
        used = self._assertion_ids
        if (issuer, assertion_id) in used:
            return False
        used[issuer, assertion_id] = expires_at + LEEWAY
        if len(used) >= self._prune_ids_at:
            now = time.time()
            self._assertion_ids = {key: until for key, until in used.items() if until > now}
            self._prune_ids_at = max(PRUNE_FROM, 2 * len(self._assertion_ids))
        return True

    def rotate_nonces(self, *, keep_old: bool = False) -> None:
        """Give out new DPoP nonces; those before are refused unless they are kept."""
        for role, old in self.nonces.items():
            kept = old[:1] if keep_old else ()
            self.nonces[role] = (secrets.token_urlsafe(12), *kept)

    def advance(self, seconds: float) -> None:
        """Let everything be so many seconds older."""
        for token in self.tokens.values():
            token.issued_at -= seconds
            if token.expires_at is not None:
                token.expires_at -= seconds
        for code in self.codes.values():
            code.expires_at -= seconds
        for device in self.devices.values():
            device.expires_at -= seconds
            device.polled_at -= seconds
        for uri, (expires_at, pairs) in self.pushed_requests.items():
            self.pushed_requests[uri] = expires_at - seconds, pairs

    def device_of_user(self, user_code: str) -> DeviceRecord | None:
        """The device that shows this user code."""
        return next((d for d in self.devices.values() if d.user_code == user_code), None)

    def pull(self, request_uri: str, client_id: str | None) -> list[tuple[str, str]] | None:
        """The pushed authorization request of this client, once (RFC 9126 section 4)."""
        expires_at, pairs = self.pushed_requests.pop(request_uri, (0.0, []))
        return pairs if expires_at > time.time() and ("client_id", client_id) in pairs else None
