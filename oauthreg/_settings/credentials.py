"""The credentials of one registration: where they are read from, and whether they can be."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from oauthreg._errors import PluginError
from oauthreg._flow import ClientCertificate
from oauthreg._invisible import invisible_inside
from oauthreg._plugins import secret_source
from oauthreg._secret_values import (
    CHAINED,
    AssertionFile,
    ChainedToken,
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    LiteralSecret,
    Secret,
    SecretReadError,
)
from oauthreg._settings.documents import DocumentSecret
from oauthreg._settings.plausible import wrong_path
from oauthreg._settings.values import path_of
from oauthreg._sources.tree import Sourced, canonical
from oauthreg._suggestions import close_to

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oauthreg._dpop import Prover
    from oauthreg._secret_values import SecretSource
    from oauthreg._settings.models import RegistrationSettings
    from oauthreg._settings.validation import Table
    from oauthreg._signing_keys.sources import KeySource

T = TypeVar("T")
Failures = (PluginError, SecretReadError, ValueError, OSError)
_BLANKS = {
    "client-secret": " ",
    "password": " \xa0",
    "private-key-passphrase": " \xa0",
    "keys": " \t\r\n",
}
"""Blanks that may stand inside of a credential (RFC 6749 appendix A).

A store's keys stand in lines."""

_BARE = frozenset({"client-secret", "password", "refresh-token"})
"""Credentials that are one plain text, never JSON or a line of a .env file."""

_ASSIGNED = re.compile(
    r"(?:export\s+)?[A-Z0-9_]*(?:SECRET|PASSWORD|PASSWD|TOKEN|KEY|CREDENTIAL)[A-Z0-9_]*\s*=\s*\S"
)
_SCHEME = re.compile(r"[a-z][a-z0-9.+-]{0,20}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}|[a-z_]{1,64}")


class CredentialError(ValueError):
    """A credential's setting cannot be used; the text holds no part of its value.

    Attributes:
        remedy: What to do.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class Credentials:
    """Reads the credentials of one registration's table, noting every problem.

    Args:
        table: The registration's table.

    Attributes:
        files: The secret and key files among them.
        documented: The keys of settings that a credential document has anew for each attempt.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self.files: list[Path] = []
        self.documented = {
            key
            for key, item in table.items.items()
            if isinstance(item, Sourced) and isinstance(item.value, DocumentSecret)
        }

    def secrets(self, key: str, *, blanks: str | None = None) -> tuple[SecretSource, ...]:
        """Return the sources of a setting with alternatives: literal, file, reference or list.

        Args:
            key: The setting.
            blanks: Those that may stand inside of the secret; None for what the setting has.
        """

        def read() -> tuple[SecretSource, ...]:
            sources = self._sources(key)
            self.files += [one.path for one in sources if isinstance(one, FileSecret)]
            for source in sources:
                if source.local:
                    _check_visible(source.read(), key, blanks)
            return sources

        return self._noting(key, read) or ()

    def source(self, key: str) -> SecretSource | None:
        """Return the one source of a setting whose content is no secret itself, unread."""
        return self._noting(key, lambda: next(iter(self._sources(key)), None))

    def secret(self, key: str) -> SecretSource | None:
        """Return the one source of a setting with alternatives, if it is set."""
        return next(iter(self.secrets(key)), None)

    def signing_key(
        self, settings: RegistrationSettings, header: Sequence[str]
    ) -> KeySource | None:
        """Return the registration's private key, checked if it is on this machine.

        Args:
            settings: The registration's settings.
            header: What assertions name the key by.
        """
        if not isinstance(self._table.items.get("private-key"), Sourced):
            return None
        from oauthreg._settings.keys import key_source  # noqa: PLC0415 - it loads cryptography

        passphrase = self.secret("private-key-passphrase")

        def read() -> KeySource:
            (source,) = self._sources("private-key")
            self.files += [source.path] if isinstance(source, FileSecret) else []
            key_id = self._sources("key-id") if "key-id" in self.documented else ()
            return key_source(source, passphrase, settings, *key_id, header=header)

        return self._noting("private-key", read)

    def certificate(self, settings: RegistrationSettings) -> ClientCertificate | None:
        """Return the client certificate, checked: readable, in its time, and fitting its key."""
        file, key_file = settings.certificate_file, settings.certificate_key_file
        if file is None:
            return None
        from oauthreg._settings.keys import checked_certificate  # noqa: PLC0415 - likewise

        certificate = ClientCertificate(file, key_file or file)
        self.files.append(certificate.key_file)
        return self._noting("certificate-file", lambda: checked_certificate(certificate))

    def assertion(self) -> SecretSource | ChainedToken | None:
        """Return where assertions are that somebody else signs, such as a cluster."""

        def read() -> SecretSource | ChainedToken | None:
            source = next(iter(self._sources("assertion")), None)
            if isinstance(source, FileSecret):
                self.files.append(source.path)
                source = AssertionFile(source.path)
            if source is not None and source.local:
                _check_visible(source.read(), "assertion")
            return source

        return self._noting("assertion", read)

    def prover(self, settings: RegistrationSettings) -> Prover | None:
        """Return the maker of DPoP proofs, with a key of its own unless a file keeps it."""
        if not settings.dpop:
            return None
        from oauthreg._settings.keys import prover  # noqa: PLC0415 - it loads cryptography

        self.files += [settings.dpop_key_file] if settings.dpop_key_file else []
        return self._noting("dpop-key-file", lambda: prover(settings.dpop_key_file))

    def _noting(self, key: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Failures as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            words = error.message if isinstance(error, PluginError) else words
            self._table.note(key, words or str(error), getattr(error, "remedy", ""))
            return None

    def _sources(self, key: str) -> tuple[Any, ...]:
        item = self._table.items.get(key)
        if not isinstance(item, Sourced):
            return ()
        if item.leaf == "client-secrets":
            if not isinstance(item.value, list) or not item.value:
                raise CredentialError(
                    "must be a list with at least one item",
                    'Write client-secrets = [{ file = "new.secret" }, { ref = "env:OLD_SECRET" }].',
                )
            return tuple(self._listed(one, item) for one in item.value)
        return (self._source(key, item),)

    def _source(self, key: str, item: Sourced) -> Any:
        if isinstance(item.value, DocumentSecret):
            return item.value
        if item.leaf.endswith("-file"):
            return FileSecret(_path(item.value, item))
        if not isinstance(item.value, str) or not item.value:
            raise CredentialError("must be text, and not empty", f'Write {item.leaf} = "...".')
        if item.leaf.endswith("-ref"):
            return _referred(item.value, item)
        if item.origin.kind == "secrets-directory":  # a plugin's: the file itself
            return FileSecret(Path(item.origin.name))
        if key in ("subject-token", "assertion") and item.value.startswith(CHAINED):
            return ChainedToken(canonical(item.value.removeprefix(CHAINED)))
        return LiteralSecret(Secret(item.value))

    def _listed(self, one: object, item: Sourced) -> SecretSource:
        match one:
            case str() if one:
                return LiteralSecret(Secret(one))
            case {"file": str(file), **rest} if file and not rest:
                path = _path(file, item)
                if problem := wrong_path(file, path, "client-secret"):
                    raise CredentialError(*problem)
                return FileSecret(path)
            case {"ref": str(ref), **rest} if not rest:
                return _referred(ref, item)
        raise CredentialError(
            "each item must be text, or a table with either file or ref",
            'Write client-secrets = [{ file = "new.secret" }, { ref = "env:OLD_SECRET" }].',
        )


def _check_visible(secret: object, key: str, blanks: str | None = None) -> None:
    if not isinstance(secret, Secret):
        return
    text = secret.get_secret_value()
    if key in _BARE and (_ASSIGNED.match(text) or _is_object(text)):
        form = "a line NAME=value" if _ASSIGNED.match(text) else "a JSON object"
        remedy = "Keep only the value there."
        raise CredentialError(f"must be the value alone; it is {form}", remedy)
    found = invisible_inside(text, allowed=_BLANKS.get(key, "") if blanks is None else blanks)
    if found is not None:
        remedy = "Keep it alone on one line." if found == "a line end" else ""
        raise CredentialError(f"must not have {found} in it", remedy)


def _is_object(text: str) -> bool:
    try:
        return text.startswith("{") and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _path(value: object, item: Sourced) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise CredentialError("must be the path of a file")
    return path_of(value, item.origin)


def _referred(reference: str, item: Sourced) -> SecretSource:
    scheme, colon, rest = reference.partition(":")
    if not colon or not rest:
        known = "env:NAME, file:PATH, keyring:service/user, or those of an installed plugin"
        base = _written_as(item)
        own = f'Write {item.leaf} = "env:NAME"; the credential itself is written as {base}.'
        meant = f'Did you mean "env:{reference}"?' if reference in os.environ else own
        raise CredentialError(f"must be a scheme and a reference: {known}", meant)
    if scheme == "env":
        return _variable(rest, item)
    if scheme == "file":
        path = _path(rest, item)
        if problem := wrong_path(rest, path, ""):
            raise CredentialError(*problem)
        return FileSecret(path)
    if scheme == "keyring":
        service, _, user = rest.partition("/")
        if not service or not user:
            raise CredentialError("must be keyring:service/user")
        return KeyringSecret(service, user)
    if not _SCHEME.fullmatch(scheme):
        base = _written_as(item)
        remedy = f"If it is the credential itself, write it as {base}."
        raise CredentialError("begins with no scheme, such as env:", remedy)
    return secret_source(scheme, rest)


def _written_as(item: Sourced) -> str:
    """Return the setting that holds what a reference names."""
    name = item.leaf.removesuffix("-ref")
    return "client-secret" if name == "client-secrets" else name


def _variable(name: str, item: Sourced) -> SecretSource:
    if not os.environ.get(name):
        base = _written_as(item)
        near = close_to(name, os.environ, 0.85)
        remedy = f"Did you mean env:{near}?" if near else f"Set it, or write {base}-file."
        if not _VARIABLE.fullmatch(name):
            message = "names an environment variable that is not set"
            raise CredentialError(message, f"If it is the credential itself, write it as {base}.")
        raise CredentialError(f"environment variable {name} is not set", remedy)
    return EnvironmentSecret(name)
