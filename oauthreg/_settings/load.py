"""A whole configuration: every registration of it, or every problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from oauthreg._common_providers import LOGIN, OKTA
from oauthreg._errors import ConfigurationError, Problem
from oauthreg._provider import filled_defaults, needs_no_request
from oauthreg._registration import ClientRegistration, HttpProfile
from oauthreg._settings.fixed_tokens import fixed_tokens
from oauthreg._settings.misspelt import blame_misspelt_id, note_misspelt_names, with_name_meant
from oauthreg._settings.models import (
    NOT_IN_DEFAULTS,
    HttpSettings,
    RegistrationSettings,
    TopLevelSettings,
)
from oauthreg._settings.providers import Provider, Providers
from oauthreg._settings.refresh_tokens import note_tokens_in_two_places
from oauthreg._settings.registrations import registration_from
from oauthreg._settings.store import ConfiguredStore, configured_store
from oauthreg._settings.token_references import note_broken_references, with_links
from oauthreg._settings.validation import Absence, Table, Tables
from oauthreg._settings.values import overlaid, sourced
from oauthreg._sources import read
from oauthreg._sources.locate import owner
from oauthreg._sources.tree import SECTIONS, Origin, Sourced, Tree, base_of, canonical
from oauthreg._suggestions import did_you_mean
from oauthreg._templates import UnfitSettingError

if TYPE_CHECKING:
    from collections.abc import Collection

    from oauthreg._provider import ProviderPlugin
    from oauthreg._secret_values import Secret
    from oauthreg._sources import Read
    from oauthreg._sources.canonicalise import TableName

SPRING = ("spring-file", "spring-variable")
"""The kinds of origin that have Spring's defaults."""

Settings = str | Path | Sequence[str | Path] | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ResolvedRegistration:
    """A registration and the plugin that serves it.

    Attributes:
        registration: The registration.
        plugin: The plugin.
        document: What its credential document says of it.
        environment: What a platform's variables say of it.
    """

    registration: ClientRegistration
    plugin: ProviderPlugin[Any]
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    environment: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Configuration:
    """The registrations of one configuration.

    Attributes:
        entries: By canonical registration id, in the order of the settings.
        looked_at: Where settings were looked for.
        tree: The canonical tree, with the origin of every value.
        environment: The setting `environment`: what this deployment is, such as "production".
        fixed_tokens: Tokens for tests by registration id, for which nothing is asked.
        store: What its tokens are shared through, if anything.
        headers: Where each table of the settings begins.
        left_out: The ids that `only` left out.
        environ: The environment's variables; none where the configuration is a dict.
    """

    entries: Mapping[str, ResolvedRegistration]
    looked_at: tuple[str, ...] = ()
    tree: Tree = field(default_factory=dict, repr=False)
    environment: str | None = None
    fixed_tokens: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    store: ConfiguredStore | None = None
    headers: Mapping[TableName, Origin] = field(default_factory=dict, repr=False)
    left_out: frozenset[str] = frozenset()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

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
        only: Resolve just these registrations, and report no problem of the others.
        sources: Further arguments of `oauthreg._sources.read`.

    Raises:
        ConfigurationError: with every problem that there is.
    """
    configuration, problems = assemble(read(settings, **sources), only)
    if problems:
        raise ConfigurationError(problems)
    return configuration


def assemble(
    found: Read, only: Collection[str] | None = None
) -> tuple[Configuration, list[Problem]]:
    """Resolve what was read; return what of it can be used, and every problem.

    Args:
        found: What was read.
        only: As for `load`.
    """
    only = [only] if isinstance(only, str) else only
    ids = None if only is None else {canonical(one) for one in only}
    problems = [with_name_meant(one) for one in found.problems]
    tables = Tables(found.tree, found.headers, problems, found.environ)
    top = tables.top_level().parsed(TopLevelSettings)
    environment = None if top is None else top.environment
    fixed, tables = fixed_tokens(found, environment, tables)
    entries = resolve(tables, ids)
    note_broken_references(entries, tables)
    note_tokens_in_two_places(entries, tables)
    store = configured_store(tables.table("store"))
    configuration = Configuration(
        MappingProxyType(entries),
        found.looked_at,
        found.tree,
        environment=environment,
        fixed_tokens=fixed,
        store=store,
        headers=found.headers,
        left_out=frozenset(tables.names("registration").keys() - entries.keys()),
        environ=found.environ,
    )
    return configuration, _unexplained(tables.problems, complete=found.complete)


def with_registration(
    configuration: Configuration, registration_id: str, settings: Mapping[str, Any]
) -> tuple[Configuration, ResolvedRegistration]:
    """Return a configuration with one registration added or replaced, and that registration.

    Raises:
        ConfigurationError: with every problem of it.
    """
    found = read({"registration": {registration_id: settings}}, dict_name="register()")
    added = found.tree.get("registration", {})
    tree = {
        **configuration.tree,
        "registration": {**configuration.tree.get("registration", {}), **added},
    }
    headers = {**configuration.headers, **found.headers}
    tables = Tables(tree, headers, list(found.problems), configuration.environ)
    entries = resolve(tables, set(added))
    everything = {**configuration.entries, **entries}
    note_broken_references(everything, tables)
    note_tokens_in_two_places(everything, tables)
    if tables.problems:
        raise ConfigurationError(_unexplained(tables.problems, complete=True))
    changed = replace(
        configuration, entries=MappingProxyType(everything), tree=tree, headers=headers
    )
    return changed, next(iter(entries.values()))


def resolve(tables: Tables, only: set[str] | None = None) -> dict[str, ResolvedRegistration]:
    """Resolve the registrations, noting every problem; with `only`, of these alone."""
    registrations = tables.names("registration")
    profiles = _profiles(tables)
    defaults = _defaults(tables, profiles)
    providers = Providers(tables)
    unknown = sorted((only or set()) - registrations.keys())
    wanted = with_links(only, registrations) if only is not None else registrations.keys()
    entries: dict[str, ResolvedRegistration] = {}
    for registration_id in [one for one in registrations if one in wanted]:
        found = _resolved(registration_id, tables, defaults, providers, profiles)
        if found is not None:
            entries[registration_id] = found
    if only is None:
        providers.resolve_all()
        note_misspelt_names(
            tables, "provider", {e.registration.provider.name for e in entries.values()}
        )
        note_misspelt_names(tables, "http", {e.registration.http.name for e in entries.values()})
    else:
        _keep_problems_of(tables, wanted, providers.resolved, defaults)
    tables.problems.extend(not_there(one, registrations) for one in unknown)
    return entries


def _resolved(
    registration_id: str,
    tables: Tables,
    defaults: Mapping[str, Any],
    providers: Providers,
    profiles: Mapping[str, HttpProfile],
) -> ResolvedRegistration | None:
    table = tables.table("registration", registration_id)
    if table.note_dotted_id():
        return None
    count = len(table.problems)
    provider = providers.of(registration_id, table)
    whole = _whole(table, defaults, provider, tables)
    options = providers.options_of(registration_id)
    registration = registration_from(registration_id, whole, provider, options, profiles)
    if provider is None or registration is None:
        blame_misspelt_id(tables, table, count)
        return None
    return ResolvedRegistration(
        registration, provider.plugin, provider.document, provider.environment
    )


def effective(configuration: Configuration, registration_id: str) -> Table:
    """Return a registration's table over `defaults` and its plugin's, each value with its origin.

    Args:
        configuration: What was loaded.
        registration_id: The canonical id of one of its registrations.
    """
    tables = Tables(configuration.tree, configuration.headers, [])
    entry = configuration.entries[registration_id]
    below = entry.document, entry.environment
    provider = Provider(entry.registration.provider, entry.plugin, *below)
    defaults = _defaults(tables, _profiles(tables))
    return _whole(tables.table("registration", registration_id), defaults, provider, tables)


def _whole(
    table: Table, defaults: Mapping[str, Any], provider: Provider | None, tables: Tables
) -> Table:
    if provider is None:
        return table.over(defaults)
    below = _plugin_defaults(provider, tables)
    named = {}
    if needs_no_request(type(provider.plugin)):  # nobody is sent a client-id
        named = sourced({"client-id": table.name}, Origin("default", "the registration's id"))
    whole = table.over(provider.document, defaults, below, provider.environment, named)
    return _spring_defaults(table, whole, provider)


def _keep_problems_of(
    tables: Tables,
    registrations: AbstractSet[str],
    providers: AbstractSet[str],
    defaults: Mapping[str, Any],
) -> None:
    """Drop the problems of registrations, providers and profiles that nobody asked for."""
    profiles = {"default"}
    for registration_id in registrations & tables.names("registration").keys():
        item = tables.names("registration")[registration_id].get("http", defaults.get("http"))
        profiles |= {canonical(str(item.value))} if isinstance(item, Sourced) else set()
    needed = {"registration": registrations, "provider": providers, "http": profiles}

    def concerns(problem: Problem) -> bool:
        section, name = owner(problem.path)
        return section not in SECTIONS or name in needed[section]

    tables.problems[:] = filter(concerns, tables.problems)


def _unexplained(problems: Sequence[Problem], *, complete: bool) -> list[Problem]:
    """Drop what is missing only because of another problem.

    Args:
        problems: All problems.
        complete: Whether every source could be read: what is missing may stand in one that could
            not.
    """

    def key(problem: Problem) -> tuple[str, str, str]:
        leaf = canonical(problem.path.rpartition(".")[2]).replace("-", "")
        return (*owner(problem.path), leaf)

    found = {key(problem) for problem in problems if not isinstance(problem, Absence)}
    return [
        problem
        for problem in problems
        if not isinstance(problem, Absence) or (complete and key(problem) not in found)
    ]


def not_there(registration_id: str, known: Collection[str]) -> Problem:
    """Return the problem of an id that no registration has."""
    message = f"there is no such registration; configured: {', '.join(known) or 'none'}"
    remedy = did_you_mean(registration_id, known)
    return Problem(f"registration.{registration_id}", message, remedy=remedy)


def _profiles(tables: Tables) -> dict[str, HttpProfile]:
    shared = tables.table("http", "default").usable(HttpSettings)
    profiles = {"default": HttpProfile()}
    for name in ("default", *(one for one in tables.names("http") if one != "default")):
        table = tables.table("http", name)
        own = shared if name == "default" else table.usable(HttpSettings)
        model = Table("http", name, overlaid(own, shared), []).parsed(HttpSettings)
        if model is not None:
            profiles[name] = HttpProfile(name=name, **model.model_dump())
    return profiles


def _defaults(tables: Tables, profiles: Collection[str]) -> dict[str, Any]:
    """Return the usable defaults; what is wrong with the others is noted here, once."""
    table = tables.table("defaults")
    for key in table.items.keys() & NOT_IN_DEFAULTS:
        table.note(key, "must not be a default", "Set it for each registration.")
    usable = table.without(NOT_IN_DEFAULTS).usable(RegistrationSettings)
    profile = usable.get("http")
    if isinstance(profile, Sourced) and canonical(str(profile.value)) not in profiles:
        message = f"there is no such http profile; there are: {', '.join(profiles)}"
        table.note("http", message, did_you_mean(str(profile.value), profiles))
        del usable["http"]
    return usable


def _plugin_defaults(provider: Provider, tables: Tables) -> dict[str, Any]:
    """Return the plugin's defaults; what is wrong with a setting in one is noted."""
    try:
        values = filled_defaults(provider.plugin)
    except UnfitSettingError as error:
        tables.table("provider", provider.details.name).note(error.setting, error.message)
        return {}
    found = sourced(values, Origin("plugin", provider.details.type))
    return {base_of("registration", key): item for key, item in found.items()}


def _spring_defaults(table: Table, whole: Table, provider: Provider) -> Table:
    """Return a Spring file's registration with Spring's defaults.

    Those of Okta where its addresses are given; after discovery the grant authorization_code, else
    none, which is a problem.
    """
    items = table.items.values()
    if not any(item.origin.kind in SPRING for item in items if isinstance(item, Sourced)):
        return whole
    details = provider.details
    if details.name == "okta" and details.issuer_uri is None:
        whole = whole.over(sourced(OKTA, Origin("default", "okta")))
    elif details.issuer_uri is not None:
        whole = whole.over(sourced(LOGIN, Origin("default", "issuer-uri")))
    if "authorization-grant-type" not in whole.items:
        remedy = "A Spring file must set it: client_credentials, for most."
        table.missing("authorization-grant-type", remedy=remedy)
    return whole
