"""One table of the settings: its values checked by a model, its problems with file and line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from oauthreg._errors import Problem
from oauthreg._settings.messages import described
from oauthreg._settings.models import aliases
from oauthreg._settings.plausible import OWN_VARIABLE, implausible
from oauthreg._settings.unknown_keys import advice, dotted_id, shown_key, table_key, variable_name
from oauthreg._settings.values import overlaid, plain
from oauthreg._settings.vocabulary import key_meant
from oauthreg._sources import locate
from oauthreg._sources.locate import quoted, written
from oauthreg._sources.tree import TOP_LEVEL, VERBATIM, Origin, Sourced, Tree
from oauthreg._suggestions import close_to

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic_core import ErrorDetails

    from oauthreg._sources.canonicalise import TableName

M = TypeVar("M", bound=BaseModel)


class Absence(Problem):
    """Something is missing, which may stand in a source that could not be read."""


@dataclass(slots=True)
class Table:
    """One table of the settings, and where its problems are noted.

    Attributes:
        section: Its section; empty at the top level.
        name: Its canonical id; None where the section is one table.
        items: Its canonical items, with what lies below them (`defaults`, the plugin's).
        problems: Where problems are noted.
        header: Where it begins; None if no source has it.
    """

    section: str
    name: str | None
    items: Mapping[str, Any]
    problems: list[Problem]
    header: Origin | None = None

    @property
    def path(self) -> str:
        """Its canonical path, such as `registration.my-client`; empty at the top level."""
        return self.section if self.name is None else f"{self.section}.{quoted(self.name)}"

    def over(self, *below: Mapping[str, Any]) -> Table:
        """Return this table laid over others."""
        return self.with_items(overlaid(self.items, *below))

    def without(self, keys: Collection[str]) -> Table:
        """Return this table without some keys."""
        if not keys:
            return self
        return self.with_items({k: item for k, item in self.items.items() if k not in keys})

    def with_items(self, items: Mapping[str, Any]) -> Table:
        """Return this table with other items."""
        return Table(self.section, self.name, items, self.problems, self.header)

    def note(self, key: str, message: str, remedy: str = "", entry: str | None = None) -> None:
        """Note that something is wrong with a key, or with an entry of the table under a key."""
        item = self.items.get(key)
        path = self._dotted(item.leaf if isinstance(item, Sourced) else key)
        origin = item.origin if isinstance(item, Sourced) else None
        if isinstance(item, dict):
            inner = item.get(entry) if entry is not None else next(iter(item.values()), None)
            origin = inner.origin if isinstance(inner, Sourced) else None
            if entry is not None:
                path = self._dotted(f"{key}.{quoted(entry)}")
            elif origin is not None:
                origin = replace(origin, key=table_key(origin.key, 3 if self.name else 2))
        if origin is None:
            self.problems.append(self._absent(Absence, key, message, remedy))
        else:
            self.problems.append(Problem(written(path, origin), message, locate(origin), remedy))

    def locate(self, problem: Problem) -> None:
        """Note a problem that somebody else found, who may not know where its key stands."""
        leaf = problem.path.removeprefix(f"{self.path}.")
        if problem.source or leaf == problem.path:
            self.problems.append(problem)
        else:
            self.note(self._key_of(leaf), problem.message, problem.remedy)

    def missing(self, leaf: str, message: str = "is missing", remedy: str | None = None) -> None:
        """Note that a key is missing; it is located at the table."""
        if remedy is None:
            remedy = f"Set {self.shown(leaf)}."
        self.problems.append(self._absent(Absence, leaf, message, remedy))

    def at_header(self, message: str, remedy: str = "") -> None:
        """Note that something is wrong with the table as a whole."""
        self.problems.append(self._absent(Problem, "", message, remedy))

    def shown(self, leaf: str) -> str:
        """Return a key as the table's source would spell it: dotted, or a variable's name."""
        return shown_key(self.section, self.name, leaf, self.header)

    def implausible(self, secrets: Collection[str] = ()) -> set[str]:
        """Note the values that cannot be meant; return their keys.

        Args:
            secrets: The keys of a plugin's own secrets.
        """
        found = set()
        for key, item in self.items.items():
            entries: Mapping[str | None, Any] = item if isinstance(item, dict) else {None: item}
            for entry, value in entries.items():
                if isinstance(value, Sourced) and (
                    problem := implausible(value, key, self.name, is_secret=key in secrets)
                ):
                    message, remedy = problem
                    own = variable_name(self.section, self.name, value.leaf)
                    self.note(key, message, remedy.replace(OWN_VARIABLE, own), entry=entry)
                    found.add(key)
        return found

    def parsed(
        self, model: type[M], *, ignoring: Collection[str] = (), also: tuple[str, ...] = ()
    ) -> M | None:
        """Return the table as a model, or None with its problems noted.

        Args:
            model: The model.
            ignoring: Keys whose problems are noted already.
            also: Keys that the table may have besides, for advice about unknown ones.
        """
        try:
            return model.model_validate(plain(self.without(ignoring).items))
        except ValidationError as failure:
            errors = failure.errors(include_input=False, include_url=False)
        known = (*aliases(model), *also)
        unknown = [str(e["loc"][0]) for e in errors if e["type"] == "extra_forbidden"]
        covered = {*ignoring, *(key_meant(leaf, known) for leaf in unknown)}
        noted = set()
        for error in errors:
            leaf = str(error["loc"][0]) if error["loc"] else ""
            entry = str(error["loc"][1]) if leaf in VERBATIM and len(error["loc"]) > 1 else None
            if (leaf, entry) not in noted and not (error["type"] == "missing" and leaf in covered):
                noted.add((leaf, entry))
                self._note_error(error, leaf, entry, known)
        return None

    def _note_error(
        self, error: ErrorDetails, leaf: str, entry: str | None, known: tuple[str, ...]
    ) -> None:
        if error["type"] == "missing":
            self.missing(leaf)
            return
        key = self._key_of(leaf)
        item = self.items.get(key)
        found = item if isinstance(item, Sourced) else None
        if error["type"] == "extra_forbidden":
            origin = None if found is None else found.origin
            self.note(key, *advice(self.section, self.name, leaf, origin, known))
        else:
            value = found.value if found is not None else None
            self.note(key, *described(error, leaf, value), entry=entry)

    def note_dotted_id(self) -> bool:
        """Note that the table is a part of an id with dots that stands without quotes."""
        for key, item in self.items.items():
            is_table = isinstance(item, Sourced) and isinstance(item.value, Mapping)
            if is_table and not close_to(key, VERBATIM):
                remedy = dotted_id(self.section, str(self.name), key, item.value)
                if remedy:
                    self.note(key, "is a table in a table", remedy)
                    return True
        return False

    def usable(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the items that a model takes; the problems of the others are noted, once."""
        bad = self.implausible()
        count = len(self.problems)
        required = {key for key in aliases(model) if key not in self.items}
        self.parsed(model, ignoring=bad | required)
        if len(self.problems) == count:
            return dict(self.without(bad).items)
        for key in [key for key in self.items if key not in bad]:
            alone = replace(self, items={key: self.items[key]}, problems=[])
            alone.parsed(model, ignoring={*aliases(model)} - {key})
            if alone.problems:
                bad.add(key)
        return dict(self.without(bad).items)

    def _key_of(self, leaf: str) -> str:
        found = (k for k, i in self.items.items() if isinstance(i, Sourced) and i.leaf == leaf)
        return next(found, leaf)

    def _dotted(self, leaf: str) -> str:
        return ".".join(filter(None, (self.path, leaf)))

    def _absent(self, kind: type[Problem], leaf: str, message: str, remedy: str) -> Problem:
        if self.header is None:
            return kind(self._dotted(leaf), message, "", remedy)
        path = ".".join(filter(None, (written(self.path, self.header), leaf)))
        source = locate(self.header).removesuffix(f", {self.header.key}")
        return kind(path, message, source, remedy)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one configuration.

    Attributes:
        tree: The canonical tree.
        headers: Where each table begins.
        problems: Where problems are noted.
        environ: The environment's variables; none where the configuration is a dict.
    """

    tree: Tree
    headers: Mapping[TableName, Origin]
    problems: list[Problem]
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    def names(self, section: str) -> Mapping[str, Any]:
        """Return the tables of a section by their ids."""
        return self.tree.get(section) or {}

    def top_level(self) -> Table:
        """Return the settings outside of any table."""
        items = {key: self.tree[key] for key in TOP_LEVEL if key in self.tree}
        return Table("", None, items, self.problems)

    def table(self, section: str, name: str | None = None) -> Table:
        """Return a table; an empty one if there is none of this id."""
        content = self.names(section)
        items = content if name is None else content.get(name, {})
        return Table(section, name, items, self.problems, self.headers.get((section, name)))
