"""What `spring.config.import` and its like name: from a location's text to files, as in Boot."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from oauthreg._errors import Problem
from oauthreg._sources.canonicalise import UnusableError
from oauthreg._sources.locate import shown
from oauthreg._sources.spring_files import SUFFIXES, load, parse
from oauthreg._sources.spring_properties import Properties, config_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

STARRED = Path("*")
_PREFIX = re.compile(r"[a-zA-Z][a-zA-Z0-9*-]*:")
_PLAIN = re.compile(r"[\w./*;\[\]=~-]+")
_HINT = re.compile(r"\[([^\[\]]*)\]")


class LocationError(Exception):
    """A location that is not there, or that is not followed here; the text says why."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class Location(NamedTuple):
    """A location as written: `optional:file:./secrets.yml`."""

    text: str
    optional: bool

    def __str__(self) -> str:
        return f"optional:{self.text}" if self.optional else self.text

    @property
    def shown(self) -> str:
        """The location as a problem may show it: what is no plain path may hold a credential."""
        prefix, path = _split_prefix(self.text)
        plain = prefix in ("file:", "configtree:", "env:") or "." in path or "/" in path
        return self.text if plain and _PLAIN.fullmatch(path) else f"{prefix}..."

    @classmethod
    def of(cls, text: str) -> Location:
        """Return a location, its mark `optional:` apart."""
        return cls(text.removeprefix("optional:"), text.startswith("optional:"))


@dataclass(frozen=True)
class Resource:
    """Something that holds documents.

    Attributes:
        kind: `file`, `tree` (of files), `env` (a variable that holds a file's text) or `empty`
            (a folder without files of the names that are looked for).
        path: The file or folder; of a variable its name.
        suffix: The file's format.
        encoding: The file's, if the location says it.
        profile: It is a file of this profile: `application-prod.yml`.
        starred: It was found by a `*`, so that Boot knows no folder of it.
    """

    kind: str
    path: Path
    suffix: str = ""
    encoding: str | None = None
    profile: str | None = None
    starred: bool = False

    @property
    def folder(self) -> Path | None:
        """What its relative imports start from, if anything but the working directory."""
        if self.starred:
            return STARRED
        return self.path.parent if self.kind == "file" else None

    @property
    def identity(self) -> tuple[str, str]:
        """What makes two of them one, which is read once."""
        return self.kind, os.path.normpath(self.path.absolute())

    def documents(self, environ: Mapping[str, str]) -> list[Properties]:
        """Return its documents.

        Raises:
            FileNotFoundError: It is missing.
            UnusableError: It cannot be read.
        """
        match self.kind:
            case "empty":
                return []
            case "tree":
                if not self.path.exists():
                    raise FileNotFoundError
                return [config_tree(self.path)]
            case "env":
                documents = parse(environ[str(self.path)], self.path, self.suffix)
            case _:
                documents = load(self.path, self.suffix, self.encoding)
        return [Properties(document) for document in documents]


@dataclass(frozen=True)
class Locations:
    """Finds what locations name.

    Attributes:
        directories: What may be the application's working directory.
        names: The files' names that are looked for in folders, without suffix.
        environ: The environment.
    """

    directories: Sequence[Path]
    names: Sequence[str]
    environ: Mapping[str, str]

    def resources(
        self, location: Location, parent: Path | None, profiles: Sequence[str] | None
    ) -> Iterator[tuple[Resource, bool]]:
        """Yield what a location names, and whether it is for a profile, low to high.

        Raises:
            LocationError: It cannot be followed.
        """
        prefix, text = _split_prefix(location.text)
        match prefix:
            case "configtree:":
                yield from ((found, False) for found in self._trees(text))
            case "env:":
                yield from ((found, False) for found in self._variable(location, text))
            case "" | "file:" | "resource:":
                yield from self._files(location, parent, profiles)
            case _:
                raise _foreign(prefix)

    def _trees(self, text: str) -> Iterator[Resource]:
        if not text.endswith("/"):
            raise LocationError("must end with / to name a tree of files")
        for folder in _folders(self.directories, text):
            yield Resource("tree", folder)

    def _variable(self, location: Location, text: str) -> Iterator[Resource]:
        name, suffix, encoding = _hinted(text)
        if name in self.environ:
            yield Resource("env", Path(name), suffix or ".properties", encoding)
        elif not location.optional:
            raise LocationError(f"names the variable {name}, which is not set")

    def _files(
        self, location: Location, parent: Path | None, profiles: Sequence[str] | None
    ) -> Iterator[tuple[Resource, bool]]:
        parts = [Location.of(part) for part in str(location).split(";")]
        plain = [found for part in parts for found in self._named(part, parent, "")]
        empty = [found for part in parts for found in self._empty(part, parent)]
        yield from ((found, False) for found in plain or empty)
        for profile in profiles or ():
            for part in parts:
                yield from ((found, True) for found in self._named(part, parent, profile))

    def _named(self, part: Location, parent: Path | None, profile: str) -> Iterator[Resource]:
        bases, path = self._base(part, parent)
        folder, slash, file = path.rpartition("/")
        added = f"-{profile}" if profile else ""
        if not file:
            for found in _folders(bases, path):
                for name in self.names:
                    for suffix in (*SUFFIXES[:2], ".xml", *SUFFIXES[2:]):
                        beside = found / f"{name}{added}{suffix}"
                        if beside.exists():
                            yield _file(beside, suffix, None, profile, starred="*" in path)
            return
        name, hint, encoding = _hinted(file)
        suffix = next(
            (s for s in (*SUFFIXES, ".xml") if f"{name}{hint}".lower().endswith(s[1:])), ""
        )
        if not suffix and not part.optional:
            raise LocationError("names neither a folder (ending in /) nor a .properties or .yml")
        end = 0 if hint else len(suffix)
        whole = f"{name[: len(name) - end]}{added}{name[len(name) - end :]}"
        for found in _folders(bases, folder + slash, whole) if suffix else ():
            if (found / whole).exists() or not (part.optional or profile or "*" in folder):
                yield _file(found / whole, suffix, encoding, profile, starred="*" in path)

    def _empty(self, part: Location, parent: Path | None) -> Iterator[Resource]:
        bases, path = self._base(part, parent)
        if path.endswith("/"):
            for folder in _folders(bases, path):
                if folder.is_dir():
                    yield Resource("empty", folder)

    def _base(self, part: Location, parent: Path | None) -> tuple[Sequence[Path], str]:
        """Return what a path is relative to, and the path.

        Without `file:` that is the importing file's folder; with it, or in no file, it is the
        working directory.
        """
        prefix, path = _split_prefix(part.text.removeprefix("resource:"))
        if prefix not in ("", "file:"):
            raise _foreign(prefix)
        if parent is STARRED and not prefix and not path.startswith("/"):
            message = "is relative in a file that was found by *, which Spring Boot cannot follow"
            raise LocationError(message, "Write file: and the path from the working directory.")
        return (self.directories if prefix or parent is None else [parent]), path


def _foreign(prefix: str) -> LocationError:
    return LocationError(
        f"begins with {prefix}, which only Spring can follow",
        "Write its values into this file, or import a file: or a configtree:.",
    )


def _split_prefix(text: str) -> tuple[str, str]:
    prefix = (_PREFIX.match(text) or [""])[0]
    path = text[len(prefix) :]
    return prefix, re.sub("^//(?=/)", "", path) if prefix == "file:" else path


def _file(
    path: Path, suffix: str, encoding: str | None, profile: str, *, starred: bool
) -> Resource:
    if suffix == ".xml":
        remedy = "Write it as .properties, or move it away."
        message = "is a properties file in XML, which Spring Boot reads and oauthreg does not"
        raise UnusableError(Problem(shown(path), message, remedy=remedy))
    return Resource("file", path, suffix, encoding, profile or None, starred)


def _folders(bases: Sequence[Path], path: str, file: str = "") -> list[Path]:
    """Return the folders that a path names, in which `*` is every folder there.

    Where several may be the working directory, the one that has it is.
    """
    head, star, rest = path.partition("*")
    if star and (rest != "/" or (head and not head.endswith("/"))):
        raise LocationError("may hold one *, as its last folder: config/*/")
    roots = [Path(os.path.normpath(base.absolute() / head)) for base in bases]
    found = [
        sorted(below for below in root.glob("*") if _visible(below)) if star else [root]
        for root in dict.fromkeys(roots)
    ]
    there = [folders for folders in found if any((folder / file).exists() for folder in folders)]
    if len({os.path.realpath(folders[0] / file) for folders in there}) > 1:
        places = " and ".join(shown(folders[0] / file) for folders in there)
        raise LocationError(f"is found twice, as {places}", "Write its absolute path.")
    return there[0] if there else found[0]


def _visible(folder: Path) -> bool:
    return folder.is_dir() and not folder.name.startswith("..")


def _hinted(text: str) -> tuple[str, str, str | None]:
    """Return a file's name, the format and the encoding that `[.properties][encoding=x]` says."""
    suffix, encoding = "", None
    for hint in _HINT.findall(text):
        key, equals, value = hint.strip().partition("=")
        if not equals and key.startswith("."):
            suffix = key
        elif key.strip() == "encoding":
            encoding = value.strip()
    return (_HINT.sub("", text), suffix, encoding) if "[" in text else (text, "", None)
