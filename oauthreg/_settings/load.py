"""A whole configuration: every registration of it, or every problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from oauthreg._common_providers import LOGIN, OKTA
from oauthreg._errors import ConfigurationError, Problem
from oauthreg._registration import ClientRegistration, HttpProfile
from oauthreg._settings.models import (
    NOT_IN_DEFAULTS,
    HttpSettings,
    TopLevelSettings,
)
from oauthreg._settings.providers import Providers
from oauthreg._settings.registrations import registration_from
from oauthreg._settings.store import ConfiguredStore, configured_store
from oauthreg._settings.token_references import broken_chains, with_links
from oauthreg._settings.validation import overlaid, parsed, problem_at, source_of, sourced
from oauthreg._sources import read
from oauthreg._sources.tree import TOP_LEVEL, Origin, Sourced, Tree, canonical

if TYPE_CHECKING:
    from collections.abc import Collection

    from oauthreg._provider import ProviderPlugin
    from oauthreg._settings.providers import Provider

SPRING = ("spring-file", "spring-variable")
"""The kinds of origin that have Spring's defaults."""

Settings = str | Path | Sequence[str | Path] | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ResolvedRegistration:
    """A registration and the plugin that serves it."""

    registration: ClientRegistration
    plugin: ProviderPlugin[Any]


@dataclass(frozen=True)
class Configuration:
    """The registrations of one configuration.

    Attributes:
        entries: By canonical registration id, in the order of the settings.
        looked_at: Where settings were looked for.
        tree: The canonical tree, with the origin of every value.
        environment: The setting `environment`: what this deployment is, such as "production".
        store: What its tokens are shared through, if anything.
    """

    entries: Mapping[str, ResolvedRegistration]
    looked_at: tuple[str, ...] = ()
    tree: Tree = field(default_factory=dict, repr=False)
    environment: str | None = None
    store: ConfiguredStore | None = None

    @cached_property
    def registrations(self) -> Mapping[str, ClientRegistration]:
        """The registrations alone, by id."""
        return MappingProxyType({id_: one.registration for id_, one in self.entries.items()})


def load(
    settings: Settings = None,
    *,
    only: Collection[str] | None = None,
    **sources: Any,
) -> Configuration:
    """Read and resolve settings.

    Args:
        settings: A path, several, a whole configuration as a mapping, or None for the defaults.
        only: Resolve just these registrations.
        sources: Further arguments of `oauthreg._sources.read`.

    Raises:
        ConfigurationError: with every problem that there is.
    """
    found = read(settings, **sources)
    problems = list(found.problems)
    only = [only] if isinstance(only, str) else only
    ids = None if only is None else {canonical(one) for one in only}
    entries = resolve(found.tree, problems, ids)
    problems.extend(broken_chains(entries))
    store = configured_store(found.tree.get("store", {}), problems)
    top_level = {key: found.tree[key] for key in TOP_LEVEL if key in found.tree}
    top = parsed(TopLevelSettings, top_level, "", problems)
    if top is None or problems:
        raise ConfigurationError(problems)
    return Configuration(
        MappingProxyType(entries),
        found.looked_at,
        found.tree,
        environment=top.environment,
        store=store,
    )


def with_registration(
    configuration: Configuration, registration_id: str, settings: Mapping[str, Any]
) -> tuple[Configuration, ResolvedRegistration]:
    """Return a configuration with one registration added or replaced, and that registration.

    Raises:
        ConfigurationError: with every problem of it.
    """
    found = read({"registration": {registration_id: settings}})
    problems = list(found.problems)
    added = found.tree.get("registration", {})
    tree = {
        **configuration.tree,
        "registration": {**configuration.tree.get("registration", {}), **added},
    }
    entries = resolve(tree, problems, set(added))
    everything = {**configuration.entries, **entries}
    problems.extend(broken_chains(everything))
    if problems:
        raise ConfigurationError(problems)
    changed = replace(configuration, entries=MappingProxyType(everything), tree=tree)
    return changed, next(iter(entries.values()))


def resolve(
    tree: Tree, problems: list[Problem], only: set[str] | None = None
) -> dict[str, ResolvedRegistration]:
    """Resolve a canonical tree's registrations, noting every problem."""
    tables: Mapping[str, Any] = tree.get("registration", {})
    profiles = _profiles(tree.get("http", {}), problems)
    defaults = _defaults(tree.get("defaults", {}), problems)
    providers = Providers(tree.get("provider", {}), problems)
    if only is None:
        providers.resolve_all()
    problems.extend(
        Problem(f"registration.{missing}", "there is no such registration")
        for missing in sorted((only or set()) - tables.keys())
    )
    only = with_links(only, tables) if only is not None else None
    entries: dict[str, ResolvedRegistration] = {}
    for registration_id, table in tables.items():
        if only is not None and registration_id not in only:
            continue
        provider = providers.of(registration_id, table)
        whole = overlaid(table, defaults)
        if provider is not None:
            whole = overlaid(whole, _plugin_defaults(provider))
            whole = _spring_defaults(registration_id, table, whole, provider, problems)
        registration = registration_from(registration_id, whole, provider, profiles, problems)
        if provider is not None and registration is not None:
            entries[registration_id] = ResolvedRegistration(registration, provider.plugin)
    return entries


def _profiles(tables: Mapping[str, Any], problems: list[Problem]) -> dict[str, HttpProfile]:
    shared = tables.get("default", {})
    profiles = {"default": HttpProfile()}
    for name, table in {"default": {}, **tables}.items():
        model = parsed(HttpSettings, overlaid(table, shared), f"http.{name}", problems)
        if model is not None:
            profiles[name] = HttpProfile(name=name, **model.model_dump())
        else:
            profiles[name] = HttpProfile(name=name)
    return profiles


def _defaults(table: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    allowed = dict(table)
    for key in table.keys() & NOT_IN_DEFAULTS:
        message = "is never a default: say it for each registration"
        problems.append(problem_at(table, key, "defaults", message))
        del allowed[key]
    return allowed


def _plugin_defaults(provider: Provider) -> dict[str, Any]:
    return sourced(provider.plugin.defaults, Origin("plugin", provider.details.type))


def _spring_defaults(
    registration_id: str,
    table: Mapping[str, Any],
    whole: dict[str, Any],
    provider: Provider,
    problems: list[Problem],
) -> dict[str, Any]:
    """Return a Spring file's registration with Spring's defaults.

    Those of Okta where its addresses are given; after discovery the grant authorization_code, else
    none, which is a problem.
    """
    if not any(i.origin.kind in SPRING for i in table.values() if isinstance(i, Sourced)):
        return whole
    details = provider.details
    if details.name == "okta" and details.issuer_uri is None:
        whole = overlaid(whole, sourced(OKTA, Origin("default", "okta")))
    elif details.issuer_uri is not None:
        whole = overlaid(whole, sourced(LOGIN, Origin("default", "issuer-uri")))
    if "authorization-grant-type" not in whole:
        path = f"registration.{registration_id}"
        remedy = "A Spring file must say it: client_credentials, for most."
        source = source_of(table, "")
        problems.append(Problem(f"{path}.authorization-grant-type", "is missing", source, remedy))
    return whole
