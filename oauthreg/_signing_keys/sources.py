"""Where a private key of the settings is read from, again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from oauthreg._files import SECRET_SIZE, read_file
from oauthreg._secret_values import SecretReadError, SecretSource
from oauthreg._signing_keys.signing_key import HEADER, SigningKey


class Bytes(Protocol):
    """Where the bytes of a key come from."""

    @property
    def reference(self) -> str | None:
        """A stable name, or None for a value in the settings themselves."""

    @property
    def local(self) -> bool:
        """Whether a read is cheap and on this machine."""

    def read_bytes(self) -> bytes:
        """Return the content now.

        Raises:
            SecretReadError: it cannot be read.
        """


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A file, in whatever encoding."""

    path: Path
    local: bool = True

    @property
    def reference(self) -> str:
        """`file:` and the path."""
        return f"file:{self.path}"

    def read_bytes(self) -> bytes:
        """Return the file's content now."""
        try:
            return read_file(self.path, SECRET_SIZE)
        except OSError as error:
            raise SecretReadError(f"{self.path}: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class SecretBytes:
    """The text of a secret source."""

    source: SecretSource

    @property
    def local(self) -> bool:
        """The source's own."""
        return self.source.local

    @property
    def reference(self) -> str | None:
        """The source's own."""
        return self.source.reference

    def read_bytes(self) -> bytes:
        """Return the source's value now."""
        return self.source.read().get_secret_value().encode()


class KeySource:
    """A private key in the settings: read again at every use, parsed again when it changed.

    Args:
        content: Where the key's bytes come from.
        passphrase: What opens them, if they are encrypted.
        algorithm: The algorithm asked for; None for the key's default.
        key_id: The `kid` asked for, or where it is.
        certificate: Where the certificate is, whose thumbprint the header names.
        header: What the header names the key by, as far as known.
    """

    def __init__(
        self,
        content: Bytes,
        *,
        passphrase: SecretSource | None = None,
        algorithm: str | None = None,
        key_id: str | SecretSource | None = None,
        certificate: Bytes | None = None,
        header: Sequence[str] = HEADER,
    ) -> None:
        self._content = content
        self._passphrase = passphrase
        self._algorithm = algorithm
        self._key_id = key_id
        self._certificate = certificate
        self._header = tuple(header)
        self._last: tuple[bytes, SigningKey] | None = None

    @property
    def local(self) -> bool:
        """Whether a read is cheap and on this machine."""
        return self._content.local and (self._passphrase is None or self._passphrase.local)

    @property
    def reference(self) -> str | None:
        """Where the key comes from, and what is asked of it."""
        place = self._content.reference
        if place is None and self._passphrase is not None:
            place = self._passphrase.reference
        return place and f"{place} {self._asked}"

    @property
    def identity(self) -> str:
        """What tells this key from another: where it is, or for a literal one, its digest."""
        if self._content.reference is not None:
            return self.reference or ""
        digest = hashlib.sha256(self._content.read_bytes()).hexdigest()
        return f"literal {digest} {self._asked}"

    @property
    def _asked(self) -> str:
        key_id = self._key_id
        return f"{self._algorithm} {key_id if isinstance(key_id, str | None) else key_id.reference}"

    def read(self) -> SigningKey:
        """Return the key as it is now.

        Raises:
            SecretReadError: it cannot be read, opened or used with the algorithm asked for.
        """
        from oauthreg._signing_keys.keys import signing_key  # noqa: PLC0415 - it loads cryptography

        content = self._content.read_bytes()
        passphrase = self._passphrase.read().get_secret_value() if self._passphrase else None
        certificate = self._certificate.read_bytes() if self._certificate else b""
        key_id = self._key_id
        if not isinstance(key_id, str | None):
            key_id = key_id.read().get_secret_value()
        digest = hashlib.sha256(
            b"%d:%b%d:%b" % (len(content), content, len(certificate), certificate)
            + f"{key_id} {passphrase}".encode()
        ).digest()
        last = self._last
        if last is not None and last[0] == digest:
            return last[1]
        try:
            key = signing_key(
                content,
                passphrase=passphrase,
                algorithm=self._algorithm,
                key_id=key_id,
                certificate=certificate,
                header=self._header,
            )
        except ValueError as error:
            raise SecretReadError(f"{self._content.reference or 'the key'}: {error}") from None
        self._last = (digest, key)
        return key
