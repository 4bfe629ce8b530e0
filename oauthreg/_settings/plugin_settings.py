"""What a plugin declares itself: settings of its provider, and options of its registrations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from oauthreg._secret_values import LiteralSecret, Secret, SecretReadError, SourcedSecret
from oauthreg._settings.credentials import Credentials
from oauthreg._settings.documents import items_of
from oauthreg._settings.models import aliases
from oauthreg._settings.plausible import implausible
from oauthreg._sources.tree import BASES, Origin, Sourced, base_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

    from oauthreg._provider import ProviderPlugin
    from oauthreg._settings.validation import Table

BLANKS = " \xa0"


def secrets_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the keys of a model's settings of the type `Secret`, by which tables have them."""
    return tuple(
        known.alias or name
        for name, known in model.model_fields.items()
        if Secret in (known.annotation, *get_args(known.annotation))
    )


def spellings(model: type[BaseModel]) -> tuple[str, ...]:
    """Return a model's settings as they may be written: a secret in three ways."""
    secrets = secrets_of(model)
    files = (f"{key}{ending}" for key in secrets for ending in ("-file", "-ref"))
    return (*aliases(model), *files)


def leaf_of(key: str, item: Any) -> str:
    """Return a setting's name as its source spells it."""
    return item.leaf if isinstance(item, Sourced) else key


def with_sources(table: Table, model: type[BaseModel]) -> Table:
    """Return a table with the sources of its secrets in their place; what is wrong is noted."""
    items: dict[str, Any] = dict(table.items)
    credentials = Credentials(table)
    for key in secrets_of(model):
        item = items.get(key)
        if isinstance(item, Sourced):
            source = next(iter(credentials.secrets(key, blanks=BLANKS)), None)
            found = SourcedSecret(source or LiteralSecret(Secret("-")))  # the problem is noted
            items[key] = Sourced(found, item.origin, key)
    return table.with_items(items)


def configured(settings: BaseModel) -> dict[str, Any]:
    """Return a plugin's settings by key, without those that are at their default.

    What only says how errors are explained is left out: no token depends on it.
    """
    known = type(settings).model_fields
    given = dict(settings)
    defaults = {
        name: field.get_default(call_default_factory=True, validated_data=given)
        for name, field in known.items()
    }
    return {
        (known[name].alias if name in known else None) or name: value
        for name, value in given.items()
        if (name not in defaults or value != defaults[name]) and name != "error_hints"
    }


@dataclass(frozen=True, slots=True)
class Beneath:
    """Settings that stand below those that somebody wrote.

    Attributes:
        registration: Those of the registration.
        provider: Those of its provider.
    """

    registration: dict[str, Sourced] = field(default_factory=dict)
    provider: dict[str, Sourced] = field(default_factory=dict)


def from_document(plugin_class: type[ProviderPlugin[Any]], table: Table) -> Beneath:
    """Return what the credential document of a registration has; what is wrong is noted.

    Args:
        plugin_class: The plugin that says where the document has what.
        table: The registration's table.
    """
    if "credentials" not in table.items:
        return Beneath()
    if not plugin_class.document:
        table.note(
            "credentials",
            "is of no use: the provider's plugin reads no credential document",
            "Set the provider's type to a plugin that does, or write the settings themselves.",
        )
        return Beneath()
    item, source = table.items["credentials"], None
    if item.leaf == "credentials":
        remedy = "Name the document by credentials-file or credentials-ref."
        table.note("credentials", "there is no such setting", remedy)
    elif not implausible(item, "credentials", table.name):  # which the registration will note
        source = Credentials(table).source("credentials")
    if source is None:
        return _unread(plugin_class)
    try:
        return _split(plugin_class, items_of(source, plugin_class.document).items())
    except SecretReadError as error:
        table.note("credentials", str(error), error.remedy)
        return _unread(plugin_class)


def _unread(plugin_class: type[ProviderPlugin[Any]]) -> Beneath:
    """Return what stands in for a document that is a problem, so that it is the only one."""
    origin = Origin("document", "credentials")
    named = ("client-id", "client-secret") if plugin_class.document else ()
    return Beneath({key: Sourced("-", origin, key) for key in named})


def from_environment(
    plugin_class: type[ProviderPlugin[Any]], environ: Mapping[str, str]
) -> Beneath:
    """Return what a platform's variables say.

    Args:
        plugin_class: The plugin that says which variable is which setting.
        environ: The variables; none where the configuration is a dict.
    """
    secrets = {*secrets_of(plugin_class.settings_class), *secrets_of(plugin_class.options_class)}
    found = []
    for key, name in plugin_class.environment.items():
        if not environ.get(name):
            continue
        secret = key in secrets or (key in BASES and not key.endswith(("-file", "-ref")))
        value, leaf = (f"env:{name}", f"{key}-ref") if secret else (environ[name], key)
        found.append((key, Sourced(value, Origin("environment", name), leaf)))
    return _split(plugin_class, found)


def _split(
    plugin_class: type[ProviderPlugin[Any]], items: Iterable[tuple[str, Sourced]]
) -> Beneath:
    """Tell the provider's settings from the registration's."""
    beneath = Beneath()
    own = {*aliases(plugin_class.settings_class), *plugin_class.addresses}
    for key, item in items:
        if key in own or (key.endswith("-uri") and key != "redirect-uri"):
            beneath.provider[key] = item
        else:
            beneath.registration[base_of("registration", key)] = item
    return beneath
