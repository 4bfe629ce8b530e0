"""Spring's `application.properties` and `application.yml`, read as Spring Boot reads them."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from oauthreg._errors import Problem
from oauthreg._sources.canonicalise import Source, UnusableError, suggestion
from oauthreg._sources.locate import quoted, shown
from oauthreg._sources.spring_binding import Binder, BindError, Bound
from oauthreg._sources.spring_data import ConfigData, Contributor
from oauthreg._sources.spring_locations import Location, Locations
from oauthreg._sources.spring_names import Name, parsed
from oauthreg._sources.spring_properties import Properties, Variables, found_in, from_environment
from oauthreg._sources.tree import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from oauthreg._sources.spring_properties import Property
    from oauthreg._sources.tree import Origin

PREFIX = "spring.security.oauth2.client"
LEAVES = {
    "registration": (
        "provider",
        "client-id",
        "client-secret",
        "client-authentication-method",
        "authorization-grant-type",
        "redirect-uri",
        "scope",
        "client-name",
    ),
    "provider": (
        "authorization-uri",
        "token-uri",
        "user-info-uri",
        "user-info-authentication-method",
        "user-name-attribute",
        "jwk-set-uri",
        "issuer-uri",
    ),
}
_COMMON = frozenset({"google", "github", "facebook", "x", "okta"})
_RELAXED = {
    section: {parsed(leaf).key: leaf for leaf in leaves} for section, leaves in LEAVES.items()
}
_ROOT = parsed(PREFIX)
_AROUND = "optional:file:./;optional:file:./config/;optional:file:./config/*/"
_NO_VARIABLE = (
    "An id and a setting are one word each, without - and _; or write OAUTHREG_REGISTRATION__..."
)
_SEALED = re.compile(r"\{cipher\}.*|ENC\(.*\)|ENC\[.*\]", re.DOTALL)


def read_spring(paths: Sequence[Path], environ: Mapping[str, str], directory: Path) -> Source:
    """Return what Spring Boot would bind from Spring files and the environment.

    Args:
        paths: The files, a later one overriding. Files of their names with the other suffixes,
            in `config/` and for the active profiles count too, and what they import.
        environ: For Spring's own variables and for placeholders.
        directory: The working directory.

    Raises:
        FileNotFoundError: One of the files is missing.
        UnusableError: Spring Boot would refuse them, or they cannot be followed here.
    """
    existing = from_environment(environ)
    try:
        for path in paths:
            path.stat()
        documents = _documents(paths, existing, environ, directory)
    except FileNotFoundError:
        raise
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise UnusableError(Problem(shown(paths[0]), message)) from None
    return _Reading([*existing, *documents]).source()


def _documents(
    paths: Sequence[Path],
    existing: Sequence[Properties],
    environ: Mapping[str, str],
    directory: Path,
) -> list[Properties]:
    binder = Binder(existing, partial(found_in, existing), decisive=True)

    def setting(name: str) -> Bound | None:
        try:
            return binder.items(f"spring.config.{name}")
        except BindError as error:
            raise UnusableError(Problem(error.entry.name, error.message)) from None

    def contributor(bound: Bound, texts: Sequence[str]) -> Contributor:
        imports = [(Location.of(text), bound.entry) for text in texts if text]
        return Contributor(imports=list(imports))

    named = setting("name")
    stems = list(dict.fromkeys(path.stem for path in paths)) if named is None else named.value
    folders = [path.parent for path in paths]
    locations = Locations([*folders, directory], stems, environ)
    imported, added, instead = (
        setting("import"),
        setting("additional-location"),
        setting("location"),
    )
    initial = [contributor(imported, imported.value)] if imported else []
    for bound in filter(None, (added, instead)):
        initial += [contributor(bound, [text]) for text in reversed(bound.value)]
    if instead is None:
        around = [(Location.of(_AROUND), None)]
        for path in reversed(paths):
            names = [path.stem] if named is None else stems
            beside = Locations([path.parent], names, environ)
            initial.append(Contributor(locations=beside, imports=[*around]))
    data = ConfigData(existing, initial, locations)
    documents = data.documents()
    for path in paths:
        if Path(os.path.normpath(path.absolute())) not in data.files:
            variable = named or instead
            name = variable.entry.name if variable else "Spring Boot"
            message = f"is not read by Spring Boot, because of {name}"
            raise UnusableError(Problem(shown(path), message, remedy="Pass the files it names."))
    return documents


class _Entry(NamedTuple):
    """A registration or a provider: its id, its name, its first property, its values."""

    id: str
    name: Name
    first: Property
    values: dict[str, Bound]


class _Reading:
    """Binds `OAuth2ClientProperties`, noting every problem.

    Args:
        sources: The properties that count, high to low.
    """

    def __init__(self, sources: Sequence[Properties]) -> None:
        self._all = sources
        self._sources = [s for s in sources if any(n.below(_ROOT) for n in s.names.values())]
        self._binder = Binder(self._sources, partial(found_in, sources))
        self._out = Source()
        self._noted: set[Origin] = set()

    def source(self) -> Source:
        """Return the registrations and providers as settings."""
        for properties in self._all:
            whole = properties.find(_ROOT)
            if whole is not None:
                remedy = f"Remove it, or write {PREFIX}.registration.<id>.<setting>."
                self._problem(whole, "has a value, which hides what is below it", remedy)
        for properties in self._sources:
            if not isinstance(properties, Variables):
                self._refuse_unknown(properties)
        entries = {section: self._entries(section) for section in LEAVES}
        for section, found in entries.items():
            for entry in found:
                self._put(section, entry)
        self._refuse_unused([entry for found in entries.values() for entry in found])
        return self._out

    def _entries(self, section: str) -> list[_Entry]:
        """Return what has values; a variable's spelling of an id counts where no file has it."""
        root = _ROOT.child(section)
        names: dict[tuple[str, tuple[str, ...]], tuple[Name, Property]] = {}
        for properties in self._sources:
            for text, name in properties.names.items():
                if name.below(root):
                    entry = name.chop(len(root) + 1)
                    spelling = entry.elements[-1].original, entry.key
                    if spelling not in names or _is_variable(names[spelling][1]):
                        names[spelling] = entry, properties.by_text[text]
        in_files = {key for (_, key), (_, first) in names.items() if not _is_variable(first)}
        found: dict[str, _Entry] = {}
        same: set[tuple[str, tuple[str, ...]]] = set()  # two spellings of one id, with one's values
        for (id_, key), (name, first) in names.items():
            alias = _is_variable(first) and key in in_files
            if id_ in found or alias or (canonical(id_), key) in same:
                continue
            values = self._values(section, name)
            if values:
                found[id_] = _Entry(id_, name, first, values)
                same.add((canonical(id_), key))
        return list(found.values())

    def _values(self, section: str, entry: Name) -> dict[str, Bound]:
        values: dict[str, Bound] = {}
        for leaf in LEAVES[section]:
            name = entry.child(leaf)
            try:
                bound = self._binder.items(name) if leaf == "scope" else self._binder.text(name)
            except BindError as error:
                path = str(name) if _is_variable(error.entry) else ""
                self._problem(error.entry, error.message, error.remedy, path)
                continue
            if bound is not None:
                values[leaf] = bound
        return values

    def _put(self, section: str, entry: _Entry) -> None:
        path = f"{section}.{quoted(canonical(entry.id))}"
        table = self._out.table(section, entry.id, entry.first.origin)
        self._put_common(section, entry, table, path)
        for leaf, (value, property_) in entry.values.items():
            if isinstance(value, str) and _SEALED.fullmatch(value):
                self._problem(
                    property_,
                    "is encrypted, and only Spring Cloud Config or Jasypt can read it",
                    f"Give it by OAUTHREG_{section.upper()}__... or in a secrets directory.",
                    str(entry.name.child(leaf)) if _is_variable(property_) else "",
                )
            else:
                setting: str | list[str] | None = value
                if leaf == "scope":
                    setting = list(dict.fromkeys(scope for scope in value if scope))
                if leaf == "redirect-uri":
                    setting = _redirect(entry.id, str(value))
                if setting or leaf not in ("redirect-uri", "client-secret"):
                    self._out.put(table, path, leaf, setting, property_.origin)

    def _put_common(self, section: str, entry: _Entry, table: dict[str, Any], path: str) -> None:
        """Name the provider or the plugin where Spring takes one by its name alone."""
        id_ = canonical(entry.id)
        issuer = entry.values.get("issuer-uri")
        if section == "registration" and id_ in _COMMON and "provider" not in entry.values:
            self._out.put(table, path, "provider", id_, entry.first.origin)
        elif issuer is not None and id_ in _COMMON - {"okta"}:
            # its issuer is asked, as by Spring, and it is no common provider any more
            self._out.put(table, path, "type", "generic", issuer.entry.origin)

    def _refuse_unknown(self, properties: Properties) -> None:
        for text, name in properties.names.items():
            entry = properties.by_text[text]
            if name.below(_ROOT) and not (len(name) == len(_ROOT) + 1 and not entry.text):
                remedy = _unknown(name)
                if remedy is not None:
                    self._problem(entry, "is no property that Spring knows", remedy)

    def _refuse_unused(self, entries: Sequence[_Entry]) -> None:
        """Refuse variables of Spring's prefix that Spring would not take for anything."""
        variables = next((s for s in self._sources if isinstance(s, Variables)), Variables({}))
        names = {text: name for text, name in variables.names.items() if name.below(_ROOT)}
        leaves = [leaf for section in LEAVES.values() for leaf in section] if names else []
        known = [entry.name.child(leaf) for entry in entries for leaf in leaves]
        used = {one.name for name in known for one in variables.spellings(name)}
        for text, name in names.items():
            if text not in used and not any(name.below(one) for one in known):
                meant = [one for one in known if "".join(one.key) == "".join(name.key)]
                remedy = f"Write {meant[0].variables()[0]}." if meant else _NO_VARIABLE
                message = "means nothing to Spring Boot"
                self._problem(variables.by_text[text], message, remedy)

    def _problem(self, entry: Property, message: str, remedy: str = "", path: str = "") -> None:
        if entry.origin not in self._noted:  # of what is wrong with a property the first is enough
            self._noted.add(entry.origin)
            self._out.problem(path or entry.name, message, entry.origin, remedy)


def _unknown(name: Name) -> str | None:
    """Return what to do about a name below the prefix; None if it is one of the 15 properties."""
    section = name.key[len(_ROOT)]
    elements = name.elements[len(_ROOT) + 1 :]
    if section not in LEAVES:
        return suggestion(section, LEAVES)
    match elements:
        case [_, word]:
            known = _RELAXED[section].get(parsed(word.text).key)
            return None if known else suggestion(word.text, LEAVES[section])
        case [_, word, item] if _RELAXED[section].get(parsed(word.text).key) == "scope":
            numbered = item.indexed and item.text.isdecimal()
            return None if numbered else "Items are scope[0] and up."
        case [_, word, item] if parsed(word.text).key in _RELAXED[section] and item.indexed:
            return "Only scope is a list."
        case _:
            return f"Write {section}.<id>.<setting>; an id with dots stands in brackets."


def _redirect(registration_id: str, template: str) -> str | None:
    """Return a redirect address; None where only a running web application knows it."""
    address = template.replace("{registrationId}", registration_id).replace("{action}", "login")
    return None if "{" in address or address.startswith("/") else address


def _is_variable(entry: Property) -> bool:
    return entry.origin.kind == "spring-variable"
