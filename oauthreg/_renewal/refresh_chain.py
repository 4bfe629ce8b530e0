"""The chain of refresh tokens that begins with one login, or with one settings' refresh token.

A server that rotates refresh tokens takes each of them once (RFC 9700 section 4.14). So a chain is
shared by all keys that use it, and used by one flight at a time.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from oauthreg._grants.table import GRANTS
from oauthreg._secret_values import LiteralSecret, Secret

if TYPE_CHECKING:
    from oauthreg._registration import ClientRegistration
    from oauthreg._tokens import RefreshToken

MOST_REFUSED = 8


class RefreshChain:
    """The newest refresh token of one chain. Used by one flight at a time.

    Attributes:
        token: The newest token of an answer; None before the first, or after it was revoked.
        last_used: Wall clock seconds of the last use.
        login: The `LoginEntry.id` of the login in the store that it belongs to.
        in_store: Whether it was ever in the store, so that its token is sent under the lease only.
        unsaved: The generation of the store's entry that this token is newer than, if it could
            not be saved; else 0.
        warned: Whether it was already reported that a rotated token cannot be kept.
    """

    __slots__ = (
        "_configured",
        "_ended",
        "_refused",
        "in_store",
        "last_used",
        "login",
        "token",
        "unsaved",
        "warned",
    )

    def __init__(self, now: float) -> None:
        self.token: RefreshToken | None = None
        self.last_used = now
        self.login = ""
        self.in_store = False
        self.unsaved = 0
        self.warned = False
        self._configured: Secret | None = None
        self._ended = False
        self._refused: dict[Secret, None] = {}

    def configure(self, token: Secret) -> None:
        """Note the settings' refresh token as it is now: a replaced one begins the chain anew."""
        if token != self._configured:
            self._configured = token
            self.token = None

    def usable(self) -> Secret | None:
        """Return the token to send, or None if there is none that the server has not refused."""
        token = Secret(self.token.token_value) if self.token is not None else self._configured
        return None if token in self._refused else token

    def refuse(self, token: Secret) -> None:
        """Note that the server refused a token."""
        if len(self._refused) >= MOST_REFUSED:
            self._refused.pop(next(iter(self._refused)))
        self._refused[token] = None

    def end(self) -> None:
        """Note that the login ended: the user logged out, or its token was refused."""
        self._ended = True
        token = self.usable()
        if token is not None:
            self.refuse(token)

    @property
    def has_ended(self) -> bool:
        """Whether there was a login, and none any more."""
        return self.usable() is None and (self._ended or self.token is not None)

    def rotate(self, token: RefreshToken) -> bool:
        """Keep the token of an answer; True if it replaces the settings' own one."""
        rotated = self._configured is not None and Secret(token.token_value) != self._configured
        self.token = token
        return rotated


def chain_name(
    registration: ClientRegistration, principal: str | None, *, fingerprint_key: bytes
) -> str | None:
    """Return the name of the chain that a registration's tokens are renewed with.

    A login is named by issuer (else token endpoint), client and principal, so that it outlives a
    change of scope or secret; the settings' refresh token by where it is read from.

    Args:
        registration: The registration.
        principal: Who logged in.
        fingerprint_key: The key of the fingerprint of a refresh token in the settings.

    Returns:
        None for a grant without refresh tokens.
    """
    provider = registration.provider
    server = provider.issuer_uri or provider.token_uri or provider.endpoints.get("metadata-uri")
    parts = [server or provider.name, registration.client_id]
    source = registration.refresh_token
    if source is not None and isinstance(source, LiteralSecret):
        value = source.value.get_secret_value().encode()
        parts += ["token", hmac.new(fingerprint_key, value, hashlib.sha256).hexdigest()]
    elif source is not None:
        parts += ["source", source.reference or ""]
    elif GRANTS[registration.authorization_grant_type].acts_for_user and principal is not None:
        parts += ["login", principal, registration.username or ""]
    else:
        return None
    framed = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(framed.encode()).hexdigest()
