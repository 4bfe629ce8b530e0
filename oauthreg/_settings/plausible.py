"""Values that cannot be meant: another tool's notation, or a credential where a path belongs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oauthreg._quoting import is_plain, quoted_address, quoted_path
from oauthreg._settings.values import FILES, path_of
from oauthreg._sources.tree import ALTERNATIVES, BASES, STORE_BASES, VERBATIM, Sourced
from oauthreg._suggestions import close_to

if TYPE_CHECKING:
    from collections.abc import Iterator

Problem = tuple[str, str]
"""What is wrong, and what to do."""

_EXPANDED = (
    re.compile(r"\$\{\s*([A-Za-z_][\w.-]*)[^}]*\}"),
    re.compile(r"\{\{[-\s]*[.$]?([A-Za-z_][\w.-]*)[^}]*\}\}"),
    re.compile(r"^\$\(([A-Za-z_]\w*)\)$"),
    re.compile(r"^%([A-Za-z_]\w*)%$"),
    re.compile(r"^\$([A-Z_][A-Z0-9_]{2,})$"),
    re.compile(r"^%\(([A-Za-z_]\w*)\)s$"),
    re.compile(r"^#\{\s*([A-Za-z_][\w.-]*)[^}]*\}$"),
    re.compile(r"^@([A-Za-z_][\w.-]*)@$"),
)
"""Notations that other programs put an environment variable's value in for."""

_IN_ADDRESS = re.compile(r"\$([A-Z_][A-Z0-9_]{2,})\b")
_ENCRYPTED = re.compile(r"^\{cipher\}|^ENC\(.*\)$", re.DOTALL)
_WELL_KNOWN = "/.well-known/"
_ANGLES = re.compile(r"<[A-Za-z][\w .-]{0,40}>")
_BRACES = re.compile(r"\{[A-Za-z][\w.-]{0,40}\}")
_REFERENCE = re.compile(r"^(env|file|keyring|vault):\S+$")
_ELSEWHERE = re.compile(
    r"op://\S+|arn:aws[\w-]*:(?:secretsmanager|ssm):\S+|projects/[\w-]+/secrets/\S+"
    r"|@Microsoft\.KeyVault\(.*\)|!vault\b.*|aws-?(?:sm|ssm):\S+|gcp-?sm:\S+|azure-?kv:\S+"
)
"""How secret stores name a secret."""

_PATH = re.compile(r"(?:/|\./|\.\./|~/)[\w./@-]+")
_MOUNTS = ("/run/secrets/", "/var/run/secrets/", "/etc/secrets/", "/vault/secrets/")
_TYPOGRAPHIC = re.compile(r"[\u2018-\u201f\u00ab\u00bb].+[\u2018-\u201f\u00ab\u00bb]", re.DOTALL)
_QUOTED = re.compile(r"(['\"]).+\1", re.DOTALL)
OWN_VARIABLE = "OAUTHREG_..."
"""Stands in a remedy for the name of the setting's own variable."""

_SUSPECT = re.compile(r"[$%{<]|^[@\"'\u2018-\u201f\u00ab\u00bb]|/\.well-known/")
"""What a text has that one of these notations may be in."""

_FREE_TEXT = frozenset({"client-name", "authorization-details"})
_WHERE_BRACES_STAY = frozenset({"redirect-uri", "scope"})
_VARIABLE = re.compile(r"env:[A-Z][A-Z0-9_]*")
_SIBLINGS = 1000


def implausible(
    item: Sourced, key: str, name: str | None, *, is_secret: bool = False
) -> Problem | None:
    """Return what is wrong with a value that nobody can have meant, and what to do.

    Args:
        item: The value.
        key: Its key in the table; for an entry of `parameters` or `headers`, that table's.
        name: The id of the table.
        is_secret: Whether it is a secret of a plugin's own.
    """
    value = item.value
    if isinstance(value, str) and (quotes := _in_quotes(item, value)):
        return quotes
    is_file = key not in VERBATIM and item.leaf.endswith(FILES)
    is_plain = isinstance(value, str) and not is_file and item.leaf not in BASES
    if is_plain and not _SUSPECT.search(value):
        return None
    if is_file and isinstance(value, Path):
        return _file(item, str(value))
    if item.leaf == "client-secrets" and isinstance(value, list):
        value = [one for one in value if isinstance(one, str)]  # not those of file and ref
    for text in _texts(value):
        found = _not_expanded(item, key, text, name) if _SUSPECT.search(text) else None
        if found is None and key not in VERBATIM:
            base = BASES.get(item.leaf, key if is_secret else "")
            found = _file(item, text) if is_file else _foreign(item, text, base)
        if found is not None:
            return found
    return None


def _in_quotes(item: Sourced, text: str) -> Problem | None:
    """Find quotes that belong to the file or command that a value was written in."""
    if _TYPOGRAPHIC.fullmatch(text):
        return "stands in typographic quotes", "Write straight ones around it, and no others."
    if item.origin.kind == "environment" and _QUOTED.fullmatch(text):
        remedy = "Take them away: docker's --env-file keeps them as a part of the value."
        return "stands in quotes of its own", remedy
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)


def _foreign(item: Sourced, text: str, base: str) -> Problem | None:
    if item.leaf == "issuer-uri" and _WELL_KNOWN in text:
        issuer, _, after = text.partition(_WELL_KNOWN)
        issuer += after[after.find("/") :] if "/" in after else ""
        remedy = f'Write issuer-uri = "{issuer}", or metadata-uri = "{text}".'
        return "is the address of metadata, not the issuer", remedy if quoted_address(text) else ""
    leaf = item.leaf
    is_credential = bool(base) and not leaf.endswith("-ref")
    elsewhere = _not_the_credential(base, text) if is_credential else None
    if elsewhere is not None:
        return elsewhere
    whole = is_credential or leaf in ("username", "key-id")
    for pattern, exempt in ((_ANGLES, _FREE_TEXT), (_BRACES, _FREE_TEXT | _WHERE_BRACES_STAY)):
        found = pattern.fullmatch(text) if whole else pattern.search(text)
        if found is not None and leaf not in exempt:
            shown = found[0] if is_plain(found[0][1:-1]) else "a placeholder"
            return f"must not have {shown} in it: write the value in its place", ""
    return None


def _not_the_credential(base: str, text: str) -> Problem | None:
    """Find what only says where a credential is, in the place of the credential."""
    if _ENCRYPTED.search(text):
        message = "is encrypted, which only Spring Cloud Config or Jasypt can read"
        return message, f"Write {base}-file or {base}-ref instead."
    if _REFERENCE.fullmatch(text):
        shown = text if _VARIABLE.fullmatch(text) else "..."
        return "is a reference, not the value", f'Write {base}-ref = "{shown}".'
    if _ELSEWHERE.fullmatch(text):
        remedy = f"Write it as {base}-ref, with the scheme of an installed plugin, or {base}-file."
        return "names a secret of a secret store, and is not the value", remedy
    if _PATH.fullmatch(text) and (text.startswith(_MOUNTS) or _is_file(text)):
        return "is the path of a file, not the value", f"Write it as {base}-file."
    return None


def _is_file(text: str) -> bool:
    return os.path.isfile(os.path.expanduser(text))  # noqa: PTH111, PTH113 - Path's raise where a name is too long


def _not_expanded(item: Sourced, key: str, text: str, id_: str | None) -> Problem | None:
    """Find a placeholder that another program would expand; Spring's are expanded already."""
    if item.origin.kind in ("spring-file", "spring-variable"):
        return None
    address = [_IN_ADDRESS] if item.leaf.endswith(("-uri", "-url", "domain")) else []
    found = next(filter(None, (one.search(text) for one in (*_EXPANDED, *address))), None)
    if found is None:
        return None
    name = found[1] if is_plain(found[1]) else ""
    bases = BASES if id_ else STORE_BASES
    base = None if key in VERBATIM else bases.get(item.leaf)
    variable = re.sub(r"\W", "_", name).upper() if re.search(r"\W", name) else name or "..."
    message = f"has a placeholder{f' for {name}' if name else ''}, which nothing replaces here"
    if base is not None:
        return message, f'Write {base}-ref = "env:{variable}".'
    if key in VERBATIM or not id_ or item.origin.kind == "environment":
        return message, "Write the value itself."
    return message, f"Write the value itself, or set the variable {OWN_VARIABLE} instead."


def _file(item: Sourced, text: str) -> Problem | None:
    """Judge a file setting's value before anything reads it or shows it."""
    base = BASES.get(item.leaf) or item.leaf.removesuffix("-file")
    if "-----BEGIN" in text or text.startswith("eyJ") or "\n" in text:
        remedy = f"Write it to a file, or as {base}." if base in ALTERNATIVES else ""
        return "holds the content itself, not the path of a file", remedy
    return wrong_path(text, path_of(text, item.origin), base)


def wrong_path(text: str, path: Path, base: str) -> Problem | None:
    """Return what is wrong with a path that no file has, and what to do."""
    if os.path.exists(path):  # noqa: PTH110 - Path's raises where a name is too long
        return None
    shown = quoted_path(text, path)
    if not shown:
        own = f"If it is the credential itself, write it as {base}." if base in ALTERNATIVES else ""
        return "is not the path of a file that is there", own
    near = _sibling(path)
    remedy = f"It was looked for as {path}." if str(path) != text else ""
    if near is not None:
        remedy = f"Did you mean {str(Path(text).with_name(near))!r}?"
    elif text.startswith("~") and "~" in str(path):
        remedy = "There is no home folder to put in place of ~."
    return f"there is no file {shown}", remedy


def _sibling(path: Path) -> str | None:
    try:
        names = [
            entry.name for _, entry in zip(range(_SIBLINGS), os.scandir(path.parent), strict=False)
        ]
    except OSError:
        return None
    return close_to(path.name, names)
