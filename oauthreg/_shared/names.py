"""The names under which things stand in a store, made by a key that is kept in the store itself.

A name is the kind and a keyed digest: it says nothing of what it is made of, and nobody without
the naming key can make one. Each part is length-prefixed, so that parts never run together.
"""

from __future__ import annotations

import hashlib
import hmac

NAMING = "naming"
TOKEN, LOGIN, CHAIN, REFUSED, WAIT = "token", "login", "chain", "refused", "wait"
KINDS = frozenset({NAMING, TOKEN, LOGIN, CHAIN, REFUSED, WAIT})
FINGERPRINT_LENGTH = 32


class Names:
    """Makes the names of one store.

    Args:
        key: The store's naming key; it also serves as the key of `token_key`'s fingerprints.
    """

    __slots__ = ("key",)

    def __init__(self, key: bytes) -> None:
        self.key = key

    def access_token(self, token_key: str) -> str:
        """Return the name of the access token with this token key."""
        return self._name(TOKEN, token_key)

    def login(self, server: str, client_id: str, principal: str) -> str:
        """Return the name of a user's login: `server` is the issuer, else the token endpoint."""
        return self._name(LOGIN, server, client_id, principal)

    def chain(self, server: str, client_id: str, first_token: str) -> str:
        """Return the name of the refresh tokens that follow one from the settings."""
        return self._name(CHAIN, server, client_id, first_token)

    def refused(self, server: str, client_id: str, credential: str) -> str:
        """Return the name of the record that this client with this credential was refused."""
        return self._name(REFUSED, server, client_id, credential)

    def wait(self, endpoint: str) -> str:
        """Return the name of the record that an endpoint asked its callers to wait."""
        return self._name(WAIT, endpoint)

    def fingerprint(self, value: str) -> str:
        """Return a keyed digest of a token, to recognise it by."""
        return self._digest("fingerprint", value)[:FINGERPRINT_LENGTH]

    def _name(self, kind: str, *parts: str) -> str:
        return f"{kind}.{self._digest(kind, *parts)}"

    def _digest(self, *parts: str) -> str:
        texts = [part.encode(errors="surrogatepass") for part in parts]
        message = b"".join(b"%d:%b" % (len(text), text) for text in texts)
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()


def kind_of(name: str) -> str:
    """Return the kind that a name begins with."""
    return name.partition(".")[0]
