"""What of a configuration can be used, where something is wrong with the rest of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from oauthreg._errors import ConfigurationError, Problem
from oauthreg._settings.load import Configuration, Settings, assemble, not_there
from oauthreg._sources import Read, canonical, read
from oauthreg._sources.locate import owner
from oauthreg._sources.tree import SECTIONS


@dataclass(frozen=True, slots=True)
class Usable:
    """A configuration, and what is wrong with what it leaves out.

    Attributes:
        configuration: The registrations that can be used.
        broken: The problems of each of the others, by id, those of its provider among them.
        others: The problems that concern no registration that was asked for.
        ids: Every id that was asked for, in the order of the settings.
    """

    configuration: Configuration
    broken: Mapping[str, tuple[Problem, ...]]
    others: tuple[Problem, ...]
    ids: tuple[str, ...]


def load_usable(
    settings: Settings = None, *, only: Collection[str] | None = None, **sources: Any
) -> Usable:
    """Read and resolve settings as `load` does, and leave out what is wrong.

    Raises:
        ConfigurationError: a source cannot be read, or there is no registration of an id of `only`.
    """
    return usable_of(read(settings, **sources), only)


def usable_of(found: Read, only: Collection[str] | None = None) -> Usable:
    """Resolve what was read as `load` does, and leave out what is wrong.

    Raises:
        ConfigurationError: as `load_usable`.
    """
    names = found.tree.get("registration") or {}
    wanted = [canonical(one) for one in only] if only else [*names]
    configuration, problems = assemble(found, only or None)
    unknown = [not_there(one, names) for one in wanted if one not in names]
    if unknown and found.complete:
        raise ConfigurationError(unknown)
    if not found.complete:
        raise ConfigurationError(problems)
    suspect = {owner(problem.path) for problem in problems}
    broken: dict[str, tuple[Problem, ...]] = {}
    for id_ in wanted:
        if id_ not in configuration.entries or ("registration", id_) in suspect:
            own = [one for one in assemble(found, {id_})[1] if owner(one.path)[0] in SECTIONS]
            broken[id_] = tuple(own or problems)
    explained = {problem for own in broken.values() for problem in own}
    entries = {id_: one for id_, one in configuration.entries.items() if id_ not in broken}
    return Usable(
        replace(configuration, entries=MappingProxyType(entries)),
        broken,
        tuple(problem for problem in problems if problem not in explained),
        tuple(dict.fromkeys(wanted)),
    )
