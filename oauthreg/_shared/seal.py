"""Sealing: what a store keeps can be read, or changed, by nobody without a key of the ring.

The first byte says how the rest is to be read: 0 is clear, 1 is AES-256-GCM: four bytes that name
the key, twelve of nonce, the ciphertext. What is sealed carries its own name and generation, so
that one entry cannot stand in another's place.
"""

from __future__ import annotations

import binascii
import hashlib
import os
from base64 import b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_BYTES = 32
CLEAR, AES_GCM = b"\x00", b"\x01"
ID_BYTES = 4
NONCE_BYTES = 12
PREFIX_BYTES = 1 + ID_BYTES + NONCE_BYTES


class UnreadableError(Exception):
    """These bytes are no entry for us; `newer` if a newer version of this package may read them."""

    def __init__(self, reason: str, *, newer: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.newer = newer


def new_key() -> str:
    """Return a new random key, in the form that the settings take."""
    return urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def key_from(text: str) -> bytes:
    """Return the key that some text is: 32 bytes in base64, of either alphabet.

    Raises:
        ValueError: it is none; the text of the error does not show it.
    """
    plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"has {len(key)} bytes instead of {KEY_BYTES}")
    return key


class Seal(Protocol):
    """Turns content into what a store may see, and back."""

    def seal(self, content: bytes) -> bytes:
        """Return the bytes to store."""

    def open(self, sealed: bytes) -> bytes:
        """Return the content of stored bytes.

        Raises:
            UnreadableError: they were not sealed by this.
        """

    def is_current(self, sealed: bytes) -> bool:
        """Whether `seal` would seal them in the same way now."""


class Ring:
    """Seals by the first of its keys, and opens by all.

    Args:
        keys: The keys, at least one; 32 bytes each.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("there is no key")
        self._ids = [hashlib.sha256(b"oauthreg store key " + key).digest()[:4] for key in keys]
        self._ciphers = [AESGCM(key) for key in keys]

    def seal(self, content: bytes) -> bytes:
        """Return the content sealed by the first key."""
        nonce = os.urandom(NONCE_BYTES)
        return AES_GCM + self._ids[0] + nonce + self._ciphers[0].encrypt(nonce, content, None)

    def open(self, sealed: bytes) -> bytes:
        """Return the content of what any of the keys sealed.

        Raises:
            UnreadableError: none of them did, or it was changed since.
        """
        if sealed[:1] == CLEAR:
            raise UnreadableError("it is not encrypted, and here store.encryption is on")
        _check_kind(sealed)
        named, nonce, cipher_text = sealed[1:5], sealed[5:PREFIX_BYTES], sealed[PREFIX_BYTES:]
        for key_id, cipher in zip(self._ids, self._ciphers, strict=True):
            if key_id == named and len(nonce) == NONCE_BYTES:
                try:
                    return cipher.decrypt(nonce, cipher_text, None)
                except InvalidTag:
                    raise UnreadableError("it was changed after it was sealed") from None
        raise UnreadableError("it was sealed by a key that store.keys does not hold")

    def is_current(self, sealed: bytes) -> bool:
        """Whether the first key sealed it."""
        return sealed[1:5] == self._ids[0]


class Unencrypted:
    """`store.encryption = "off"`: whoever reads the store reads the tokens."""

    def seal(self, content: bytes) -> bytes:
        """Return the content in the clear."""
        return CLEAR + content

    def open(self, sealed: bytes) -> bytes:
        """Return content that is in the clear.

        Raises:
            UnreadableError: it is encrypted.
        """
        if sealed[:1] == AES_GCM:
            raise UnreadableError("it is encrypted, and here store.encryption is off")
        if sealed[:1] != CLEAR:
            _check_kind(sealed)
        return sealed[1:]

    def is_current(self, sealed: bytes) -> bool:
        """Whether it is in the clear."""
        return sealed[:1] == CLEAR


def _check_kind(sealed: bytes) -> None:
    if sealed[:1] > AES_GCM:
        raise UnreadableError(
            "it was written by a newer version of oauthreg, or by something else", newer=True
        )
    if not sealed:
        raise UnreadableError("it is empty")
