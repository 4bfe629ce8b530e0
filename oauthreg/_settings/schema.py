"""The settings as a JSON Schema (draft 7), for editors: from the models and the plugins' own.

What it refuses, the loader refuses: it forgives every spelling that the loader forgives. It says
nothing of what concerns several settings together, nor of files and servers.
"""

from __future__ import annotations

import inspect
import json
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from oauthreg._errors import PluginError
from oauthreg._plugins import (
    BUILT_IN,
    COMMON,
    OWN_DISTRIBUTIONS,
    PROVIDERS,
    installed,
    provider_plugin,
)
from oauthreg._settings.models import (
    NOT_IN_DEFAULTS,
    HttpSettings,
    RegistrationSettings,
    TopLevelSettings,
)
from oauthreg._settings.plugin_settings import spellings as plugin_spellings
from oauthreg._settings.providers import addresses_of
from oauthreg._settings.store import StoreSettings
from oauthreg._settings.types import NUMBER_AS_TEXT, spellings
from oauthreg._sources.tree import ALTERNATIVES, STORE_ALTERNATIVES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oauthreg._provider import ProviderPlugin

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"
OTHER_SPELLINGS = "[A-Z_]|^\\s|\\s$"
"""Keys in other spellings than the usual one, which are taken and not looked into."""
TRUTHS = ("true", "t", "yes", "y", "on", "1", "false", "f", "no", "n", "off", "0")
ATTRIBUTE = re.compile(r"^ {8}(\w+): (.+(?:\n {12}.+)*)", re.MULTILINE)
UNREAD = frozenset(
    (
        *ALTERNATIVES["private-key-passphrase"],
        *(leaf for leaves in STORE_ALTERNATIVES.values() for leaf in leaves),
    )
)
"""Keys that the loader leaves alone where nothing needs them, whatever they hold."""
FURTHER = {"mtls-token-uri": "the token endpoint for clients with a TLS certificate (RFC 8705)"}
"""Addresses that docs/plugins.md explains."""
USUAL_SPELLING = {"pattern": "^[^A-Z]*$"}


class _Generator(GenerateJsonSchema):
    """The schema of one model's keys, as forgiving as the model."""

    def nullable_schema(self, schema: Any) -> Schema:
        """TOML has no null: leave the value out."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> Schema:
        """Leave out the default where it is None, or made by a function."""
        found = super().default_schema(schema)
        if found.get("default") in (None, [], {}, ()):
            found.pop("default", None)
        return found

    def bool_schema(self, schema: Any) -> Schema:  # noqa: ARG002 - as the base
        """Pydantic takes words for truths, and 0 and 1."""
        words = "|".join(map(spellings, TRUTHS))
        text = {"type": "string", "pattern": rf"^\s*(?:{words})\s*$"}
        return {"anyOf": [{"type": "boolean"}, {"enum": [0, 1]}, text]}

    def int_schema(self, schema: Any) -> Schema:
        """Pydantic takes text for numbers."""
        return {"anyOf": [super().int_schema(schema), NUMBER_AS_TEXT]}

    def float_schema(self, schema: Any) -> Schema:
        """Likewise."""
        return {"anyOf": [super().float_schema(schema), NUMBER_AS_TEXT]}

    def literal_schema(self, schema: Any) -> Schema:
        """Blanks around a word are dropped before it is compared."""
        words = [str(one) for one in schema["expected"]]
        pattern = rf"^\s*(?:{'|'.join(map(re.escape, words))})\s*$"
        return {"anyOf": [{"enum": words}, {"type": "string", "pattern": pattern}]}

    def function_before_schema(self, schema: Any) -> Schema:  # noqa: ARG002 - as the base
        """What a function makes of a value before it is checked is not known."""
        return {}

    function_wrap_schema = function_plain_schema = function_before_schema


def json_schema(plugins: Mapping[str, type[ProviderPlugin[Any]]] | None = None) -> Schema:
    """Return the schema of a settings file.

    Args:
        plugins: The provider plugins by name; default: this package's own. A provider with any
            other `type` may have any key, and so may the registrations beside it.
    """
    plugins = plugins if plugins is not None else installed_plugins(BUILT_IN)
    meanings = _meanings()
    registration = _table(RegistrationSettings, meanings["registration"])
    for plugin in plugins.values():
        options = _table(plugin.options_class, _documented(plugin.options_class))["properties"]
        for key in plugin_spellings(plugin.options_class):  # of several plugins, maybe
            meaning = options.get(key, {}).get("description")
            known = {"description": meaning} if meaning else {}
            registration["properties"].setdefault(key, known)
    defaults = {
        **registration,
        "properties": {
            key: value
            for key, value in registration["properties"].items()
            if key not in NOT_IN_DEFAULTS
        },
    }
    definitions: Schema = {
        f"provider-{name}": _provider(name, plugin, meanings["provider"])
        for name, plugin in plugins.items()
    }
    sections: Schema = {
        **_table(TopLevelSettings, meanings["top"])["properties"],
        "registration": _by_id("The clients, by id.", "registration"),
        "provider": _providers(plugins, definitions["provider-generic"]["properties"]),
        "http": _by_id("How requests are sent, by profile.", "http"),
        "store": {"$ref": "#/definitions/store"},
        "defaults": {"$ref": "#/definitions/defaults"},
    }
    definitions |= {
        "settings": {
            "type": "object",
            "properties": sections,
            **_closed(),
            **_closed_registrations(plugins),
        },
        "provider-by-type": _by_type(plugins),
        "registration": {"type": "object", "properties": registration["properties"]},
        "registration-of-known-plugins": registration,
        "defaults": {**defaults, "description": "For every registration."},
        "http": _table(HttpSettings, meanings["http"]),
        "store": _table(StoreSettings, meanings["store"]),
    }
    return {
        "$schema": DRAFT,
        "title": "Settings of oauthreg",
        "type": "object",
        "properties": {**sections, **_inside({"$ref": "#/definitions/settings"})},
        "if": {"anyOf": [{"required": ["oauthreg"]}, {"required": ["tool"]}]},
        "else": {"$ref": "#/definitions/settings"},
        "definitions": definitions,
    }


def installed_plugins(names: Iterable[str] | None = None) -> dict[str, type[ProviderPlugin[Any]]]:
    """Return provider plugins by name; those that do not import are left out.

    Args:
        names: Which; default: this package's own and every installed one.
    """
    wanted = names or (*BUILT_IN, *(one.name for one in installed(PROVIDERS)))
    found = {}
    for name in dict.fromkeys(wanted):
        try:
            found[name] = provider_plugin(name)
        except PluginError:
            continue
    return found


def _table(model: type[BaseModel], meanings: Mapping[str, str]) -> Schema:
    """Return the schema of a table with the keys of a model, in the model's order."""
    made = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    known = made.get("$defs", {})
    properties = {}
    for key, value in made.get("properties", {}).items():
        found = {} if key in UNREAD else _inlined(value, known)
        meaning = meanings.get(key)
        properties[key] = {"description": meaning, **found} if meaning else found
    return {"type": "object", "properties": properties, **_closed()}


def _inlined(schema: Any, known: Mapping[str, Any]) -> Any:
    """Put definitions in the place of references to them."""
    if isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name in known:
            return _inlined(known[name], known)
        return {
            key: _inlined(value, known)
            for key, value in schema.items()
            if not (key in {"title", "format"} and isinstance(value, str))
        }
    return [_inlined(one, known) for one in schema] if isinstance(schema, list) else schema


def _closed() -> Schema:
    return {"patternProperties": {OTHER_SPELLINGS: {}}, "additionalProperties": False}


def _by_id(description: str, definition: str) -> Schema:
    reference = {"$ref": f"#/definitions/{definition}"}
    return {"description": description, "type": "object", "additionalProperties": reference}


def _closed_registrations(plugins: Iterable[str]) -> Schema:
    """Refuse unknown keys of registrations, unless a provider's plugin may have declared them."""
    names = "|".join(map(re.escape, plugins))
    known = {"properties": {"type": {"type": "string", "pattern": rf"^\s*(?:{names})\s*$"}}}
    closed = {"$ref": "#/definitions/registration-of-known-plugins"}
    return {
        "if": {"properties": {"provider": {"additionalProperties": known}}},
        "then": {"properties": {"registration": {"additionalProperties": closed}}},
    }


def _inside(settings: Schema) -> Schema:
    """Return the tables that settings may stand in, where a file is not theirs alone."""
    tool = {"type": "object", "properties": {"oauthreg": settings}}
    return {"oauthreg": settings, "tool": tool}


def _provider(name: str, plugin: type[ProviderPlugin[Any]], meanings: Mapping[str, str]) -> Schema:
    own = {**_documented(plugin.settings_class), **(meanings if name == "generic" else {})}
    addresses = _table(addresses_of(plugin), {**FURTHER, **meanings})
    settings = _table(plugin.settings_class, own)
    for key in plugin_spellings(plugin.settings_class):
        settings["properties"].setdefault(key, {"type": "string"})
    return {**addresses, "properties": {**addresses["properties"], **settings["properties"]}}


def _providers(plugins: Mapping[str, type[ProviderPlugin[Any]]], known: Schema) -> Schema:
    """Return the schema of all provider tables: each by its `type`, else by its name.

    Args:
        plugins: The plugins by name.
        known: The keys of a provider without a plugin, which an editor may propose.
    """
    proposed = {key: {"description": value.get("description", "")} for key, value in known.items()}

    def unless_typed(plugin: Schema) -> Schema:
        typed = {"anyOf": [{"required": ["type"]}, {"not": {"propertyNames": USUAL_SPELLING}}]}
        by_type = {"$ref": "#/definitions/provider-by-type"}
        return {"properties": proposed, "if": typed, "then": by_type, "else": plugin}

    named = {
        f"^\\s*{spellings(name)}\\s*$": unless_typed(
            _ref(name) if name in plugins else {"type": "object"}
        )
        for name in dict.fromkeys((*COMMON, *OWN_DISTRIBUTIONS))
    }
    return {
        "description": "The authorization servers, by name.",
        "type": "object",
        "patternProperties": named,
        "additionalProperties": unless_typed(_ref("generic")),
    }


def _by_type(plugins: Mapping[str, type[ProviderPlugin[Any]]]) -> Schema:
    """Return the schema of a provider table with a `type`; of an unknown one, anything."""
    choice: Schema = {"type": "object"}
    for name in plugins:
        is_it = {"type": "string", "pattern": rf"^\s*{re.escape(name)}\s*$"}
        choice = {
            "if": {"properties": {"type": is_it}, "required": ["type"]},
            "then": _ref(name),
            "else": choice,
        }
    return choice


def _ref(plugin: str) -> Schema:
    return {"$ref": f"#/definitions/provider-{plugin}"}


def _documented(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstring of a settings class says of its fields, by key."""
    text = inspect.getdoc(model) or ""
    indented = "\n".join(f"    {line}" for line in text.splitlines())
    return {
        name.replace("_", "-"): " ".join(meaning.split())
        for name, meaning in ATTRIBUTE.findall(indented)
    }


def _meanings() -> Mapping[str, Mapping[str, str]]:
    """Return what docs/settings.md says of every key, by section."""
    text = resources.files("oauthreg._settings").joinpath("meanings.json").read_text("utf-8")
    found: Mapping[str, Mapping[str, str]] = json.loads(text)
    return found
