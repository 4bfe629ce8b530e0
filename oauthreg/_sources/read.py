"""All sources of settings, merged: which are looked at, and which of them overrides which."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from oauthreg._errors import Problem
from oauthreg._sources.canonicalise import Source, UnusableError
from oauthreg._sources.environment import (
    PREFIX,
    read_env_file,
    read_environment,
    read_secrets_directory,
)
from oauthreg._sources.locate import shown
from oauthreg._sources.spring import read_spring
from oauthreg._sources.spring_files import SUFFIXES as SPRING_SUFFIXES
from oauthreg._sources.toml import read_dict, read_toml

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from oauthreg._sources.tree import Tree

DEFAULT_FILE = "settings.toml"

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Read:
    """What all sources say together.

    Attributes:
        tree: The merged canonical tree; its leaves are `Sourced`.
        problems: Everything that is wrong so far, for the caller to raise with its own.
        looked_at: In words, where settings were looked for.
    """

    tree: Tree
    problems: tuple[Problem, ...]
    looked_at: tuple[str, ...]


def read(
    settings: Paths | Mapping[str, Any] | None = None,
    *,
    arguments: Mapping[str, Any] | None = None,
    profile: str | None = None,
    env_file: str | Path | None = None,
    secrets_dir: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Read:
    """Read settings from where they are said; whatever is wrong is collected, never raised.

    High to low: `arguments`, environment, .env file, secrets directory, profile file, settings
    files, the last of which overrides the others.

    Args:
        settings: A file or several; or a dict, which is then the whole configuration.
            Default: what `OAUTHREG_SETTINGS` names, else `settings.toml`.
        arguments: Settings that override every other.
        profile: Read `<stem>.<profile><suffix>` beside the last file too.
        env_file: A .env file. Default: the one beside the last file, if no file was passed.
        secrets_dir: A directory with one file per setting.
        environ: Instead of the process's environment.
        directory: Instead of the working directory.
    """
    folder = directory or Path.cwd()
    search = _Search(folder)
    if isinstance(settings, Mapping):
        search.take("a dict of settings", read_dict(settings, folder))
        named = {"profile": profile, "env_file": env_file, "secrets_dir": secrets_dir}
        search.problems += [
            Problem(name, "cannot be given with a dict, which is the whole configuration")
            for name, value in named.items()
            if value is not None
        ]
    else:
        variables = os.environ if environ is None else environ
        search.look(settings, profile, env_file, secrets_dir, variables)
    if arguments is not None:
        search.take("arguments", read_dict(arguments, folder))
    return search.result()


class _Search:
    """Visits sources, the one that overrides less before the one that overrides more."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._trees: list[Tree] = []
        self._looked_at: list[str] = []
        self.problems: list[Problem] = []

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
            return (environ.get(variable) or None, variable) if argument is None else (argument, "")

        said_by = f"{PREFIX}SETTINGS" if settings is None else ""
        paths: list[str | Path]
        if settings is None:
            paths = [path for path in environ.get(said_by, "").split(os.pathsep) if path]
        else:
            paths = [settings] if isinstance(settings, str | Path) else list(settings)
        optional = settings is None and not paths
        files = [self._path(path) for path in ([DEFAULT_FILE] if optional else paths)]
        for file in files:
            self._visit_file(file, environ, said_by, optional=optional)

        last = files[-1] if files else self._path(DEFAULT_FILE)
        chosen, said_by = named(profile, "PROFILE")
        if chosen is not None:
            beside = last.parent / f"{last.stem}.{chosen}{last.suffix}"
            self._visit_file(beside, environ, said_by or "profile")

        path, said_by = named(secrets_dir, "SECRETS_DIR")
        if path is not None:
            self._visit(self._path(path), _one(read_secrets_directory), said_by)

        path, said_by = named(env_file, "ENV_FILE")
        if path is not None:
            self._visit(self._path(path), _one(read_env_file), said_by)
        elif settings is None:
            self._visit(last.parent / ".env", _one(read_env_file), "", optional=True)

        self.take(f"environment {PREFIX}*", read_environment(environ, self._directory))

    def take(self, words: str, *sources: Source) -> None:
        """Add sources that override all before them."""
        self._looked_at.append(words)
        for source in sources:
            self._trees.append(source.tree)
            self.problems += source.problems

    def result(self) -> Read:
        """Merge what was taken."""
        return Read(_merged(self._trees[::-1]), tuple(self.problems), tuple(self._looked_at))

    def _path(self, path: str | Path) -> Path:
        return self._directory / os.path.expanduser(path)  # noqa: PTH111 - never raises, Path's does

    def _visit_file(
        self, path: Path, environ: Mapping[str, str], said_by: str, *, optional: bool = False
    ) -> None:
        is_spring = path.suffix.lower() in SPRING_SUFFIXES
        reader = partial(read_spring, environ=environ) if is_spring else _one(read_toml)
        self._visit(path, reader, said_by, optional=optional)

    def _visit(
        self,
        path: Path,
        reader: Callable[[Path], Sequence[Source]],
        said_by: str,
        *,
        optional: bool = False,
    ) -> None:
        try:
            self.take(shown(path), *reader(path))
        except FileNotFoundError:
            self._looked_at.append(f"{shown(path)} (not there)")
            if not optional:
                self.problems.append(Problem(shown(path), "is not there", said_by))
        except UnusableError as error:
            self._looked_at.append(f"{shown(path)} (not usable)")
            self.problems.append(error.problem)


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
