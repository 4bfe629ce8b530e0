"""Demonstrating proof of possession (RFC 9449): a proof per request, a nonce per origin."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthreg._signing_keys import SigningKey

REMEMBERED_ORIGINS = 100
DEFAULT_PORTS = {"https": 443, "http": 80}
AUTHORIZATION_SERVER = "authorization-server"
RESOURCE_SERVER = "resource-server"


class Prover:
    """Makes proofs with one key, and remembers each origin's newest nonce.

    Args:
        key: The key that tokens are bound to.
        lasting: Whether the key is kept somewhere, and not made for this program alone.
    """

    def __init__(self, key: SigningKey, *, lasting: bool = True) -> None:
        self.key = key
        self.lasting = lasting
        self._nonces: OrderedDict[tuple[str, str], str] = OrderedDict()

    @property
    def thumbprint(self) -> str:
        """What tokens are bound to: the key's thumbprint (section 6.1)."""
        return self.key.thumbprint

    def proof(
        self,
        method: str,
        url: str,
        *,
        now: float,
        new_id: Callable[[], str],
        role: str,
        token_value: str | None = None,
    ) -> str:
        """Return a proof for one request, never used again (section 4.2).

        Args:
            method: The HTTP method.
            url: The address; query and fragment do not enter.
            now: Seconds since the epoch.
            new_id: Gives the proof's `jti`.
            role: `authorization-server` or `resource-server`: each has nonces of its own.
            token_value: The access token that goes with the request, for `ath`.
        """
        parts = urlsplit(url)
        claims: dict[str, object] = {
            "jti": new_id(),
            "htm": method.upper(),
            "htu": f"{origin(url)}{parts.path or '/'}",
            "iat": int(now),
        }
        nonce = self._nonces.get((role, origin(url)))
        if nonce is not None:
            claims["nonce"] = nonce
        if token_value is not None:
            digest = hashlib.sha256(token_value.encode("ascii")).digest()
            claims["ath"] = urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
        return self.key.sign(claims, typ="dpop+jwt", jwk=dict(self.key.public))

    def note(self, url: str, headers: Mapping[str, str], *, role: str) -> bool:
        """Keep the nonce of any answer (section 8.2); True if it brought a new one."""
        nonce = headers.get("dpop-nonce")
        place = (role, origin(url))
        if not nonce or self._nonces.get(place) == nonce:
            return False
        self._nonces[place] = nonce
        self._nonces.move_to_end(place)
        while len(self._nonces) > REMEMBERED_ORIGINS:
            self._nonces.popitem(last=False)
        return True


def origin(url: str) -> str:
    """Return the scheme, host and port of an address, in one spelling of several."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
