"""Which provider a registration belongs to, and which plugin knows that provider's ways."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from oauthreg.errors import PluginError, Problem
from oauthreg.plugins import COMMON, OWN_DISTRIBUTIONS, own_plugin, provider_plugin
from oauthreg.provider import TEMPLATES, GenericProvider, ProviderPlugin
from oauthreg.registration import ProviderDetails
from oauthreg.settings.models import ProviderAddresses, aliases
from oauthreg.settings.tables import did_you_mean, parsed, plain, problem_at, source_of
from oauthreg.sources.tree import Sourced

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESSES = frozenset(aliases(ProviderAddresses))


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
        named = item.value if isinstance(item, Sourced) and isinstance(item.value, str) else None
        for name, rule in (
            (named, "named by the registration"),
            (registration_id, "named like the registration"),
        ):
            if name and (name in self._tables or self._built_in(name)):
                return self._chosen(name, rule)
            if name and name == named:
                break
        path = f"registration.{registration_id}"
        existing = ", ".join(sorted(self._tables)) or "none"
        if named:
            advice = did_you_mean(named, [*self._tables, *COMMON, *OWN_DISTRIBUTIONS])
            message = f"there is no provider {named!r}; configured: {existing}"
            self._problems.append(problem_at(table, "provider", path, message, advice))
            return None
        if len(self._tables) == 1:
            return self._chosen(next(iter(self._tables)), "the only provider configured")
        remedy = (
            f"Set {path}.provider to one of them."
            if self._tables
            else (f"Configure one: provider.{registration_id}.issuer-uri or .token-uri.")
        )
        message = f"which provider is it of? Configured: {existing}"
        source = source_of(table, "provider")
        self._problems.append(Problem(f"{path}.provider", message, source, remedy))
        return None

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

    def _built_in(self, name: str) -> bool:
        return name in COMMON or name in OWN_DISTRIBUTIONS

    def _resolve(self, name: str, table: Mapping[str, Any]) -> Provider | None:
        path = f"provider.{name}"
        count = len(self._problems)
        shared = {key: item for key, item in table.items() if key in ADDRESSES}
        own = {key: item for key, item in table.items() if key not in ADDRESSES}
        addresses = parsed(ProviderAddresses, shared, path, self._problems)
        plugin_class, kind = self._plugin_class(name, table)
        if plugin_class is None:
            return None
        if plugin_class is GenericProvider and own:
            for key in own:
                known = [*ADDRESSES, *(["type"] if kind == "generic" else [])]
                remedy = did_you_mean(key, known) or (
                    f"Settings of a plugin need {path}.type, to say which plugin."
                )
                message = "there is no such setting"
                self._problems.append(problem_at(table, key, path, message, remedy))
            return None
        settings = parsed(plugin_class.settings_class, own, path, self._problems)
        if addresses is None or settings is None:
            return None
        plugin = plugin_class(settings)
        explicit = {
            key: value
            for key, value in plain(shared).items()
            if key in TEMPLATES and value is not None
        }
        try:
            endpoints = {**plugin.endpoints(), **explicit}
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            message = f"plugin {kind!r} failed on it: {type(error).__name__}"
            self._problems.append(Problem(path, message, source_of(table, "type")))
            return None
        issuer = endpoints.pop("issuer-uri", None)
        details = ProviderDetails(
            name=name,
            type=kind,
            issuer_uri=issuer,
            endpoints=endpoints,
            settings=settings.model_dump(by_alias=True),
            user_name_attribute=addresses.user_name_attribute,
            user_info_authentication_method=addresses.user_info_authentication_method,
        )
        reachable = issuer or {"token-uri", "metadata-uri"} & endpoints.keys()
        if not reachable and len(self._problems) == count:
            message = "has neither token-uri nor issuer-uri"
            remedy = f"Set {path}.token-uri, or {path}.issuer-uri to have it discovered."
            self._problems.append(Problem(path, message, source_of(table, ""), remedy))
            return None
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
        if name in OWN_DISTRIBUTIONS and not table.keys() & {"token-uri", "issuer-uri"}:
            message = f"its plugin is not installed; pip install {OWN_DISTRIBUTIONS[name]}"
            self._problems.append(Problem(f"provider.{name}", message, source_of(table, "")))
            return None, ""
        return GenericProvider, "generic"
