"""Every effective value of a registration, where it comes from, and what it overrides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from oauthreg._endpoints import ENDPOINTS
from oauthreg._explain import masks
from oauthreg._secret_values import MASK
from oauthreg._settings.credentials import Credentials
from oauthreg._settings.load import effective
from oauthreg._settings.models import HttpSettings, RegistrationSettings, aliases
from oauthreg._settings.plugin_settings import leaf_of, secrets_of, spellings
from oauthreg._sources import Sourced, locate
from oauthreg._sources.locate import quoted
from oauthreg._sources.tree import ALTERNATIVES, BASES, VERBATIM, Origin, canonical

if TYPE_CHECKING:
    from oauthreg._discovery import Metadata
    from oauthreg._registration import ClientRegistration
    from oauthreg._settings.load import Configuration
    from oauthreg._sources import Tree

DEFAULT = Origin("default", "")
_LINE = re.compile(r" line (\d+)$")
_FILES = ("file", "spring-file", "env-file", "secrets-directory")
_VARIABLES = ("environment", "spring-variable")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from.

    Attributes:
        words: In words: `settings.toml line 4`, `environment variable X`, `default`.
        kind: `file`, `environment`, `env-file`, `secrets-directory`, `argument`, `spring-file`,
            `spring-variable`, `default`, `plugin`, `rule` or `discovery`.
        file: The file, where it is one.
        line: The line in it, where that is known.
        variable: The variable of the environment, where it is one.
    """

    words: str
    kind: str
    file: str | None = None
    line: int | None = None
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """One effective value.

    Attributes:
        path: Its setting: `registration.my-client.scope`.
        name: The setting's own name: `scope`.
        value: The value as JSON has it; a credential is masked.
        source: Where it comes from.
        overrides: The values that would count without it, each with its source.
    """

    path: str
    name: str
    value: Any
    source: Source
    overrides: tuple[tuple[Any, Source], ...] = ()


def values(
    configuration: Configuration,
    layers: Sequence[Tree],
    registration: ClientRegistration,
    metadata: Metadata | None = None,
) -> list[Value]:
    """Return every effective value of a registration, its provider and its http profile.

    Args:
        configuration: What was loaded.
        layers: The tree of each source, the one that overrides the others first.
        registration: One of its registrations.
        metadata: The provider's metadata, where it was fetched.
    """
    return [
        *_of_registration(configuration, layers, registration, metadata),
        *_of_provider(configuration, layers, registration, metadata),
        *_of_http(layers, registration),
    ]


def _of_registration(
    configuration: Configuration,
    layers: Sequence[Tree],
    registration: ClientRegistration,
    metadata: Metadata | None,
) -> Iterator[Value]:
    id_ = registration.registration_id
    path = f"registration.{quoted(id_)}"
    table = effective(configuration, id_)
    options = configuration.entries[id_].plugin.options_class
    own = {
        key: item for key, item in table.items.items() if leaf_of(key, item) in spellings(options)
    }
    documented = Credentials(table).documented
    parsed = table.without({*ALTERNATIVES, *own, *documented}).parsed(RegistrationSettings)
    below = [_at(layer, "registration", id_) for layer in layers]
    below += [_at(layer, "defaults", None) for layer in layers]
    below.append(table.items)
    for key in aliases(RegistrationSettings):
        found = table.items.get(BASES.get(key, key))
        if key == "provider" and found is None:
            chosen = Source(f"rule: {registration.provider.chosen_by}", "rule")
            yield Value(f"{path}.{key}", key, registration.provider.name, chosen)
        elif key == "client-authentication-method" and found is None:
            yield _method(f"{path}.{key}", key, registration, metadata)
        elif isinstance(found, dict) and key in VERBATIM:
            yield from _entries(path, key, found, below)
        elif isinstance(found, Sourced) and (key not in BASES or found.leaf == key):
            value = found.value if key in BASES else _parsed(parsed, key)
            value = MASK if key in documented else value
            yield _value(path, BASES.get(key, key), found, value, below)
        elif found is None and key not in BASES:
            value = masks.plain(_parsed(parsed, key))
            yield Value(f"{path}.{key}", key, value, source_of(DEFAULT))
    for key, item in own.items():
        shown = _value(path, key, item, item.value, below)
        yield _hidden(shown) if key in secrets_of(options) else shown


def _parsed(model: RegistrationSettings | None, key: str) -> Any:
    return getattr(model, key.replace("-", "_"), None)


def _method(
    path: str, key: str, registration: ClientRegistration, metadata: Metadata | None
) -> Value:
    """Return the client authentication method where the settings name none."""
    from oauthreg._protocol.authentication import advertised_method  # noqa: PLC0415 - once

    method, plugin = registration.client_authentication_method, registration.provider.type
    if method is not None:
        return Value(path, key, method, source_of(Origin("plugin", plugin)))
    usual = advertised_method(registration, metadata or {})
    if metadata is not None:
        return Value(path, key, usual, Source("discovery: the metadata lists it", "discovery"))
    words = "default: unless the metadata lists another that fits (--online asks it)"
    return Value(path, key, usual, Source(words, "default"))


def _of_provider(
    configuration: Configuration,
    layers: Sequence[Tree],
    registration: ClientRegistration,
    metadata: Metadata | None,
) -> Iterator[Value]:
    from oauthreg._discovery import endpoints  # noqa: PLC0415 - once

    details = registration.provider
    path = f"provider.{quoted(details.name)}"
    table = _at(configuration.tree, "provider", details.name)
    below = [_at(layer, "provider", details.name) for layer in layers]
    secret = _secret_settings(configuration, registration.registration_id)
    for key, item in table.items():
        if isinstance(item, Sourced):
            value = _value(path, key, item, item.value, below)
            yield _hidden(value) if key in secret else value
        elif isinstance(item, dict):
            yield from _entries(path, key, item, below)
    known = {"issuer-uri": details.issuer_uri, **details.endpoints}
    plugin = source_of(Origin("plugin", details.type))
    for key, value in {**known, **details.settings, "type": details.type}.items():
        if value is not None and key not in table:
            source = Source("rule: no type is set", "rule") if key == "type" else plugin
            yield Value(f"{path}.{key}", key, masks.setting(key, key, value), source)
    mutual_tls = registration.certificate is not None
    found = endpoints(metadata, mutual_tls=mutual_tls) if metadata is not None else {}
    for key in ENDPOINTS:
        if key in found and key not in known:
            discovered = Source("discovery: the issuer's metadata", "discovery")
            yield Value(f"{path}.{key}", key, masks.setting(key, key, found[key]), discovered)


def _secret_settings(configuration: Configuration, registration_id: str) -> set[str]:
    """Return the keys of the plugin's settings that are credentials by their type."""
    settings = configuration.entries[registration_id].plugin.settings
    return {
        field.alias or name
        for name, field in type(settings).model_fields.items()
        if hasattr(getattr(settings, name), "get_secret_value")
    }


def _hidden(value: Value) -> Value:
    overrides = tuple((MASK, source) for _, source in value.overrides)
    return replace(value, value=MASK, overrides=overrides)


def _of_http(layers: Sequence[Tree], registration: ClientRegistration) -> Iterator[Value]:
    profile = registration.http
    path = f"http.{quoted(profile.name)}"
    below = [_at(layer, "http", profile.name) for layer in layers]
    below += [_at(layer, "http", "default") for layer in layers if profile.name != "default"]
    for key in aliases(HttpSettings):
        value = getattr(profile, key.replace("-", "_"))
        items = (table.get(key) for table in below)
        found = next((item for item in items if isinstance(item, Sourced)), None)
        if found is not None:
            yield _value(path, key, found, value, below)
        else:
            shown = masks.setting(key, key, value)
            yield Value(f"{path}.{key}", key, shown, source_of(DEFAULT))


def _entries(
    path: str, key: str, found: Mapping[str, Any], below: Sequence[Mapping[str, Any]]
) -> Iterator[Value]:
    """Give the values of a table whose keys are the user's own, such as `parameters`."""
    for name, item in found.items():
        tables = [table[key] for table in below if isinstance(table.get(key), dict)]
        own = [table[name] for table in tables if isinstance(table.get(name), Sourced)]
        yield Value(
            f"{path}.{key}.{quoted(name)}",
            name,
            masks.setting(key, name, item.value),
            source_of(item.origin, path),
            _overrides(path, key, name, item, own),
        )


def _value(
    path: str, key: str, found: Sourced, value: Any, below: Sequence[Mapping[str, Any]]
) -> Value:
    items = [table[key] for table in below if isinstance(table.get(key), Sourced)]
    return Value(
        f"{path}.{found.leaf}",
        found.leaf,
        masks.setting(key, found.leaf, value),
        source_of(found.origin, path),
        _overrides(path, key, found.leaf, found, items),
    )


def _overrides(
    path: str, key: str, leaf: str, found: Sourced, items: Sequence[Sourced]
) -> tuple[tuple[Any, Source], ...]:
    others = {item.origin: item for item in items if item.origin != found.origin}
    return tuple(
        (
            masks.setting(key, item.leaf if key in BASES else leaf, item.value),
            source_of(origin, path),
        )
        for origin, item in others.items()
    )


def source_of(origin: Origin, path: str = "") -> Source:
    """Return an origin as data.

    Args:
        origin: Where a value stands.
        path: The table that its key is expected in, which then need not be named.
    """
    place, comma, key = locate(origin).partition(", ")
    repeats = bool(path) and path in canonical(key)
    words = place if not comma or repeats else f"{place}, {key}"
    line = _LINE.search(place)
    return Source(
        words or origin.kind,
        origin.kind,
        file=origin.name if origin.kind in _FILES else None,
        line=int(line[1]) if line else None,
        variable=origin.name if origin.kind in _VARIABLES else None,
    )


def _at(tree: Mapping[str, Any], section: str, name: str | None) -> Mapping[str, Any]:
    table = tree.get(section) or {}
    found = table if name is None else table.get(name, {})
    return found if isinstance(found, Mapping) else {}
