"""Finding plugins: names from the installed distributions, code through stevedore, lazily."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module, metadata, resources
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from oauthreg._errors import PluginError
from oauthreg._provider import GenericProvider, ProviderPlugin
from oauthreg._quoting import quoted_word
from oauthreg._suggestions import close_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from oauthreg._secret_values import SecretSource
    from oauthreg.stores import Store
    from oauthreg.stores._config import StoreConfig

PROVIDERS = "oauthreg.providers"
SECRETS = "oauthreg.secrets"
STORES = "oauthreg.stores"

OWN_DISTRIBUTIONS: Mapping[str, str] = {
    "keycloak": "oauthreg-keycloak",
    "auth0": "oauthreg-auth0",
    "okta": "oauthreg-okta",
}
"""Our own plugins that a provider's name may choose; others are chosen by `type` alone."""

_KINDS = {PROVIDERS: "provider plugin", SECRETS: "source of secrets", STORES: "store"}
_WITHOUT = {
    PROVIDERS: "Leave the type out for a server that needs no plugin.",
    SECRETS: "Plugins add others; none that is installed has this name.",
}
"""Advice where no plugin has nearly the name."""

_SCHEMES = frozenset({"vault", "aws", "azure", "gcp", "op", "sops", "ssm", "doppler", "bitwarden"})
"""Secret stores that people name: an error may quote these, and nothing else it does not know."""

OWN_STORES: Mapping[str, tuple[str, str]] = {
    "sqlite": ("_sqlite", "SqliteStore"),
    "redis": ("_redis", "RedisStore"),
    "sql": ("_sql", "SqlStore"),
}
"""Our own stores by type: their module in `oauthreg.stores`, and class."""

STORE_EXTRAS: Mapping[str, str] = {"redis": "redis", "sql": "sqlalchemy"}
"""The library that a store needs, which our extra of the store's name brings."""

COMMON = ("google", "github", "facebook", "x")
BUILT_IN = ("generic", *COMMON)
"""The plugins of this package itself, whose names are taken."""

CLOSEST = 3
"""How many names an error lists: there may be sixty."""


@dataclass(frozen=True, slots=True)
class Installed:
    """One entry point of a group.

    Attributes:
        name: The plugin's name.
        target: `module:object`.
        distribution: The distribution's name and version.
    """

    name: str
    target: str
    distribution: str


def installed(group: str) -> tuple[Installed, ...]:
    """List a group's plugins by name, without importing any of them."""
    return _listed(group, tuple(sys.path))


@lru_cache
def _listed(group: str, path: tuple[str, ...]) -> tuple[Installed, ...]:  # noqa: ARG001 - where they are found
    found = {
        Installed(
            point.name,
            point.value,
            f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown distribution",
        )
        for point in metadata.entry_points(group=group)
    }
    return tuple(sorted(found, key=lambda plugin: (plugin.name, plugin.distribution)))


def provider_plugin(name: str) -> type[ProviderPlugin[Any]]:
    """Return the provider plugin of this name.

    Raises:
        PluginError: there is none, or two, or it does not import, or it is no provider plugin.
    """
    if name in BUILT_IN:
        return _built_in(name)
    loaded = load(PROVIDERS, name, extra=BUILT_IN)
    if not (isinstance(loaded, type) and issubclass(loaded, ProviderPlugin)):
        raise PluginError(f"provider plugin {name!r} is not a subclass of oauthreg.ProviderPlugin")
    return loaded


def own_plugin(name: str) -> type[ProviderPlugin[Any]] | None:
    """Return the built-in plugin of this name: ours or one of the common providers.

    None if the name is no built-in's, or if its distribution is not installed. A third-party
    distribution is never chosen this way.

    Raises:
        PluginError: our distribution is there, but does not import.
    """
    if name in COMMON:
        return _built_in(name)
    ours = OWN_DISTRIBUTIONS.get(name)
    if not any(p.name == name and p.distribution.split()[0] == ours for p in installed(PROVIDERS)):
        return None
    return provider_plugin(name)


def secret_source(scheme: str, reference: str) -> SecretSource:
    """Return a secret source of an installed scheme (`vault` in `vault:kv/app`).

    Raises:
        PluginError: no plugin, or two, reads this scheme, or it refuses the reference.
    """
    make = load(SECRETS, scheme, extra=("env", "file", "keyring"))
    try:
        return cast("SecretSource", make(reference))
    except Exception as error:
        raise PluginError(f"secret plugin {scheme!r}: {type(error).__name__}: {error}") from error


def store_factory(name: str) -> Callable[[StoreConfig], Store]:
    """Return what makes the stores of this type from their settings.

    Raises:
        PluginError: there is none, or two, or it does not import, or its library is missing.
    """
    if name not in OWN_STORES:
        factory = load(STORES, name, extra=("memory", *OWN_STORES))
        return cast("Callable[[StoreConfig], Store]", factory)
    library = STORE_EXTRAS.get(name)
    if library is not None and find_spec(library) is None:
        raise PluginError(f"needs the library {library}", f"pip install 'oauthreg[{name}]'")
    module, kind = OWN_STORES[name]
    own = getattr(import_module(f"oauthreg.stores.{module}"), kind)
    return cast("Callable[[StoreConfig], Store]", own.from_config)


def load(group: str, name: str, *, extra: tuple[str, ...]) -> Any:
    """Import and return one plugin by name.

    Args:
        group: The entry point group.
        name: The plugin's name.
        extra: Names that exist without being installed, for the error's list.

    Raises:
        PluginError: as `provider_plugin`; its cause is the plugin's own exception.
    """
    everything = installed(group)
    matches = [plugin for plugin in everything if plugin.name == name]
    if not matches:
        raise _missing(group, name, [*extra, *(p.name for p in everything)])
    if len(matches) > 1:
        raise _twice(name, matches)
    from stevedore.named import NamedExtensionManager  # noqa: PLC0415 - loaded when needed

    def fail(_manager: object, _point: object, error: BaseException) -> None:
        raise error

    def accept(_missing: object) -> None:
        """Do nothing: an empty result is reported below."""

    try:
        manager: NamedExtensionManager[Any] = NamedExtensionManager(
            group,
            names=[name],
            invoke_on_load=False,
            on_load_failure_callback=fail,
            on_missing_entrypoints_callback=accept,
        )
    except Exception as error:
        raise PluginError(
            f"plugin {name!r} of {matches[0].distribution} does not import: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not manager.extensions:
        message = f"plugin {name!r} was installed after this process started"
        raise PluginError(message, "Restart it.")
    return manager.extensions[0].plugin


@lru_cache
def known_distributions() -> Mapping[str, Mapping[str, Any]]:
    """Return our distributions of provider plugins: what each is about, and its `providers`."""
    return tomllib.loads(resources.files("oauthreg").joinpath("known.toml").read_text("utf-8"))


def known_providers() -> dict[str, str]:
    """Return the distribution of each provider plugin of ours, installed or not."""
    return {
        name: distribution
        for distribution, table in known_distributions().items()
        for name in table["providers"]
    }


def _built_in(name: str) -> type[ProviderPlugin[Any]]:
    """Return one of the plugins of this package, if no distribution claims its name.

    Raises:
        PluginError: one does.
    """
    others = [plugin for plugin in installed(PROVIDERS) if plugin.name == name]
    if others:
        target = f"oauthreg:{name}"
        ours = Installed(
            name, target, f"oauthreg {metadata.version('oauthreg')}, which has it built in"
        )
        raise _twice(name, [ours, *others])
    return GenericProvider if name == "generic" else _common(name)


def _twice(name: str, owners: Iterable[Installed]) -> PluginError:
    listed = " and ".join(f"{plugin.distribution} ({plugin.target})" for plugin in owners)
    return PluginError(f"plugin {name!r} is installed twice, in {listed}", "Uninstall one.")


def _common(name: str) -> type[ProviderPlugin[Any]]:
    from oauthreg import _common_providers as common_providers  # noqa: PLC0415 - data that most programs never need

    known = {"google": "Google", "github": "GitHub", "facebook": "Facebook", "x": "X"}
    return cast("type[ProviderPlugin[Any]]", getattr(common_providers, known[name]))


def _missing(group: str, name: str, names: Iterable[str]) -> PluginError:
    """Return the error of a name that no plugin has.

    Only our own distributions are ever named: a name that anybody may register is no advice.
    """
    known, wanted = sorted({*names}), known_providers() if group == PROVIDERS else {}
    if group == SECRETS:
        shown = repr(name) if close_to(name, {*known, *_SCHEMES}) else ""
    else:
        shown = quoted_word(name, {*known, *wanted})
    named = f"called {shown}" if shown else "of this name"
    listed = f"there are: {', '.join(known)}"
    if group == PROVIDERS and len(known) > CLOSEST:
        closest = get_close_matches(name.lower(), known, CLOSEST, cutoff=0.0)
        listed = f"the closest are {', '.join(closest)}; oauthreg providers lists all"
    message = f"there is no {_KINDS.get(group, 'plugin')} {named}; {listed}"
    meant = name if name in wanted else close_to(name, {*known, *wanted})
    if meant is None:
        return PluginError(message, _WITHOUT.get(group, ""))
    install = f"pip install {wanted[meant]}" if meant in wanted and meant not in known else ""
    advice = "" if meant == name else f"Did you mean {meant!r}? "
    return PluginError(message, f"{advice}{install}".strip())
