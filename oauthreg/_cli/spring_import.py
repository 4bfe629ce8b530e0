"""Spring's settings as TOML: values resolved, comments kept, credentials left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oauthreg._cli import toml_text
from oauthreg._cli.spring_comments import Comments, comments_of
from oauthreg._settings.load import SPRING, effective
from oauthreg._sources import Sourced
from oauthreg._sources.locate import shown
from oauthreg._sources.tree import LITERAL_CREDENTIALS, Origin

if TYPE_CHECKING:
    from oauthreg._settings.load import Configuration

_VARIABLE = re.compile(r"""["']?\$\{\s*([A-Za-z_]\w*)\s*(?::.*)?\}["']?""")
_WITH_PLACEHOLDER = re.compile(r"""["']?[^\s,"'{}]*\$\{[^\s,"'{}]*\}[^\s,"'{}]*["']?""")
"""A value that is one word with a placeholder: in a line with others, one may be a credential."""
NOT_COPIED = "# Credentials were not copied: put each into the variable that is named."
_OURS = ("OAUTHREG_", "SPRING_")


@dataclass(frozen=True, slots=True)
class MovedSecret:
    """A credential that was not copied.

    Attributes:
        path: Its setting.
        variable: The variable of the environment to put it into.
        source: Where it stands.
    """

    path: str
    variable: str
    source: str


@dataclass(slots=True)
class Imported:
    """Settings as TOML.

    Attributes:
        secrets: The credentials that have to be put somewhere.
        lines: The lines of the text.
    """

    secrets: list[MovedSecret] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The whole text."""
        return "\n".join(self.lines).strip() + "\n"


def imported(configuration: Configuration, names: str) -> Imported:
    """Return a configuration of Spring files as TOML.

    Args:
        configuration: What was loaded from them.
        names: What they are called, for the first line.
    """
    result = Imported(lines=[f"# Made of {names} by `oauthreg import`."])
    tables = {
        ("registration", id_): effective(configuration, id_).items for id_ in configuration.entries
    }
    tables |= {
        ("provider", name): table for name, table in configuration.tree.get("provider", {}).items()
    }
    sources = _Sources(tables)
    for (section, name), items in tables.items():
        result.lines += ["", *_table(section, name, items, sources, result.secrets)]
    if result.secrets:
        result.lines.insert(
            1, "# Credentials were not copied: put each into the variable it names."
        )
    return result


class _Sources:
    """The Spring files: their lines and comments.

    Args:
        tables: Every table that is written.
    """

    def __init__(self, tables: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
        lines: dict[str, set[int]] = {}
        for items in tables.values():
            for item in items.values():
                if isinstance(item, Sourced) and item.origin.line:
                    lines.setdefault(item.origin.name, set()).add(item.origin.line)
        self._lines: dict[str, list[str]] = {}
        self._comments: dict[str, Comments] = {}
        for name, numbers in lines.items():
            text = Path(name).read_text("utf-8", errors="replace")
            yaml = not name.lower().endswith(".properties")
            self._lines[name] = ["", *text.splitlines()]
            self._comments[name] = comments_of(text, numbers, yaml=yaml)

    def comments(self, origin: Origin) -> Comments:
        """Return the comments of a value's file."""
        return self._comments.get(origin.name, Comments())

    def written(self, origin: Origin) -> str:
        """Return a value as its file writes it."""
        if not origin.line:
            return ""
        line = re.split(r"\s#", self._lines[origin.name][origin.line])[0]
        return re.split(r"[:=]\s*", line, maxsplit=1)[-1].strip()


def _table(
    section: str,
    name: str,
    items: Mapping[str, Any],
    sources: _Sources,
    secrets: list[MovedSecret],
) -> Iterator[str]:
    kept = [
        (key, item)
        for key, item in items.items()
        if isinstance(item, Sourced) and item.origin.kind != "plugin"
    ]
    kept.sort(key=lambda pair: (pair[0] != "provider", pair[1].origin.name, pair[1].origin.line))
    for _, item in kept:
        yield from map(_comment, sources.comments(item.origin).tables.pop(item.origin.line, ()))
    yield toml_text.header(section, name)
    for key, item in kept:
        comments, number = sources.comments(item.origin), item.origin.line
        own = key != "provider" or item.origin.key.endswith("provider")  # not one that is implied
        above = comments.above.pop(number, []) if own else []
        beside = comments.beside.pop(number, []) if own else []
        below = comments.below.pop(number, []) if own else []
        yield from map(_comment, above)
        if item.leaf in LITERAL_CREDENTIALS:
            yield from _moved(f"{section}.{name}.{item.leaf}", key, item, sources, secrets)
            yield from map(_comment, beside)
        else:
            yield toml_text.line(key, item.value, "; ".join([*beside, *_notes(item, sources)]))
        yield from map(_comment, below)


def _notes(item: Sourced, sources: _Sources) -> Iterator[str]:
    written = sources.written(item.origin)
    if item.origin.kind == "spring-variable":
        yield f"from the environment variable {item.origin.name}"
    elif item.origin.kind not in SPRING:
        yield "Spring's default"
    elif _WITH_PLACEHOLDER.fullmatch(written):
        yield f"was {written}, which TOML does not expand"


def _moved(
    path: str, key: str, item: Sourced, sources: _Sources, secrets: list[MovedSecret]
) -> Iterator[str]:
    """Give a reference in place of a credential."""
    origin = item.origin
    by_variable = _VARIABLE.fullmatch(sources.written(origin))
    if origin.kind == "spring-variable":
        variable, what = origin.name, "it stands there already"
    elif by_variable:
        variable, what = by_variable[1], "as for Spring"
    else:
        variable = _variable(path, {secret.variable for secret in secrets})
        what = f"put the value of {shown(origin.name)} line {origin.line} there"
    secrets.append(MovedSecret(path, variable, what))
    yield toml_text.line(f"{key}-ref", f"env:{variable}", what)


def _variable(path: str, taken: set[str]) -> str:
    """Return a free name for a variable of the environment."""
    name = re.sub(r"\W+", "_", path.partition(".")[2]).replace("-", "_").upper().strip("_")
    name = f"MY_{name}" if name.startswith(_OURS) or not name[:1].isalpha() else name
    while name in taken:
        name += "_"
    return name


def _comment(words: str) -> str:
    return f"# {words}".rstrip()
