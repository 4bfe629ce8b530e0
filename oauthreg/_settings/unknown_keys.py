"""What to say of a key that no model has: what it may have meant, or where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oauthreg._settings.models import HttpSettings, ProviderAddresses, RegistrationSettings, aliases
from oauthreg._settings.vocabulary import key_meant
from oauthreg._sources.environment import PREFIX
from oauthreg._sources.locate import quoted, written
from oauthreg._sources.tree import Origin

if TYPE_CHECKING:
    from pydantic import BaseModel

MODELS: Mapping[str, type[BaseModel]] = {
    "registration": RegistrationSettings,
    "provider": ProviderAddresses,
    "http": HttpSettings,
}
NO_ADVICE = "The settings reference, docs/settings.md, lists every key."
_FEW = 12


def advice(
    section: str, name: str | None, leaf: str, origin: Origin | None, own: tuple[str, ...]
) -> tuple[str, str]:
    """Return what is wrong with an unknown key, and what to do.

    Args:
        section: The section of its table.
        name: The id of its table, if the section has ids.
        leaf: The key.
        origin: Where it stands.
        own: The keys that the table may have.
    """
    message = "there is no such setting"
    others = [other for other in MODELS if other != section]
    home = next((other for other in others if leaf in aliases(MODELS[other])), None)
    if home is not None:
        return message, f"It is a setting of {_place(home)}: write it there."
    meant = key_meant(leaf, own)
    if leaf.endswith("-env") and meant == leaf.removesuffix("-env") + "-ref":
        return message, f'Write {meant} = "env:NAME".'
    if meant:
        spelled = shown_key(section, name, meant, origin)
        return message, f"Did you mean {spelled if spelled.isupper() else repr(meant)}?"
    for other in others:
        meant = key_meant(leaf, aliases(MODELS[other]))
        if meant:
            return message, f"Did you mean {meant!r}, of {_place(other)}?"
    if len(own) <= _FEW or section == "store":
        return message, f"Known here: {', '.join(own)}."
    return message, NO_ADVICE


def shown_key(section: str, name: str | None, leaf: str, origin: Origin | None) -> str:
    """Return a key as a source would spell it: dotted, or the name of a variable or file."""
    parts = [part for part in (section, name, leaf) if part]
    if origin is not None and origin.kind in ("environment", "env-file"):
        return variable_name(section, name, leaf)
    if origin is not None and origin.kind == "secrets-directory":
        return variable_name(section, name, leaf).removeprefix(PREFIX)
    table = ".".join(filter(None, (section, "" if name is None else quoted(name))))
    if origin is not None and origin.key:
        depth = len(parts) - 1
        table = written(table, Origin(origin.kind, origin.name, table_key(origin.key, depth)))
    return f"{table}.{leaf}" if table else leaf


def variable_name(section: str, name: str | None, leaf: str) -> str:
    """Return the name of the environment variable of a setting."""
    parts = filter(None, (section, name, leaf))
    return PREFIX + "__".join(part.upper().replace("-", "_") for part in parts)


def table_key(key: str, depth: int) -> str:
    """Return the first parts of a dotted key, and `[oauthreg]` around them."""
    pieces = _pieces(key)
    outside = {"oauthreg": 1, "tool": 2}.get(pieces[0], 0)
    return ".".join(pieces[: outside + depth])


def _pieces(key: str) -> list[str]:
    pieces, inside = [""], False
    for char in key:
        inside ^= char == '"'
        if char == "." and not inside:
            pieces.append("")
        else:
            pieces[-1] += char
    return pieces


def _place(section: str) -> str:
    names = {"registration": "<id>", "provider": "<name>", "http": "<profile>"}
    return f"{section}.{names[section]}"


def dotted_id(section: str, name: str, leaf: str, content: Mapping[str, Any]) -> str:
    """Return advice where an id with dots stands without quotes, or an empty string."""
    words = [name, leaf]
    while len(content) == 1:
        ((key, inner),) = content.items()
        if not isinstance(inner, Mapping):
            break
        words.append(str(key))
        content = inner
    known = aliases(MODELS[section]) if section in MODELS else ()
    if not any(str(key).lower().replace("_", "-") in known for key in content):
        return ""
    return f'An id with dots stands in quotes: [{section}."{".".join(words)}"].'
