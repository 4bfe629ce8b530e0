"""Which provider a registration belongs to, and which plugin serves that provider."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import create_model

from oauthreg._api_headers import filled_headers
from oauthreg._common_providers import USER_NAMES
from oauthreg._endpoints import ENDPOINTS
from oauthreg._errors import PluginError
from oauthreg._plugins import COMMON, OWN_DISTRIBUTIONS, own_plugin, provider_plugin
from oauthreg._provider import GenericProvider, ProviderPlugin, needs_no_request
from oauthreg._provider_checks import MTLS_TOKEN_URI, address_names
from oauthreg._provider_data import RegistrationOptions
from oauthreg._quoting import quoted_word
from oauthreg._registration import TOKEN_HEADERS, ProviderDetails
from oauthreg._settings.models import ProviderAddresses, ProviderKeys, aliases
from oauthreg._settings.plugin_settings import (
    Beneath,
    configured,
    from_document,
    from_environment,
    leaf_of,
    secrets_of,
    spellings,
    with_sources,
)
from oauthreg._settings.types import Address, LinkLocalAddress
from oauthreg._settings.unknown_keys import NO_ADVICE, advice
from oauthreg._settings.values import sourced
from oauthreg._sources.tree import Origin, Sourced, canonical
from oauthreg._suggestions import did_you_mean
from oauthreg._templates import UnfitSettingError, filled_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._settings.validation import Table, Tables

ADDRESSES = frozenset(aliases(ProviderAddresses))
OWN_SETTINGS = {
    "base-url": "keycloak",
    "realm": "keycloak",
    "domain": "auth0",
    "organization": "auth0",
    "okta-domain": "okta",
    "authorization-server-id": "okta",
}
"""The settings of our own plugins, for advice where they stand without their plugin."""

BUILT_IN = frozenset({*COMMON, *OWN_DISTRIBUTIONS})
"""Providers that a registration's name or `provider` may mean without a table of their own."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of the settings, resolved: its data, and the plugin that serves it.

    Attributes:
        details: Its data.
        plugin: The plugin.
        document: What the registration's credential document says of the registration.
        environment: What a platform's variables say of it.
    """

    details: ProviderDetails
    plugin: ProviderPlugin[Any]
    document: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)


class Providers:
    """Every provider of one configuration, resolved when first needed.

    Args:
        tables: The tables of the configuration.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._names = tables.names("provider")
        self._resolved: dict[str, Provider | None] = {}
        self._options: dict[str, type[RegistrationOptions]] = {}
        self._chosen_names: dict[str, str] = {}

    @property
    def resolved(self) -> frozenset[str]:
        """The names of the providers that were asked for."""
        return frozenset(self._resolved)

    def options_of(self, registration_id: str) -> type[RegistrationOptions]:
        """Return what the plugin of a registration declares for it, its provider usable or not."""
        name = self._chosen_names.get(registration_id, "")
        return self._options.get(name, RegistrationOptions)

    def of(self, registration_id: str, table: Table) -> Provider | None:
        """Return the provider of a registration; None with the problem noted.

        `registration.<id>.provider`, else the provider named like the registration, else a
        built-in one of that name, else the only provider there is. Where the last two both exist
        it is a problem: a credential must not go to a vendor by accident.
        """
        item = table.items.get("provider")
        if isinstance(item, Sourced) and isinstance(item.value, str) and item.value:
            named = canonical(item.value)
            if named in self._names or named in BUILT_IN:
                return self._chosen(named, "named by the registration", table)
            self._note_unknown(item.value, table)
            return None
        only = next(iter(self._names)) if len(self._names) == 1 else None
        if registration_id in self._names:
            return self._chosen(registration_id, "named like the registration", table)
        if registration_id in BUILT_IN and only is None:
            rule = "built in and named like the registration"
            return self._chosen(registration_id, rule, table)
        if registration_id not in BUILT_IN and only is not None:
            return self._chosen(only, "the only provider configured", table)
        self._note_undecided(registration_id, table, only)
        return None

    def _note_unknown(self, named: str, table: Table) -> None:
        known = [*self._names, *BUILT_IN]
        name = quoted_word(named, known) or "of this name"
        message = f"there is no provider {name}; configured: {self._existing}"
        table.note("provider", message, did_you_mean(named, known))

    def _note_undecided(self, registration_id: str, table: Table, only: str | None) -> None:
        key = table.shown("provider")
        if only is not None:
            message = f"is ambiguous: {registration_id!r} is built in, and {only!r} is configured"
            remedy = f'Set {key} = "{only}" or "{registration_id}".'
        elif self._names:
            message = f"is missing, and there are several providers: {self._existing}"
            remedy = f"Set {key} to one of them."
        else:
            message = "is missing, and no provider is configured"
            remedy = f"Configure one: provider.{registration_id}.issuer-uri or .token-uri."
        table.missing("provider", message, remedy)

    @property
    def _existing(self) -> str:
        return ", ".join(sorted(self._names)) or "none"

    def resolve_all(self) -> None:
        """Note the problems of every provider, those that no registration uses too."""
        for name in self._names:
            if name not in self._resolved:
                self._resolved[name] = self._resolve(name, self._tables.table("provider", name))

    def _chosen(self, name: str, rule: str, registration: Table) -> Provider | None:
        """Return a provider for a registration, whose credential document may say more of it."""
        table = self._tables.table("provider", name)
        self._chosen_names[registration.name or ""] = name
        if "credentials" in registration.items:
            provider = self._resolved[name] = self._resolve(name, table, registration)
        else:
            if name not in self._resolved:
                self._resolved[name] = self._resolve(name, table)
            provider = self._resolved[name]
        if provider is None:
            return None
        return replace(provider, details=replace(provider.details, chosen_by=rule))

    def _resolve(
        self, name: str, table: Table, registration: Table | None = None
    ) -> Provider | None:
        if table.note_dotted_id():
            return None
        plugin_class, kind = self._plugin_class(name, table)
        secrets = secrets_of(plugin_class.settings_class) if plugin_class is not None else ()
        bad = table.implausible(secrets)
        own = table.without(ADDRESSES)
        if plugin_class is None:
            table.without(own.items).parsed(ProviderAddresses, ignoring=bad)
            return None
        self._options[name] = plugin_class.options_class
        document = Beneath()
        if registration is not None:
            document = from_document(plugin_class, registration)
        environment = from_environment(plugin_class, self._tables.environ)
        table = table.over(document.provider, environment.provider)
        own = table.without({*ADDRESSES, *plugin_class.addresses})
        model = addresses_of(plugin_class)
        addresses = table.without(own.items).parsed(model, ignoring=bad)
        plugin = self._plugin(plugin_class, kind, own, bad)
        if addresses is None or plugin is None or bad:
            return None
        given, api = self._given(plugin, kind, own), self._api(plugin, own)
        if given is None or api is None:
            return None
        stated = _written(addresses)
        endpoints = {**_written(given), **stated}
        if "token-uri" in stated:
            endpoints.pop(MTLS_TOKEN_URI, None)
        issuer = endpoints.pop("issuer-uri", None)
        reachable = issuer or {"token-uri", "metadata-uri"} & endpoints.keys()
        if not reachable and not needs_no_request(plugin_class):
            self._note_unreachable(table, plugin)
            return None
        details = ProviderDetails(
            name=name,
            type=kind,
            issuer_uri=issuer,
            endpoints=endpoints,
            settings=configured(plugin.settings),
            user_name_attribute=addresses.user_name_attribute or USER_NAMES.get(kind),
            user_info_authentication_method=addresses.user_info_authentication_method,
            settling=plugin.settling,
            **api,
        )
        return Provider(details, plugin, document.registration, environment.registration)

    def _plugin_class(
        self, name: str, table: Table
    ) -> tuple[type[ProviderPlugin[Any]] | None, str]:
        """Return the plugin and its name; None with the problem noted.

        The settings alone decide, never what is installed: a provider named like one of our
        plugins means that plugin if it has settings of it, and `generic` if it has only addresses.
        """
        item = table.items.get("type")
        kind = str(item.value) if isinstance(item, Sourced) else None
        has_only_addresses = bool(table.items) and table.items.keys() <= ADDRESSES
        try:
            if kind is not None:
                return provider_plugin(kind), kind
            if name in OWN_DISTRIBUTIONS and name not in COMMON and has_only_addresses:
                return GenericProvider, "generic"
            plugin = own_plugin(name)
        except PluginError as error:
            table.note("type", error.message, error.remedy)
            return None, ""
        if plugin is not None:
            return plugin, name
        if name in OWN_DISTRIBUTIONS:
            remedy = f"pip install {OWN_DISTRIBUTIONS[name]}, or set {table.shown('type')}."
            table.at_header(f"its plugin {name!r} is not installed", remedy)
            return None, ""
        return GenericProvider, "generic"

    def _plugin(
        self,
        plugin_class: type[ProviderPlugin[Any]],
        kind: str,
        own: Table,
        bad: set[str],
    ) -> ProviderPlugin[Any] | None:
        """Make the plugin from its own settings; None with what is wrong with them noted."""
        own_settings = _own_settings(plugin_class)
        known = (*own_settings, *sorted(ADDRESSES.union(plugin_class.addresses)))
        unknown = [key for key, item in own.items.items() if leaf_of(key, item) not in known]
        for key in unknown:
            item = own.items[key]
            origin = item.origin if isinstance(item, Sourced) else None
            message, remedy = advice("provider", own.name, leaf_of(key, item), origin, known)
            if plugin_class is not GenericProvider and remedy == NO_ADVICE:
                listed = ", ".join(own_settings) or "none but the addresses"
                remedy = f"Its plugin {kind!r} knows {listed}."
            elif plugin_class is GenericProvider and (remedy == NO_ADVICE or key in OWN_SETTINGS):
                name = OWN_SETTINGS.get(key, "...")
                remedy = f'A setting of a plugin needs {own.shown("type")} = "{name}".'
            own.note(key, message, remedy)
        wanted = with_sources(own.without({*unknown, *bad}), plugin_class.settings_class)
        try:
            settings = wanted.parsed(plugin_class.settings_class, ignoring=bad)
            return None if settings is None or unknown or bad else plugin_class(settings)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            own.at_header(_failed(kind, error))
            return None

    def _given(self, plugin: ProviderPlugin[Any], kind: str, own: Table) -> ProviderKeys | None:
        """Return the plugin's addresses; None with what is wrong with them noted."""
        try:
            given = sourced(plugin.endpoints(), Origin("plugin", kind))
        except UnfitSettingError as error:
            own.note(error.setting, error.message)
            return None
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            own.at_header(_failed(kind, error))
            return None
        return own.with_items(given).parsed(addresses_of(type(plugin)))

    def _api(self, plugin: ProviderPlugin[Any], own: Table) -> dict[str, Any] | None:
        """Return what requests to the API need; None with what is wrong with it noted."""
        headers, uri, settings = plugin.api_headers, plugin.api_uri, plugin.settings
        generic = isinstance(plugin, GenericProvider)
        try:
            return {
                "api_headers": headers
                if headers is TOKEN_HEADERS
                else MappingProxyType(filled_headers(headers, settings)),
                "api_uri": uri if uri is None or generic else filled_from(uri, settings),
                "api_hosts": tuple(plugin.api_hosts),
            }
        except UnfitSettingError as error:
            own.note(error.setting, error.message)
            return None

    def _note_unreachable(self, table: Table, plugin: ProviderPlugin[Any]) -> None:
        remedy = f"Set {table.shown('token-uri')}, or issuer-uri to have it discovered"
        own = _own_settings(type(plugin))
        if own and not isinstance(plugin, GenericProvider):
            remedy += f", or what its plugin makes them of: {', '.join(own)}"
            missing = [key for key in own if key not in table.items]
            if len(missing) < len(own):
                remedy += f" (missing: {', '.join(missing)})"
        if not table.items and self._names:
            remedy += f". Or name another provider in the registration: {self._existing}"
        table.missing("", "has neither token-uri nor issuer-uri", f"{remedy}.")


def addresses_of(plugin_class: type[ProviderPlugin[Any]]) -> type[ProviderKeys]:
    """Return the keys of `provider.<name>.*` besides the plugin's own settings."""
    return _addresses_with(address_names(plugin_class), plugin_class.link_local)


@cache
def _addresses_with(names: tuple[str, ...], link_local: bool) -> type[ProviderKeys]:  # noqa: FBT001 - of a cache
    kind = LinkLocalAddress if link_local else Address
    further: dict[str, Any] = {
        name.replace("-", "_"): (kind | None, None)
        for name in names
        if link_local or name not in ENDPOINTS
    }
    return create_model("ProviderAddresses", __base__=ProviderAddresses, **further)


def _own_settings(plugin_class: type[ProviderPlugin[Any]]) -> tuple[str, ...]:
    return spellings(plugin_class.settings_class)


def _written(addresses: ProviderKeys) -> dict[str, str]:
    everything = addresses.model_dump(by_alias=True, exclude_none=True)
    return {name: url for name, url in everything.items() if name.endswith("-uri")}


def _failed(kind: str, error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.name}, line {frame.lineno}"
    return f"plugin {kind!r} raised {type(error).__name__} in {place}"
