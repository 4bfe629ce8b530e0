"""The credentials of one registration: where they are read from, and whether they can be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from oauthreg._errors import PluginError
from oauthreg._flow import ClientCertificate
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
from oauthreg._settings.validation import path_of, problem_at
from oauthreg._sources.tree import Sourced, canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthreg._dpop import Prover
    from oauthreg._errors import Problem
    from oauthreg._secret_values import SecretSource
    from oauthreg._settings.models import RegistrationSettings
    from oauthreg._signing_keys import KeySource

T = TypeVar("T")
Failures = (PluginError, SecretReadError, ValueError, OSError)


class Credentials:
    """Reads the credentials of one registration's table, noting every problem.

    Args:
        table: The registration's canonical table.
        path: `registration.<id>`.
        problems: Where problems are noted.
    """

    def __init__(self, table: Mapping[str, Any], path: str, problems: list[Problem]) -> None:
        self._table = table
        self._path = path
        self._problems = problems

    def secrets(self, key: str) -> tuple[SecretSource, ...]:
        """Return the sources of a setting with alternatives: literal, file, reference or list."""

        def read() -> tuple[SecretSource, ...]:
            sources = self._sources(key)
            for source in sources:
                if source.local:
                    source.read()
            return sources

        return self._noting(key, read) or ()

    def secret(self, key: str) -> SecretSource | None:
        """Return the one source of a setting with alternatives, if it is set."""
        return next(iter(self.secrets(key)), None)

    def signing_key(self, settings: RegistrationSettings) -> KeySource | None:
        """Return the registration's private key, checked if it is on this machine."""
        if not isinstance(self._table.get("private-key"), Sourced):
            return None
        from oauthreg._settings.keys import key_source  # noqa: PLC0415 - it loads cryptography

        passphrase = self.secret("private-key-passphrase")

        def read() -> KeySource:
            (source,) = self._sources("private-key")
            return key_source(source, passphrase, settings)

        return self._noting("private-key", read)

    def certificate(self, settings: RegistrationSettings) -> ClientCertificate | None:
        """Return the client certificate, checked: readable, in its time, and fitting its key."""
        file, key_file = settings.certificate_file, settings.certificate_key_file
        if file is None:
            return None
        from oauthreg._settings.keys import checked_certificate  # noqa: PLC0415 - likewise

        certificate = ClientCertificate(file, key_file or file)
        return self._noting("certificate-file", lambda: checked_certificate(certificate))

    def assertion(self, settings: RegistrationSettings) -> SecretSource | None:
        """Return the file of assertions that somebody else signs, such as a cluster."""
        path = settings.assertion_file
        if path is None:
            return None

        def read() -> SecretSource:
            source = AssertionFile(path)
            source.read()
            return source

        return self._noting("assertion-file", read)

    def prover(self, settings: RegistrationSettings) -> Prover | None:
        """Return the maker of DPoP proofs, with a key of its own unless a file keeps it."""
        if not settings.dpop:
            return None
        from oauthreg._settings.keys import prover  # noqa: PLC0415 - it loads cryptography

        return self._noting("dpop-key-file", lambda: prover(settings.dpop_key_file))

    def _noting(self, key: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Failures as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            self._problems.append(problem_at(self._table, key, self._path, words or str(error)))
            return None

    def _sources(self, key: str) -> tuple[Any, ...]:
        item = self._table.get(key)
        if not isinstance(item, Sourced):
            return ()
        if item.leaf == "client-secrets":
            if not isinstance(item.value, list) or not item.value:
                raise ValueError("must be a list with at least one item")
            return tuple(self._listed(one, item) for one in item.value)
        if item.leaf.endswith("-file"):
            return (FileSecret(_path(item.value, item)),)
        if not isinstance(item.value, str) or not item.value:
            raise ValueError("must be a text, and not empty")
        if item.leaf.endswith("-ref"):
            return (_referred(item.value, item),)
        if key == "subject-token" and item.value.startswith(CHAINED):
            return (ChainedToken(canonical(item.value.removeprefix(CHAINED))),)
        return (LiteralSecret(Secret(item.value)),)

    def _listed(self, one: object, item: Sourced) -> SecretSource:
        match one:
            case str() if one:
                return LiteralSecret(Secret(one))
            case {"file": file, **rest} if not rest:
                return FileSecret(_path(file, item))
            case {"ref": str(ref), **rest} if not rest:
                return _referred(ref, item)
        raise ValueError("each item is a text, or a table with either file or ref")


def _path(value: object, item: Sourced) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("must be the path of a file")
    return path_of(value, item.origin)


def _referred(reference: str, item: Sourced) -> SecretSource:
    scheme, colon, rest = reference.partition(":")
    if not colon or not rest:
        raise ValueError("must be scheme:reference, such as env:NAME")
    if scheme == "env":
        return EnvironmentSecret(rest)
    if scheme == "file":
        return FileSecret(_path(rest, item))
    if scheme == "keyring":
        service, _, user = rest.partition("/")
        if not service or not user:
            raise ValueError("must be keyring:service/user")
        return KeyringSecret(service, user)
    return secret_source(scheme, rest)
