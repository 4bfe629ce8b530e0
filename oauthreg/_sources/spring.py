"""Spring's `application.properties` and `application.yml`, read as they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from oauthreg._sources.canonicalise import Source, suggestion
from oauthreg._sources.locate import quoted
from oauthreg._sources.placeholders import PlaceholderError, Placeholders, uniform
from oauthreg._sources.spring_files import SUFFIXES, Document, Property, load
from oauthreg._sources.tree import Origin, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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
_RELAXED = {section: {uniform(leaf): leaf for leaf in leaves} for section, leaves in LEAVES.items()}
_ELEMENT = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_PROFILE = re.compile(r"!?[\w.@+-]+")
_DEPTH = PREFIX.count(".") + 1
_ACTIVATE = "spring.config.activate."


def read_spring(path: Path, environ: Mapping[str, str]) -> list[Source]:
    """Return what the counting documents of a Spring file say, a later one overriding.

    Args:
        path: The file; `<stem>-<profile>` files beside it count for the active profiles.
        environ: For `SPRING_PROFILES_ACTIVE` and for placeholders.
    """
    reading = _Reading(environ)
    documents = load(path)
    reading.choose_profiles(documents)
    reading.add(path, documents)
    for profile in reading.profiles:
        for suffix in SUFFIXES:
            beside = path.with_name(f"{path.stem}-{profile}{suffix}")
            try:
                reading.add(beside, load(beside))
            except FileNotFoundError:
                continue
    return reading.sources()


class _Reading:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._refused = Source()
        self._counting: list[tuple[Path, Document]] = []
        self.profiles: Sequence[str] = ()

    def choose_profiles(self, documents: Sequence[Document]) -> None:
        """Take the profiles from the environment, else from the file, else Spring's `default`."""
        said = self._environ.get("SPRING_PROFILES_ACTIVE")
        texts = [said] if said else []
        for document in [] if said else documents:
            if not any(uniform(name).startswith(_ACTIVATE) for name, *_ in document):
                texts = _texts(document, "spring.profiles.active") or texts
        # a name that is none (a placeholder, a pattern) is no file's name either
        self.profiles = [name for name in _split(texts) if _PROFILE.fullmatch(name)] or ["default"]

    def add(self, path: Path, documents: Sequence[Document]) -> None:
        """Keep the documents that count with these profiles."""
        for document in documents:
            if self._counts(path, document):
                self._counting.append((path, document))

    def _counts(self, path: Path, document: Document) -> bool:
        conditions = [entry for entry in document if uniform(entry.name).startswith(_ACTIVATE)]
        names = _split(_texts(document, f"{_ACTIVATE}onprofile"))
        others = [e for e in conditions if not uniform(e.name).startswith(f"{_ACTIVATE}onprofile")]
        if others or not all(_PROFILE.fullmatch(name) for name in names):
            if any(_below_prefix(entry.name) for entry in document):
                entry = (others or conditions)[0]
                message = "is a condition that only Spring can judge"
                remedy = "A profile's name, several with commas, or !name can be judged here."
                self._refused.problem(entry.name, message, _origin(path, entry), remedy)
            return False
        return not conditions or any(
            name[1:] not in self.profiles if name.startswith("!") else name in self.profiles
            for name in names
        )

    def sources(self) -> list[Source]:
        """Return one source per counting document, the last of which wins."""
        properties = {uniform(e.name): e.text for _, document in self._counting for e in document}
        placeholders = Placeholders(self._environ, properties)
        imports = any(name.startswith("spring.config.import") for name in properties)
        return [self._refused] + [
            _source(path, document, placeholders, imports=imports)
            for path, document in self._counting
        ]


def _source(path: Path, document: Document, placeholders: Placeholders, *, imports: bool) -> Source:
    source = Source()
    lists: dict[tuple[str, str, str], list[str]] = {}
    for section, name, leaf, index, entry in _addressed(source, path, document):
        origin = _origin(path, entry)
        try:
            text = placeholders.expand(entry.text)
        except PlaceholderError as error:
            remedy = "spring.config.import is not followed here." if imports else ""
            source.problem(entry.name, f"cannot be known: {error}", origin, remedy)
            continue
        if index and (section, name, leaf) in lists:
            lists[section, name, leaf].append(text)
            continue
        value: Any = text
        if index:
            value = lists[section, name, leaf] = [text]
        elif leaf == "scope":
            value = _split([text])
        table = source.table(section, name, origin)
        source.put(table, f"{section}.{quoted(canonical(name))}", leaf, value, origin)
    return source


def _addressed(
    source: Source, path: Path, document: Document
) -> list[tuple[str, str, str, int, Property]]:
    """Return section, id, leaf and place in a list (from 1, else 0) of what is ours, in order."""
    found = []
    for entry in document:
        elements = _below_prefix(entry.name)
        match elements:
            case []:
                continue
            case [section, *_] if section not in LEAVES:
                remedy = suggestion(section, LEAVES)
            case [section, name, word, *rest] if name.strip() and (
                leaf := _RELAXED[section].get(uniform(word))
            ):
                index = _index(leaf, rest)
                if index is not None:
                    found.append((section, name, leaf, index, entry))
                    continue
                remedy = (
                    "Only scope is a list." if leaf != "scope" else "Items are scope[0] and up."
                )
            case [section, _, word]:
                remedy = suggestion(word, LEAVES[section])
            case _:
                remedy = f"Write {elements[0]}.<id>.<setting>; an id with dots stands in brackets."
        origin = _origin(path, entry)
        source.problem(entry.name, "is no property that Spring knows", origin, remedy)
    return sorted(found, key=lambda row: row[3])


def _index(leaf: str, rest: Sequence[str]) -> int | None:
    if not rest:
        return 0
    is_item = leaf == "scope" and len(rest) == 1 and rest[0].isdecimal()
    return int(rest[0]) + 1 if is_item else None


def _below_prefix(name: str) -> list[str]:
    """Return a name's elements below the client prefix, the first in its uniform spelling.

    What stands in brackets is one element, as it is.
    """
    if not uniform(name).startswith(f"{PREFIX}."):
        return []
    elements = [inside or plain for inside, plain in _ELEMENT.findall(name)[_DEPTH:]]
    return [uniform("".join(elements[:1])), *elements[1:]]


def _texts(document: Document, name: str) -> list[str]:
    """Return the text, or the texts if it is a list, of a property."""
    return [e.text for e in document if uniform(e.name).partition("[")[0] == uniform(name)]


def _split(texts: Sequence[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def _origin(path: Path, entry: Property) -> Origin:
    return Origin("spring-file", str(path), entry.name, path.parent, entry.line)
