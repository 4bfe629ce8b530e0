"""Demonstrating proof of possession (RFC 9449): a proof per request, a nonce per origin."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections import OrderedDict
from typing import TYPE_CHECKING

from oauthreg._addresses import origin_of, parse_requested

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthreg._addresses import Origin
    from oauthreg._signing_keys.signing_key import SigningKey

REMEMBERED_ORIGINS = 100
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
        self._nonces: OrderedDict[tuple[str, Origin], str] = OrderedDict()

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
        address = parse_requested(url)
        claims: dict[str, object] = {
            "jti": new_id(),
            "htm": method.upper(),
            "htu": address.resource,
            "iat": int(now),
        }
        nonce = self._nonces.get((role, address.origin))
        if nonce is not None:
            claims["nonce"] = nonce
        if token_value is not None:
            digest = hashlib.sha256(token_value.encode("ascii")).digest()
            claims["ath"] = urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
        return self.key.sign(claims, typ="dpop+jwt", jwk=dict(self.key.public))

    def note(self, url: str, headers: Mapping[str, str], *, role: str) -> bool:
        """Keep the nonce of any answer (section 8.2); True if it is a new one."""
        nonce = headers.get("dpop-nonce")
        place = (role, origin_of(url))
        if not nonce or self._nonces.get(place) == nonce:
            return False
        self._nonces[place] = nonce
        self._nonces.move_to_end(place)
        while len(self._nonces) > REMEMBERED_ORIGINS:
            self._nonces.popitem(last=False)
        return True
