"""Which provider a registration belongs to, and which plugin knows that provider's ways."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from oauthreg._endpoints import ENDPOINTS
from oauthreg._errors import PluginError, Problem
from oauthreg._plugins import COMMON, OWN_DISTRIBUTIONS, own_plugin, provider_plugin
from oauthreg._provider import (
    GenericProvider,
    ProviderPlugin,
    ProviderSettings,
    UnfitSettingError,
)
from oauthreg._registration import ProviderDetails
from oauthreg._settings.models import ProviderAddresses, ProviderKeys, aliases
from oauthreg._settings.validation import did_you_mean, parsed, problem_at, source_of, sourced
from oauthreg._sources.tree import Origin, Sourced, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESSES = frozenset(aliases(ProviderAddresses))
BUILT_IN = frozenset({*COMMON, *OWN_DISTRIBUTIONS})
"""Providers that a registration's name or `provider` may mean without a table of their own."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of the settings, resolved: its data, and the plugin that serves it."""

    details: ProviderDetails
    plugin: ProviderPlugin[Any]


class Providers:
    """Every provider of one configuration, resolved when first needed.

    Args:
        tables: `provider.<name>` of the canonical tree.
        problems: Where problems are noted.
    """

    def __init__(self, tables: Mapping[str, Any], problems: list[Problem]) -> None:
        self._tables = tables
        self._problems = problems
        self._resolved: dict[str, Provider | None] = {}

    def of(self, registration_id: str, table: Mapping[str, Any]) -> Provider | None:
        """Return the provider of a registration; None with the problem noted.

        `registration.<id>.provider`, else the provider named like the registration, else a
        built-in one of that name, else the only provider there is.
        """
        item = table.get("provider")
        if isinstance(item, Sourced) and isinstance(item.value, str) and item.value:
            named = canonical(item.value)
            if named in self._tables or named in BUILT_IN:
                return self._chosen(named, "named by the registration")
            self._problems.append(self._unknown(named, registration_id, table))
            return None
        if registration_id in self._tables:
            return self._chosen(registration_id, "named like the registration")
        if registration_id in BUILT_IN:
            return self._chosen(registration_id, "built in and named like the registration")
        if len(self._tables) == 1:
            return self._chosen(next(iter(self._tables)), "the only provider configured")
        self._problems.append(self._undecided(registration_id, table))
        return None

    def _unknown(self, named: str, registration_id: str, table: Mapping[str, Any]) -> Problem:
        path = f"registration.{registration_id}"
        message = f"there is no provider {named!r}; configured: {self._existing}"
        advice = did_you_mean(named, [*self._tables, *BUILT_IN])
        return problem_at(table, "provider", path, message, advice)

    def _undecided(self, registration_id: str, table: Mapping[str, Any]) -> Problem:
        path = f"registration.{registration_id}"
        remedy = (
            f"Set {path}.provider to one of them."
            if self._tables
            else f"Configure one: provider.{registration_id}.issuer-uri or .token-uri."
        )
        message = f"which provider is it of? Configured: {self._existing}"
        source = source_of(table, "provider")
        return Problem(f"{path}.provider", message, source, remedy)

    @property
    def _existing(self) -> str:
        return ", ".join(sorted(self._tables)) or "none"

    def resolve_all(self) -> None:
        """Note the problems of every provider, those that no registration uses too."""
        for name in self._tables:
            self._chosen(name, "")

    def _chosen(self, name: str, rule: str) -> Provider | None:
        if name not in self._resolved:
            self._resolved[name] = self._resolve(name, self._tables.get(name, {}))
        provider = self._resolved[name]
        if provider is None:
            return None
        return replace(provider, details=replace(provider.details, chosen_by=rule))

    def _resolve(self, name: str, table: Mapping[str, Any]) -> Provider | None:
        path = f"provider.{name}"
        plugin_class, kind = self._plugin_class(name, table)
        shared = {key: item for key, item in table.items() if key in ADDRESSES}
        addresses = parsed(ProviderAddresses, shared, path, self._problems)
        if plugin_class is None or addresses is None:
            return None
        own = {key: item for key, item in table.items() if key not in ADDRESSES}
        plugin = self._plugin(plugin_class, kind, own, path)
        given = None if plugin is None else self._given(plugin, kind, own, path)
        if plugin is None or given is None:
            return None
        endpoints = {**_written(given), **_written(addresses)}
        issuer = endpoints.pop("issuer-uri", None)
        if not (issuer or {"token-uri", "metadata-uri"} & endpoints.keys()):
            self._problems.append(self._unreachable(name, plugin))
            return None
        details = ProviderDetails(
            name=name,
            type=kind,
            issuer_uri=issuer,
            endpoints=endpoints,
            settings=_configured(plugin.settings),
            user_name_attribute=addresses.user_name_attribute or given.user_name_attribute,
            user_info_authentication_method=addresses.user_info_authentication_method,
        )
        return Provider(details, plugin)

    def _plugin_class(
        self, name: str, table: Mapping[str, Any]
    ) -> tuple[type[ProviderPlugin[Any]] | None, str]:
        item = table.get("type")
        kind = str(item.value) if isinstance(item, Sourced) else None
        try:
            if kind is not None:
                return provider_plugin(kind), kind
            plugin = own_plugin(name)
        except PluginError as error:
            self._problems.append(problem_at(table, "type", f"provider.{name}", str(error)))
            return None, ""
        if plugin is not None:
            return plugin, name
        if name in OWN_DISTRIBUTIONS and not (table and table.keys() <= ADDRESSES):
            message = f"its plugin is not installed; pip install {OWN_DISTRIBUTIONS[name]}"
            self._problems.append(Problem(f"provider.{name}", message, source_of(table, "")))
            return None, ""
        return GenericProvider, "generic"

    def _plugin(
        self,
        plugin_class: type[ProviderPlugin[Any]],
        kind: str,
        own: Mapping[str, Any],
        path: str,
    ) -> ProviderPlugin[Any] | None:
        """Make the plugin from its own settings; None with what is wrong with them noted."""
        known = [*aliases(plugin_class.settings_class), *ADDRESSES]
        unknown = [key for key in own if key not in known]
        advice = f"Known to {kind}: {', '.join(sorted(known))}."
        if plugin_class is GenericProvider:
            advice = f"Settings of a plugin need {path}.type, to say which plugin."
        self._problems.extend(
            problem_at(
                own, key, path, "there is no such setting", did_you_mean(key, known) or advice
            )
            for key in unknown
        )
        wanted = {key: item for key, item in own.items() if key not in unknown}
        try:
            settings = parsed(plugin_class.settings_class, wanted, path, self._problems)
            return None if settings is None or unknown else plugin_class(settings)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            self._problems.append(_failed(kind, error, path))
            return None

    def _given(
        self, plugin: ProviderPlugin[Any], kind: str, own: Mapping[str, Any], path: str
    ) -> ProviderKeys | None:
        """Return the plugin's addresses; None with what is wrong with them noted."""
        try:
            given = sourced(plugin.endpoints(), Origin("plugin", kind))
        except UnfitSettingError as error:
            self._problems.append(problem_at(own, error.setting, path, error.message))
            return None
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            self._problems.append(_failed(kind, error, path))
            return None
        return parsed(ProviderAddresses, given, path, self._problems)

    def _unreachable(self, name: str, plugin: ProviderPlugin[Any]) -> Problem:
        path = f"provider.{name}"
        table = self._tables.get(name, {})
        remedy = f"Set {path}.token-uri, or {path}.issuer-uri to have it discovered"
        own = aliases(plugin.settings_class)
        if own:
            remedy += f", or what its plugin makes them of: {', '.join(own)}"
        if not table and self._tables:
            remedy += f". Or name another provider in the registration: {self._existing}"
        message = "has neither token-uri nor issuer-uri"
        return Problem(path, message, source_of(table, ""), f"{remedy}.")


def _written(addresses: ProviderKeys) -> dict[str, str]:
    everything = addresses.model_dump(by_alias=True, exclude_none=True)
    return {name: url for name, url in everything.items() if name in ENDPOINTS}


def _configured(settings: ProviderSettings) -> dict[str, Any]:
    """Return a plugin's settings by key, without those that are at their default."""
    known = type(settings).model_fields
    given = dict(settings)
    defaults = {
        name: field.get_default(call_default_factory=True, validated_data=given)
        for name, field in known.items()
    }
    return {
        (known[name].alias if name in known else None) or name: value
        for name, value in given.items()
        if name not in defaults or value != defaults[name]
    }


def _failed(kind: str, error: Exception, path: str) -> Problem:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.name}, line {frame.lineno}"
    return Problem(path, f"plugin {kind!r} raised {type(error).__name__} in {place}")
