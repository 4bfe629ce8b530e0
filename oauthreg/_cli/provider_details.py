"""What a provider plugin says of itself, as plain data: for `oauthreg providers` and for pages."""

from __future__ import annotations

import inspect
import re
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from oauthreg._provider import ProviderPlugin
from oauthreg._provider_checks import address_names
from oauthreg._templates import is_base_url, is_host_label, is_secret

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

FLOWS = ("flow", "revoke", "introspect")
HOOKS = tuple(
    name
    for name, value in vars(ProviderPlugin).items()
    if inspect.isfunction(value) and not name.startswith("_") and name not in FLOWS
)
_ATTRIBUTE = re.compile(r"^ {4,}(\w+): (.+(?:\n {6,}.+)*)$", re.MULTILINE)


def details(name: str, plugin: type[ProviderPlugin[Any]]) -> dict[str, Any]:
    """Return what a plugin is and takes.

    Args:
        name: Its name.
        plugin: Its class.
    """
    defaults = dict(plugin.defaults)
    templates = {one: getattr(plugin, one.replace("-", "_"), None) for one in address_names(plugin)}
    return {
        "name": name,
        "about": inspect.getdoc(plugin) or "",
        "kind": kind(plugin),
        "overrides": _overridden(plugin, (*HOOKS, *FLOWS)),
        "interface": plugin.requires_interface,
        "settings": settings(plugin),
        "addresses": {one: template for one, template in templates.items() if template is not None},
        "method": plugin.client_authentication_method,
        "grant": defaults.pop("authorization-grant-type", "client_credentials"),
        "grant-type": plugin.grant_type,
        "defaults": defaults,
        "api-uri": plugin.api_uri,
        "api-headers": dict(plugin.api_headers),
        "hints": [*plugin.error_hints],
        "documentation": plugin.documentation,
        "unverified": [*plugin.unverified],
    }


def kind(plugin: type[ProviderPlugin[Any]]) -> str:
    """Return how much of a plugin is code: `preset`, `data`, `hooks` or `flow`."""
    if _overridden(plugin, FLOWS):
        return "flow"
    if _overridden(plugin, HOOKS):
        return "hooks"
    return "preset" if hasattr(plugin, "_preset") else "data"


def settings(plugin: type[ProviderPlugin[Any]]) -> list[dict[str, Any]]:
    """Return the settings that a plugin declares: key, type, whether required, default, help."""
    known = _documented(plugin.settings_class)
    return [
        {
            "name": field.alias or name,
            "type": type_of(field),
            "required": field.is_required(),
            "default": _default(field),
            "help": field.description or known.get(name, ""),
        }
        for name, field in plugin.settings_class.model_fields.items()
    ]


def settings_table(plugin: type[ProviderPlugin[Any]]) -> str:
    """Return the settings that a plugin declares, as a table in Markdown."""
    rows = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    for one in settings(plugin):
        default = (
            "required" if one["required"] else "" if one["default"] is None else one["default"]
        )
        rows.append(f"| `{one['name']}` | {one['type']} | {default} | {one['help']} |")
    return "\n".join(rows)


def type_of(field: FieldInfo) -> str:
    """Return the type of a setting in the words of presets."""
    if is_base_url(field):
        return "base-url"
    if is_host_label(field):
        return "host-label"
    if is_secret(field):
        return "secret"
    for part in (field.annotation, *get_args(field.annotation)):
        if get_origin(part) is Literal:
            return "choice of " + ", ".join(map(str, get_args(part)))
    kinds = get_args(field.annotation) if _is_union(field.annotation) else (field.annotation,)
    names = [part.__name__ for part in kinds if isinstance(part, type) and part is not type(None)]
    return " or ".join("text" if name == "str" else name for name in names) or "text"


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType)


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return None
    default = field.default
    return default if isinstance(default, str | int | float | bool) else None


def _documented(settings_class: type[Any]) -> dict[str, str]:
    """Return the help of settings that docstrings have under `Attributes:`, of bases too."""
    found: dict[str, str] = {}
    for cls in reversed(settings_class.__mro__):
        _, _, text = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:")
        found |= {name: " ".join(words.split()) for name, words in _ATTRIBUTE.findall(text)}
    return found


def _overridden(plugin: type[ProviderPlugin[Any]], names: tuple[str, ...]) -> list[str]:
    base = ProviderPlugin
    return [
        name
        for name in names
        if hasattr(base, name) and getattr(plugin, name) is not getattr(base, name)
    ]
