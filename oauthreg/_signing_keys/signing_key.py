"""A private key that signs; this module itself loads neither cryptography nor joserfc."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from oauthreg._errors import SecretUnavailableError

HEADER = ("kid", "x5t#S256")
"""What the header of a signature names the key by, unless the vendor wants it otherwise."""


class JoseKey(Protocol):
    """A key of joserfc's."""

    def thumbprint(self) -> str:
        """Return its SHA-256 thumbprint (RFC 7638)."""

    def as_dict(self, *, private: bool) -> Mapping[str, Any]:
        """Return it as a JWK."""


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A key that signs, and how.

    Attributes:
        key: The key itself.
        algorithm: The JWS algorithm.
        header: What names the key: `kid`, `x5t#S256` and so on.
        choices: The algorithms to choose from; empty where the settings name one.
    """

    key: JoseKey = field(repr=False)
    algorithm: str
    header: Mapping[str, Any] = field(default_factory=dict)
    choices: tuple[str, ...] = field(default=(), repr=False)

    def for_server(self, offered: Sequence[str]) -> SigningKey | None:
        """Return the key with the first algorithm that a server offers; None if it can do none.

        Args:
            offered: What the server lists; nothing leaves the algorithm as it is.
        """
        if not offered or not self.choices:
            return self
        fitting = next((name for name in offered if name in self.choices), None)
        return None if fitting is None else replace(self, algorithm=fitting)

    @property
    def thumbprint(self) -> str:
        """The key's SHA-256 thumbprint (RFC 7638)."""
        return self.key.thumbprint()

    @property
    def public(self) -> Mapping[str, Any]:
        """The public key as a JWK."""
        return self.key.as_dict(private=False)

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Return a compact JWS of the claims (RFC 7515).

        Raises:
            SecretUnavailableError: the key cannot sign, or the claims are no JSON.
        """
        from oauthreg._signing_keys.jws import sign  # noqa: PLC0415 - it loads cryptography

        whole = {"alg": self.algorithm, **self.header, **header}
        try:
            return sign(whole, claims, self.key)
        except Exception as error:  # noqa: BLE001 - joserfc and cryptography raise many kinds
            kind = type(error).__name__
        raise SecretUnavailableError(
            f"the key cannot sign with {self.algorithm}: {kind}", retryable=False
        )
