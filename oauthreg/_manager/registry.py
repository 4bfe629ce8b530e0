"""The registrations of a manager: read, replaced at run time, read again."""

from __future__ import annotations

import secrets
import threading
from copy import deepcopy
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from oauthreg._errors import (
    ManagerClosedError,
    UnknownRegistrationError,
)
from oauthreg._manager.options import checked_id
from oauthreg._protocol.responses import HEADER_SAFE
from oauthreg._renewal.clocks import Clocks
from oauthreg._renewal.engine import Engine
from oauthreg._settings.load import Configuration, load, with_registration
from oauthreg._settings.validation import did_you_mean

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    from oauthreg._registration import ClientRegistration
    from oauthreg._renewal.orders import TokenOrder
    from oauthreg._renewal.slots import HotTable
    from oauthreg._settings.load import ResolvedRegistration, Settings
    from oauthreg.events import Listener


class Configured:
    """What a manager knows of its settings, and all its state; see `BaseManager`."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        on_event: Listener | None = None,
        clocks: Clocks | None = None,
        load_again: Callable[[], Configuration] | None = None,
    ) -> None:
        self._clocks = clocks or Clocks()
        self._wall = self._clocks.wall
        self._monotonic = self._clocks.monotonic
        self._listener = on_event
        self._engine = Engine(self._clocks, on_event)
        self._fingerprint_key = secrets.token_bytes(32)
        self._load_again = load_again
        self._lock = threading.RLock()
        self._configuration = configuration
        self._registered: dict[str, Mapping[str, Any]] = {}
        self._plain: dict[str, TokenOrder] = {}
        self._overrides: dict[str, str] = {}
        self._hot: HotTable = {}
        self._hot_calls: HotTable = {}
        self._closed = False

    @classmethod
    def from_settings(
        cls,
        settings: Settings = None,
        *,
        only: str | Iterable[str] | None = None,
        profile: str | None = None,
        env_file: str | os.PathLike[str] | None = None,
        secrets_dir: str | os.PathLike[str] | None = None,
        arguments: Mapping[str, Any] | None = None,
        on_event: Listener | None = None,
    ) -> Self:
        """Build a manager from settings. Does no network I/O; safe before a fork.

        Args:
            settings: A path or several, later ones override; or the whole configuration as a
                mapping, which reads nothing else. Without it: `OAUTHREG_SETTINGS`, else
                `settings.toml` in the working directory, with the environment and `.env`.
            only: Resolve just these registrations: one id, or several.
            profile: Read `<stem>.<profile><suffix>` too; default: `OAUTHREG_PROFILE`.
            env_file: A `.env` file; default: `OAUTHREG_ENV_FILE`, or the one beside the default
                settings file.
            secrets_dir: A folder with one file per setting; default: `OAUTHREG_SECRETS_DIR`.
            arguments: Settings that override every other source.
            on_event: Called with every event of the renewal engine.

        Raises:
            ConfigurationError: with every problem of every registration.
        """
        asked = only if only is None or isinstance(only, str) else tuple(only)

        def load_again() -> Configuration:
            return load(
                settings,
                only=asked,
                profile=profile,
                env_file=env_file,
                secrets_dir=secrets_dir,
                arguments=arguments,
            )

        manager = cls(load_again(), on_event=on_event, load_again=load_again)
        manager._start_warm_up()
        return manager

    @property
    def registrations(self) -> Mapping[str, ClientRegistration]:
        """Every registration by its id."""
        return self._configuration.registrations

    def register(self, registration_id: str, settings: Mapping[str, Any]) -> ClientRegistration:
        """Add or replace a registration at run time.

        Args:
            registration_id: Its id.
            settings: Its table, as under `registration.<id>` in a settings file.

        Raises:
            ConfigurationError: with every problem of it; nothing was changed then.
        """
        self._check_open()
        with self._lock:
            configuration, entry = with_registration(self._configuration, registration_id, settings)
            self._adopt(configuration)
            self._registered[entry.registration.registration_id] = deepcopy(dict(settings))
        return entry.registration

    def remove(self, registration_id: str) -> None:
        """Forget a registration and its tokens.

        Raises:
            UnknownRegistrationError: there is none of this id.
        """
        self._check_open()
        with self._lock:
            known = self._entry(registration_id).registration.registration_id
            entries = {
                id_: entry for id_, entry in self._configuration.entries.items() if id_ != known
            }
            self._adopt(replace(self._configuration, entries=MappingProxyType(entries)))
            self._registered.pop(known, None)
            self._overrides.pop(known, None)

    def override(self, registration_id: str, token_value: str | None) -> None:
        """Hand out a fixed token instead of a real one, for tests; None ends it.

        Raises:
            UnknownRegistrationError: there is no registration of this id.
            ValueError: it is no token that could be sent.
        """
        self._check_open()
        known = self._entry(registration_id).registration.registration_id
        if token_value is not None and not HEADER_SAFE.fullmatch(token_value):
            raise ValueError("a token is a non-empty text of printable ASCII without spaces")
        if token_value is None:
            self._overrides.pop(known, None)
        else:
            self._overrides[known] = token_value
        self._renew_tables()
        self._engine.forget(known)

    def _check_open(self) -> None:
        if self._closed:
            raise ManagerClosedError

    def _entry(self, registration_id: str) -> ResolvedRegistration:
        entries = self._configuration.entries
        known_as = checked_id(registration_id)
        entry = entries.get(known_as)
        if entry is not None:
            return entry
        known = ", ".join(entries) or "none"
        advice = did_you_mean(known_as, entries)
        looked = "; ".join(self._configuration.looked_at)
        remedy = advice or (f"Settings were looked for in: {looked}." if looked else "")
        raise UnknownRegistrationError(
            registration_id, f"there is no such registration; configured: {known}", remedy
        )

    def _read_again(self) -> Configuration:
        return self._load_again() if self._load_again is not None else self._configuration

    def _adopt_again(self, configuration: Configuration) -> None:
        """Take the settings as they were read again, and over them what `register` added."""
        for registration_id, settings in self._registered.items():
            configuration, _ = with_registration(configuration, registration_id, settings)
        entries = {
            id_: _with_old_key(entry, self._configuration.entries.get(id_))
            for id_, entry in configuration.entries.items()
        }
        self._adopt(replace(configuration, entries=MappingProxyType(entries)))

    def _adopt(self, configuration: Configuration) -> None:
        """Take a new configuration; tokens of registrations that changed are dropped."""
        before, self._configuration = self._configuration, configuration
        self._plain.clear()
        self._renew_tables()
        for id_, entry in before.entries.items():
            after = configuration.entries.get(id_)
            if after is None or after.registration != entry.registration:
                self._engine.disown(id_)
        self._engine.changed()

    def _renew_tables(self) -> None:
        """Empty the hit path: callers who decided earlier can only fill the old tables."""
        self._hot, self._hot_calls = {}, {}

    def _start_warm_up(self) -> None:
        raise NotImplementedError


def _with_old_key(
    entry: ResolvedRegistration, before: ResolvedRegistration | None
) -> ResolvedRegistration:
    """Return an entry that did not change with the DPoP key that was made for it earlier."""
    prover = entry.registration.prover
    if prover is None or prover.lasting or before is None:
        return entry
    if before.registration != entry.registration:
        return entry
    kept = entry.registration.with_options(prover=before.registration.prover)
    return replace(entry, registration=kept)
