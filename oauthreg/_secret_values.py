"""Values that must never be shown, and where they are read from."""

from __future__ import annotations

import errno
import hmac
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, final

from oauthreg._files import SECRET_SIZE, read_file
from oauthreg._invisible import stripped

if TYPE_CHECKING:
    from pathlib import Path

MASK = "**********"


class SecretReadError(Exception):
    """A secret source could not be read; the text says which one and why, never a value.

    Attributes:
        remedy: What to do, if that is known.
    """

    def __init__(self, text: str, remedy: str = "") -> None:
        super().__init__(text)
        self.remedy = remedy


@final
class Secret:
    """A string that repr, str, format and pickle do not reveal.

    Args:
        value: The secret itself. Line ends, blanks and byte order marks at its ends, which
            editors and shells add, are dropped.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise SecretReadError("it is not UTF-8 text") from None
        self._value = stripped(value)

    def get_secret_value(self) -> str:
        """Return the secret in clear, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: pass where it is read from, not its value")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> Any:
        """Let a plugin's settings have fields of this type."""
        from pydantic_core import core_schema  # noqa: PLC0415 - for plugins, which load it anyway

        shown = core_schema.to_string_ser_schema()
        return core_schema.no_info_plain_validator_function(_as_secret, serialization=shown)


def _as_secret(value: object) -> Secret | SourcedSecret:
    if isinstance(value, Secret | SourcedSecret):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("must be text, and not empty")
    return Secret(value)


class Readable(Protocol):
    """Anything that a flow may ask to be read for it: a secret, a key."""

    @property
    def reference(self) -> str | None:
        """A stable name of where it is, or None for a value in the settings themselves."""

    def read(self) -> Any:
        """Return it as it is now.

        Raises:
            SecretReadError: it cannot be read; the text names the source and the cause.
        """


class SecretSource(Protocol):
    """Where a secret comes from. Network sources are read at run time only, never at load."""

    @property
    def reference(self) -> str | None:
        """A stable name (`file:/run/secret`, `vault:kv/app`), or None for a literal value."""

    @property
    def local(self) -> bool:
        """Whether a read is cheap and on this machine, so that it is also checked at load."""

    def read(self) -> Secret:
        """Return the secret as it is now.

        Raises:
            SecretReadError: it cannot be read; the text names the source and the cause.
        """


@dataclass(frozen=True, slots=True)
class LiteralSecret:
    """A secret written in the settings themselves."""

    value: Secret
    reference: None = None
    local: bool = True

    def read(self) -> Secret:
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True)
class SourcedSecret:
    """Stands in a plugin's settings for a `Secret` that is read anew for each attempt.

    Its value is in `context.secrets`, by the setting's name.
    """

    source: SecretSource

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"there is no {name} here: a Secret is read for each attempt, see context.secrets"
        )

    def __str__(self) -> str:
        return MASK


CHAINED = "registration:"


@dataclass(frozen=True, slots=True)
class TokenOf:
    """In a token's place, the token of another registration: `subject_token=TokenOf("other")`.

    A text in a token's place is always a token itself, so that what a program passes on from
    outside never names a registration.

    Args:
        registration_id: The other registration.

    Raises:
        TypeError: the id is no text, or empty.
    """

    registration_id: str

    def __post_init__(self) -> None:
        given: object = self.registration_id
        if not isinstance(given, str) or not given:
            what = "an empty one" if given == "" else type(given).__name__
            raise TypeError(f'TokenOf takes the id of a registration, TokenOf("other"), not {what}')


@dataclass(frozen=True, slots=True)
class ChainedToken:
    """A source that names another registration: `subject-token = "registration:<id>"`."""

    registration_id: str
    local: bool = True

    @property
    def reference(self) -> str:
        """The setting as it is written."""
        return f"{CHAINED}{self.registration_id}"

    def read(self) -> TokenOf:
        """Return the name; the flow has the token fetched."""
        return TokenOf(self.registration_id)


@dataclass(frozen=True, slots=True)
class FileSecret:
    """A secret in a regular file of UTF-8 text, of at most 64 KiB."""

    path: Path
    local: bool = True

    @property
    def reference(self) -> str:
        """`file:` and the path."""
        return f"file:{self.path}"

    def read(self) -> Secret:
        """Return the file's content now."""
        try:
            secret = Secret(read_file(self.path, SECRET_SIZE).decode())
        except OSError as error:
            remedy = "Let this program's user read it." if error.errno == errno.EACCES else ""
            raise SecretReadError(f"{self.path}: {error.strerror}", remedy) from None
        except UnicodeDecodeError:
            raise SecretReadError(f"{self.path}: not UTF-8 text", "Save it as UTF-8.") from None
        if not secret:
            raise SecretReadError(f"{self.path}: the file is empty", "Write the secret to it.")
        return secret


class AssertionFile:
    """A file of assertions that somebody else writes, such as a cluster: read at every use.

    While a read fails, as it may in the middle of a rotation, the last good content is given.

    Args:
        path: The file.
    """

    local = True

    def __init__(self, path: Path) -> None:
        self._file = FileSecret(path)
        self._last: Secret | None = None

    @property
    def reference(self) -> str:
        """`file:` and the path."""
        return self._file.reference

    def read(self) -> Secret:
        """Return the file's content now, else the last that could be read."""
        try:
            self._last = self._file.read()
        except SecretReadError:
            if self._last is None:
                raise
        return self._last


@dataclass(frozen=True, slots=True)
class EnvironmentSecret:
    """A secret in an environment variable of any name."""

    name: str
    local: bool = True

    @property
    def reference(self) -> str:
        """`env:` and the variable's name."""
        return f"env:{self.name}"

    def read(self) -> Secret:
        """Return the variable's value now."""
        secret = Secret(os.environ.get(self.name, ""))
        if not secret:
            raise SecretReadError(f"environment variable {self.name} is not set")
        return secret


@dataclass(frozen=True, slots=True)
class KeyringSecret:
    """A secret in the system keyring, named `service/user` (extra `keyring`)."""

    service: str
    user: str
    local: bool = False  # a keyring may ask its user, or a bus that is not there at start-up

    @property
    def reference(self) -> str:
        """`keyring:` with service and user."""
        return f"keyring:{self.service}/{self.user}"

    def read(self) -> Secret:
        """Return the keyring's entry now."""
        try:
            import keyring  # noqa: PLC0415 - an extra, imported when it is used
        except ImportError:
            raise SecretReadError(
                f"{self.reference}: the keyring library is missing: pip install 'oauthreg[keyring]'"
            ) from None
        try:
            value = keyring.get_password(self.service, self.user)
        except Exception as error:  # noqa: BLE001 - each keyring backend raises its own
            raise SecretReadError(f"{self.reference}: {type(error).__name__}") from None
        secret = Secret(value or "")
        if not secret:
            raise SecretReadError(f"{self.reference}: the keyring has no such entry")
        return secret
