"""The registrations of a manager: read once, replaced at run time, read again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from oauthreg._errors import UnknownRegistrationError
from oauthreg._manager.options import checked_id
from oauthreg._settings.load import with_registration
from oauthreg._suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from oauthreg._registration import ClientRegistration
    from oauthreg._secret_values import Secret
    from oauthreg._settings.load import Configuration, ResolvedRegistration
    from oauthreg._settings.store import ConfiguredStore


class RegistrationRegistry:
    """The current configuration of a manager.

    Args:
        configuration: What was loaded.
        load_again: Loads it anew for `reload`; without it there is nothing to read again.
    """

    def __init__(
        self,
        configuration: Configuration,
        load_again: Callable[[], Configuration] | None = None,
    ) -> None:
        self._configuration = configuration
        self._load_again = load_again
        self._registered: dict[str, Mapping[str, Any]] = {}
        self._lock = threading.RLock()

    @property
    def registrations(self) -> Mapping[str, ClientRegistration]:
        """Every registration by its id."""
        return self._configuration.registrations

    @property
    def store(self) -> ConfiguredStore | None:
        """The store that the configuration names, if it names one."""
        return self._configuration.store

    def resolved(self) -> Iterable[ResolvedRegistration]:
        """Return every registration with its plugin."""
        return self._configuration.entries.values()

    def fixed_token(self, registration_id: str) -> Secret | None:
        """Return the token that `OAUTHREG_FIXED_TOKENS` has for a registration, if it has one."""
        return self._configuration.fixed_tokens.get(registration_id)

    def by_id(self) -> Mapping[str, ResolvedRegistration]:
        """Return every registration with its plugin, by its id."""
        return self._configuration.entries

    def find(self, registration_id: str) -> ResolvedRegistration:
        """Return one registration with its plugin, by any spelling of its id.

        Raises:
            UnknownRegistrationError: there is none of this id.
        """
        entries = self._configuration.entries
        known_as = checked_id(registration_id)
        entry = entries.get(known_as)
        if entry is not None:
            return entry
        known = ", ".join(entries) or "none"
        advice = did_you_mean(known_as, entries)
        looked_at = "; ".join(self._configuration.looked_at)
        remedy = advice or (f"Settings were looked for in: {looked_at}." if looked_at else "")
        if known_as in self._configuration.left_out:
            remedy = "It is in the settings, and was left out by only=."
        raise UnknownRegistrationError(
            registration_id, f"there is no such registration; configured: {known}", remedy
        )

    def register(
        self, registration_id: str, settings: Mapping[str, Any]
    ) -> tuple[ClientRegistration, set[str]]:
        """Add or replace a registration; return it, and the ids of those that changed.

        Raises:
            ConfigurationError: with every problem of it; nothing was changed then.
        """
        checked_id(registration_id)
        if not isinstance(settings, Mapping):
            raise TypeError('settings must be a table, as in {"client-id": "my-client"}')
        with self._lock:
            configuration, entry = with_registration(self._configuration, registration_id, settings)
            changed = self._replace(configuration)
            self._registered[entry.registration.registration_id] = deepcopy(dict(settings))
            return entry.registration, changed

    def remove(self, registration_id: str) -> str:
        """Remove a registration; return its canonical id.

        Raises:
            UnknownRegistrationError: there is none of this id.
        """
        with self._lock:
            known = self.find(registration_id).registration.registration_id
            entries = {
                id_: entry for id_, entry in self._configuration.entries.items() if id_ != known
            }
            self._replace(replace(self._configuration, entries=MappingProxyType(entries)))
            self._registered.pop(known, None)
            return known

    def read_again(self) -> Configuration:
        """Load the settings anew; nothing changes yet.

        Raises:
            ConfigurationError: with every problem.
        """
        return self._load_again() if self._load_again is not None else self._configuration

    def adopt(self, configuration: Configuration) -> set[str]:
        """Take a configuration that was read again, and over it what `register` added.

        Returns:
            The ids of registrations that changed or are gone.

        Raises:
            ConfigurationError: what `register` added does not fit any more; nothing was changed.
        """
        with self._lock:
            for registration_id, settings in self._registered.items():
                configuration, _ = with_registration(configuration, registration_id, settings)
            entries = {
                id_: _with_old_key(entry, self._configuration.entries.get(id_))
                for id_, entry in configuration.entries.items()
            }
            return self._replace(replace(configuration, entries=MappingProxyType(entries)))

    def reset_after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.RLock()

    def _replace(self, configuration: Configuration) -> set[str]:
        before, self._configuration = self._configuration.entries, configuration
        after = configuration.entries
        return {
            id_
            for id_, entry in before.items()
            if id_ not in after or after[id_].registration != entry.registration
        }


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
