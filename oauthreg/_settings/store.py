"""The store of a configuration: `store.*`, checked at load, opened when it is used."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator

from oauthreg._errors import ConfigurationError, PluginError
from oauthreg._plugins import store_factory
from oauthreg._quoting import quoted_path
from oauthreg._secret_values import Secret, SecretReadError
from oauthreg._settings.credentials import Credentials
from oauthreg._settings.models import _Model
from oauthreg._settings.readable import warn_of_readable
from oauthreg._settings.types import CaBundle, Text, Timeout
from oauthreg._settings.values import path_of
from oauthreg._sources.tree import STORE_ALTERNATIVES, Sourced
from oauthreg.stores._config import PREFIX, TIMEOUT, StoreConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._secret_values import SecretSource
    from oauthreg._settings.validation import Table
    from oauthreg._shared.key_ring import KeyRing
    from oauthreg._shared.shared_store import SharedStore
    from oauthreg.stores import Store

T = TypeVar("T")
MEMORY, SQLITE = "memory", "sqlite"
SQLITE_TIMEOUT = 5.0
"""Seconds: many processes may start at once, and write to one file by turns."""
PLACES = {"path": "sqlite", "url": "redis", "keys": "redis"}
"""Keys that mean nothing without a type, and a type that they may be meant for."""


def _split(value: Any) -> Any:
    return (
        [word for word in re.split(r"[\s,]+", value) if word] if isinstance(value, str) else value
    )


def _prefix(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:-]{1,60}", text):
        raise ValueError("must be 1 to 60 letters, digits, or any of . _ : -")
    return text


class StoreSettings(_Model):
    """`store.*`."""

    type: Text = MEMORY
    path: Path | None = None
    url: Text | None = None
    url_file: Path | None = None
    url_ref: Text | None = None
    prefix: Annotated[str, AfterValidator(_prefix)] = PREFIX
    ca_bundle: CaBundle | None = None
    keys: Annotated[tuple[Text, ...], BeforeValidator(_split)] | None = None
    keys_file: Path | None = None
    keys_ref: Text | None = None
    encryption: Literal["on", "off"] = "on"
    timeout: Timeout | None = None
    allow_readable: bool = False


@dataclass(frozen=True, slots=True)
class ConfiguredStore:
    """A store as the settings describe it. Equal ones are one store, and need not be opened anew.

    Attributes:
        config: What its factory is given.
        keys: Its keys: those of the settings, where they are read from, or None for its own file.
        encrypted: Whether there are any.
        factory: Makes the store.
    """

    config: StoreConfig
    keys: tuple[Secret, ...] | SecretSource | None = field(repr=False)
    encrypted: bool
    factory: Callable[[StoreConfig], Store] = field(repr=False)

    def open(self) -> SharedStore:
        """Return the store; nothing is connected yet.

        Raises:
            ConfigurationError: a file of it is not as it was when the settings were read.
        """
        from oauthreg._shared.shared_store import SharedStore  # noqa: PLC0415 - with cryptography

        return SharedStore(self.factory(self.config), self.key_ring())

    def key_ring(self) -> KeyRing:
        """Return the ring of its keys.

        Raises:
            ValueError: which of the keys in the settings is none.
        """
        from oauthreg._shared import key_ring  # noqa: PLC0415 - it loads cryptography

        if not self.encrypted:
            return key_ring.UNENCRYPTED
        if isinstance(self.keys, tuple):
            texts = [key.get_secret_value() for key in self.keys]
            return key_ring.FixedKeys(key_ring.ring_of(texts))
        if self.keys is not None:
            return key_ring.KeysFromSource(self.keys)
        assert self.config.path is not None  # noqa: S101 - others have keys, or no encryption
        return key_ring.KeysBesideStore(self.config.path)


def configured_store(table: Table) -> ConfiguredStore | None:
    """Return the store of the table `store`, noting every problem.

    None if there is none besides the memory of each process, or if there are problems.
    """
    count = len(table.problems)
    bad = table.implausible()
    settings = table.without(STORE_ALTERNATIVES).parsed(StoreSettings, ignoring=bad)
    if settings is None or bad:
        return None
    for key, kind in PLACES.items():
        if key in table.items and "type" not in table.items:  # "memory" may stand over another
            table.note(
                key, "is of no use without a type", f'Set store.type = "{kind}", or another.'
            )
    if settings.type == MEMORY:
        return None
    factory = _noting(table, "type", lambda: store_factory(settings.type))
    if factory is None:  # what else it would need is not known
        return None
    credentials = Credentials(table)
    keys = _keys(table, settings, credentials)
    keys_are_named = len(table.problems) == count
    config = _noting(table, "path", lambda: _config(table, settings, credentials))
    if config is None or (config.url is None and "url" in table.items):
        return None
    store = ConfiguredStore(config, keys, settings.encryption == "on", factory)
    if keys_are_named:
        _noting(table, "keys", lambda: _check_keys(store))
    _noting(table, "type", lambda: _try(factory, config))
    usable = len(table.problems) == count
    if usable and not settings.allow_readable:
        warn_of_readable("store", "store", credentials.files)
    return store if usable else None


def _config(table: Table, settings: StoreSettings, credentials: Credentials) -> StoreConfig:
    path = settings.path
    if path is not None:
        text, path = str(path), path_of(path, table.items["path"].origin)
        folder = os.path.isdir(path.parent)  # noqa: PTH112 - Path's raises where a name is too long
        if not text.isprintable() or (not folder and not quoted_path(text, path)):
            raise ValueError("is no file in a folder that is there")
    if settings.type == SQLITE:
        path = _file(path, allow_readable=settings.allow_readable)
    return StoreConfig(
        type=settings.type,
        path=path,
        url=credentials.secret("url"),
        prefix=settings.prefix,
        ca_bundle=settings.ca_bundle,
        timeout=settings.timeout or (SQLITE_TIMEOUT if settings.type == SQLITE else TIMEOUT),
        allow_readable=settings.allow_readable,
    )


def _file(path: Path | None, *, allow_readable: bool) -> Path:
    """Return the file of a store that is one, whose place has been checked.

    Raises:
        ConfigurationError: others can read it, or it is in a wrong place.
        ValueError: the path is that of a folder.
    """
    from oauthreg.stores import _files as files  # noqa: PLC0415 - for this type only

    path = path or files.default_path()
    if os.path.isdir(path):  # noqa: PTH112 - Path's raises where a name is too long
        raise ValueError("is a folder; name a file in it")
    files.check(path, allow_readable=allow_readable)
    return path


def _keys(
    table: Table, settings: StoreSettings, credentials: Credentials
) -> tuple[Secret, ...] | SecretSource | None:
    item = table.items.get("keys")
    encrypted = settings.encryption == "on"
    if not isinstance(item, Sourced):
        if encrypted and settings.type != SQLITE:
            remedy = (
                "Make one by `oauthreg store new-key`, and give it to every process in store.keys, "
                'keys-file or keys-ref; or, in so many words, set store.encryption = "off".'
            )
            table.note("keys", "is missing", remedy)
        return None
    if not encrypted:
        table.note("keys", 'is of no use with encryption = "off"', "Remove one of them.")
        return None
    if item.leaf != "keys":
        return credentials.secret("keys")
    given = table.with_items({"keys": item}).parsed(StoreSettings)
    return tuple(Secret(key) for key in given.keys) if given is not None and given.keys else ()


def _check_keys(store: ConfiguredStore) -> None:
    from oauthreg._shared.key_ring import KeysBesideStore  # noqa: PLC0415 - it loads cryptography

    ring = store.key_ring()
    if isinstance(ring, KeysBesideStore):
        ring.check()
    elif getattr(store.keys, "local", True):
        ring.current()


def _try(factory: Callable[[StoreConfig], Store], config: StoreConfig) -> None:
    try:
        factory(config).close()
    except ConfigurationError:
        raise
    except Exception as error:  # its text may hold what is in the address
        raise PluginError(f"{config.type!r} fails with {type(error).__name__}") from error


def _noting(table: Table, key: str, work: Callable[[], T]) -> T | None:
    """Return what some work returns; what it raises is a problem with this key."""
    try:
        return work()
    except ConfigurationError as error:
        for problem in error.problems:
            at = problem.path.removeprefix("store.")
            table.note(at, problem.message, problem.remedy)
    except PluginError as error:
        table.note(key, error.message, error.remedy)
    except (SecretReadError, ValueError) as error:
        table.note(key, str(error))
    return None
