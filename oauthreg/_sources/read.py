"""All sources of settings, merged: which are looked at, and which of them overrides which."""

from __future__ import annotations

import glob
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from oauthreg._errors import Problem
from oauthreg._files import working_directory
from oauthreg._invisible import stripped
from oauthreg._secret_values import Secret
from oauthreg._sources.canonicalise import Source, TableName, UnusableError
from oauthreg._sources.environment import (
    FIXED_TOKENS,
    PREFIX,
    read_env_file,
    read_environment,
    read_secrets_directory,
)
from oauthreg._sources.formats import refuse_foreign, refuse_suffix
from oauthreg._sources.locate import shown
from oauthreg._sources.spring import read_spring
from oauthreg._sources.spring_files import SUFFIXES as SPRING_SUFFIXES
from oauthreg._sources.toml import PYPROJECT, read_dict, read_pyproject, read_toml
from oauthreg._sources.tree import Sourced
from oauthreg._suggestions import did_you_mean

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from oauthreg._sources.tree import Origin, Tree

DEFAULT_FILE = "settings.toml"
A_DICT = "the dict of settings"

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Read:
    """All sources, merged.

    Attributes:
        tree: The merged canonical tree; its leaves are `Sourced`.
        problems: Everything that is wrong so far, for the caller to raise with its own.
        looked_at: In words, where settings were looked for.
        headers: Where each table begins, in the source of the lowest rank that has it.
        complete: Whether every source could be read.
        layers: The tree of each source, the one that overrides the others first.
        fixed_tokens: The variable `OAUTHREG_FIXED_TOKENS`, if it is set.
        environ: The environment's variables, if it was read.
    """

    tree: Tree
    problems: tuple[Problem, ...]
    looked_at: tuple[str, ...]
    headers: Mapping[TableName, Origin]
    complete: bool
    layers: tuple[Tree, ...] = ()
    fixed_tokens: Secret | None = None
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


def read(
    settings: Paths | Mapping[str, Any] | None = None,
    *,
    arguments: Mapping[str, Any] | None = None,
    profile: str | None = None,
    env_file: str | Path | None = None,
    secrets_dir: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    dict_name: str = A_DICT,
) -> Read:
    """Read settings from all their sources; whatever is wrong is collected, never raised.

    High to low: `arguments`, environment, .env file, secrets directory, profile file, settings
    files, the last of which overrides the others.

    Args:
        settings: A file or several; or a dict, which is then the whole configuration.
            Default: what `OAUTHREG_SETTINGS` names, else `settings.toml`, else the
            `[tool.oauthreg]` table of `pyproject.toml`.
        arguments: Settings that override every other.
        profile: Read `<stem>.<profile><suffix>` beside the last file too.
        env_file: A .env file. Default: the one beside the last file, if that is there and no file
            was passed.
        secrets_dir: A directory with one file per setting.
        environ: Instead of the process's environment.
        directory: Instead of the working directory.
        dict_name: What a dict of settings is, in words for errors.
    """
    _check_kind("env_file", env_file, (str, os.PathLike), "a path")
    _check_kind("secrets_dir", secrets_dir, (str, os.PathLike), "a path")
    _check_kind("profile", profile, (str,), "a name")
    _check_kind("arguments", arguments, (Mapping,), "a dict of settings")
    folder = directory or working_directory()
    search = _Search(folder)
    if isinstance(settings, Mapping):
        search.take("a dict of settings", read_dict(settings, folder, dict_name))
        named = {"profile": profile, "env_file": env_file, "secrets_dir": secrets_dir}
        search.problems += [
            Problem(name, "cannot be given with a dict, which is the whole configuration")
            for name, value in named.items()
            if value is not None
        ]
    else:
        variables = os.environ if environ is None else environ
        search.look(settings, profile, env_file, secrets_dir, variables)
        search.environ = variables
    if arguments is not None:
        search.take("arguments", read_dict(arguments, folder, "arguments"))
    return search.result()


def _check_kind(name: str, value: object, kinds: tuple[type, ...], wanted: str) -> None:
    if value is not None and not isinstance(value, kinds):
        raise TypeError(f"{name} must be {wanted}, or None; it is a {type(value).__name__}")


class _Search:
    """Visits sources, the one that overrides less before the one that overrides more."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._trees: list[Tree] = []
        self._headers: dict[TableName, Origin] = {}
        self._looked_at: list[str] = []
        self._complete = True
        self._fixed_tokens: Secret | None = None
        self.problems: list[Problem] = []
        self.environ: Mapping[str, str] = {}

    def look(
        self,
        settings: Paths | None,
        profile: str | None,
        env_file: str | Path | None,
        secrets_dir: str | Path | None,
        environ: Mapping[str, str],
    ) -> None:
        """Visit files, secrets directory, .env file and environment."""

        def named(argument: str | Path | None, word: str) -> tuple[str | Path | None, str]:
            variable = f"{PREFIX}{word}"
            return (
                (stripped(environ.get(variable, "")) or None, variable)
                if argument is None
                else (argument, "")
            )

        last = self._visit_files(settings, environ)
        chosen, variable = named(profile, "PROFILE")
        if chosen is not None:
            beside = last or self._path(DEFAULT_FILE)
            beside = beside.parent / f"{beside.stem}.{chosen}{beside.suffix}"
            advice = _other_profiles(beside)
            if _is_spring(beside):
                self._visit_spring([beside], environ, variable or "profile", advice)
            else:
                self._visit(beside, _one(_read_own), variable or "profile", advice)

        path, variable = named(secrets_dir, "SECRETS_DIR")
        if path is not None:
            self._visit(self._path(path), _one(read_secrets_directory), variable)

        path, variable = named(env_file, "ENV_FILE")
        if path is not None:
            self._visit(self._path(path), _one(read_env_file), variable)
        elif settings is None and last is not None:
            self._visit(last.parent / ".env", _one(read_env_file), optional=True)

        self.take(f"environment {PREFIX}*", read_environment(environ, self._directory))
        if fixed := stripped(environ.get(FIXED_TOKENS, "")):
            self._fixed_tokens = Secret(fixed)

    def take(self, words: str, *sources: Source) -> None:
        """Add sources that override all before them."""
        self._looked_at.append(words)
        for source in sources:
            self._trees.append(source.tree)
            self._headers = {**source.headers, **self._headers}
            self.problems += source.problems

    def result(self) -> Read:
        """Merge what was taken."""
        tree = _merged(self._trees[::-1])
        _strip_values(tree)
        return Read(
            tree,
            tuple(self.problems),
            tuple(self._looked_at),
            self._headers,
            self._complete,
            tuple(self._trees[::-1]),
            self._fixed_tokens,
            self.environ,
        )

    def _path(self, path: str | Path) -> Path:
        return self._directory / os.path.expanduser(path)  # noqa: PTH111 - never raises, Path's does

    def _visit_files(self, settings: Paths | None, environ: Mapping[str, str]) -> Path | None:
        """Visit the settings files; return the last one, or None if there is none."""
        variable = ""
        named = environ.get(f"{PREFIX}SETTINGS", "")
        if settings is not None:
            paths = [settings] if isinstance(settings, str | Path) else _listed(settings)
        elif paths := [p for p in map(stripped, named.split(os.pathsep)) if p]:
            variable = f"{PREFIX}SETTINGS"
        else:
            for name, reader in ((DEFAULT_FILE, read_toml), (PYPROJECT, read_pyproject)):
                if self._visit(self._path(name), _one(reader), optional=True):
                    return self._path(name)
            return None
        files = [self._path(path) for path in paths]
        for are_spring, group in groupby(files, _is_spring):
            if are_spring:
                self._visit_spring([*group], environ, variable)
            else:
                for file in group:
                    self._visit(file, _one(_read_own), variable)
        return files[-1] if files else None

    def _visit_spring(
        self, files: Sequence[Path], environ: Mapping[str, str], variable: str, remedy: str = ""
    ) -> None:
        """Visit Spring files as one: placeholders of one may stand for properties of another."""

        def read_all(_last: Path) -> list[Source]:
            source = read_spring(files, environ, self._directory)
            refuse_foreign(files, source)
            return [source]

        missing = [file for file in files if not os.path.exists(file)]  # noqa: PTH110 - never raises
        self._looked_at += [shown(file) for file in files[:-1] if file not in missing]
        for file in missing or files[-1:]:
            self._visit(file, read_all, variable, remedy)

    def _visit(
        self,
        path: Path,
        reader: Callable[[Path], Sequence[Source]],
        variable: str = "",
        remedy: str = "",
        *,
        optional: bool = False,
    ) -> bool:
        """Take what a reader makes of a path; return whether there is anything at it."""
        try:
            self.take(shown(path), *reader(path))
        except FileNotFoundError:
            self._looked_at.append(f"{shown(path)} (not there)")
            if not optional:
                self._complete = False
                remedy = remedy or _looked_for(path)
                self.problems.append(Problem(shown(path), "is not there", variable, remedy))
            return False
        except UnusableError as error:
            self._looked_at.append(f"{shown(path)} (not usable)")
            self._complete = False
            self.problems.append(error.problem)
        return True


def _listed(settings: object) -> list[str | Path]:
    items = [*settings] if isinstance(settings, Sequence) else [settings]
    paths = [item for item in items if isinstance(item, str | Path)]
    if len(paths) < len(items):
        raise TypeError("settings must be a path, several paths, a dict, or None")
    return paths


def _is_spring(path: Path) -> bool:
    return path.suffix.lower() in SPRING_SUFFIXES


def _read_own(path: Path) -> Source:
    refuse_suffix(path)
    return read_toml(path)


def _other_profiles(path: Path) -> str:
    """Return advice for a profile's file that is not there."""
    if path.suffix in SPRING_SUFFIXES:
        return "Spring's own profiles are chosen by SPRING_PROFILES_ACTIVE."
    stem = path.stem.partition(".")[0]
    there = [file.name for file in path.parent.glob(f"{glob.escape(stem)}.*{path.suffix}")]
    found = ", ".join(sorted(there))
    advice = did_you_mean(path.name, there)
    return advice or (f"There are: {found}." if found else _looked_for(path))


def _looked_for(path: Path) -> str:
    return f"It was looked for in {path.parent}." if shown(path) != str(path) else ""


def _strip_values(table: dict[str, Any]) -> None:
    """Drop the invisible characters at the ends of every value of a tree."""
    for key, item in table.items():
        if isinstance(item, dict):
            _strip_values(item)
        elif isinstance(item, Sourced):
            value = _stripped(item.value)
            if value is not item.value:
                table[key] = Sourced(value, item.origin, item.leaf)


def _stripped(value: Any) -> Any:
    if isinstance(value, str):
        text = stripped(value)
        return value if text == value else text
    if isinstance(value, list):
        items = [_stripped(item) for item in value]
        return value if all(map(operator.is_, items, value)) else items
    if isinstance(value, dict):
        entries = {key: _stripped(item) for key, item in value.items()}
        return value if all(entries[key] is value[key] for key in value) else entries
    return value


def _one(reader: Callable[[Path], Source]) -> Callable[[Path], Sequence[Source]]:
    return lambda path: [reader(path)]


class _Layer(PydanticBaseSettingsSource):
    """One source's canonical tree, handed to pydantic-settings."""

    def __init__(self, settings_cls: type[BaseSettings], tree: Tree) -> None:
        super().__init__(settings_cls)
        self._tree = tree

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError  # asked by the `__call__` of other sources, not by this one's

    def __call__(self) -> Tree:
        return self._tree


class _Settings(BaseSettings):
    """The top level; as `Any`, pydantic neither copies nor checks them, nor shows a value."""

    model_config = SettingsConfigDict(hide_input_in_errors=True, extra="ignore")

    environment: Any = None
    registration: Any = {}
    provider: Any = {}
    http: Any = {}
    store: Any = {}
    defaults: Any = {}


def _merged(trees: Sequence[Tree]) -> Tree:
    """Let pydantic-settings merge trees, the highest first: deep, by key, leaves whole."""

    class Settings(_Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings' own
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - sources know neither
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - provenance nor our
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - canonical names
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(_Layer(settings_cls, tree) for tree in trees)

    settings = Settings()
    tree = {name: getattr(settings, name) for name in Settings.model_fields}
    return {name: value for name, value in tree.items() if value is not None}
