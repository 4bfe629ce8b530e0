"""Where Spring Boot finds properties: documents, trees of files, variables; and how it looks."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from oauthreg._errors import Problem
from oauthreg._files import SETTINGS_SIZE, read_file
from oauthreg._sources.canonicalise import UnusableError
from oauthreg._sources.placeholders import PlaceholderError
from oauthreg._sources.spring_names import Name, of_variable, parsed, valid
from oauthreg._sources.tree import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

JSON_VARIABLE = "SPRING_APPLICATION_JSON"
_DEPTH = 100
_JAVAS = re.compile(
    r"user\.(home|dir|name|language|country|timezone)|os\.(name|arch|version)"
    r"|(file|path|line)\.separator|(file|native|stdout|stderr)\.encoding"
    r"|java\.(home|io\.tmpdir|(class|library|runtime|specification|vendor|version|vm)\b.*)|sun\..*"
)


class Property(NamedTuple):
    """One property of a file, a variable, a tree of files.

    Attributes:
        name: Its name as written, dotted.
        text: Its text.
        origin: Where it stands.
        final: Placeholders in the text stay as they are.
        unquoted: The text stands unquoted in YAML, and Spring reads it as something else.
    """

    name: str
    text: str
    origin: Origin
    final: bool = False
    unquoted: bool = False

    def __repr__(self) -> str:
        return f"Property({self.name})"


Document = list[Property]


def origin_of(path: Path, name: str, line: int = 0) -> Origin:
    """Return where a property of a file stands."""
    return Origin("spring-file", str(path), name, path.parent, line)


class Properties:
    """Properties of one source, to be found by name in any of its relaxed spellings."""

    def __init__(self, properties: Iterable[Property]) -> None:
        self.by_text = {entry.name: entry for entry in properties}

    @cached_property
    def names(self) -> dict[str, Name]:
        """What each text means, in the source's order; what means nothing is left out."""
        named = {text: self._name(text) for text in self.by_text}
        return {text: name for text, name in named.items() if len(name)}

    @cached_property
    def _by_key(self) -> Mapping[tuple[str, ...], list[str]]:
        found: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for text, name in self.names.items():
            found[name.key].append(text)
        return found

    @cached_property
    def items(self) -> Mapping[tuple[str, ...], list[tuple[str, Property]]]:
        """What stands in brackets below each name's key, such as the numbers of a list's items."""
        found: dict[tuple[str, ...], list[tuple[str, Property]]] = defaultdict(list)
        for text, name in self.names.items():
            for at, element in enumerate(name.elements):
                if element.indexed:
                    found[name.key[:at]].append((element.text, self.by_text[text]))
        return found

    def exact(self, text: str) -> Property | None:
        """Return the property of this very name."""
        return self.by_text.get(text)

    def spellings(self, name: Name) -> list[Property]:
        """Return the properties of a name; Boot takes the first."""
        texts = dict.fromkeys([*self.candidates(name), *self._by_key.get(name.key, ())])
        return [self.by_text[text] for text in texts if text in self.by_text]

    def find(self, name: Name) -> Property | None:
        """Return the property of a name."""
        return next(iter(self.spellings(name)), None)

    def _name(self, text: str) -> Name:
        return parsed(text)

    def candidates(self, name: Name) -> list[str]:
        """Return the texts that Boot looks for first, in its order."""
        return [str(name)]


class Variables(Properties):
    """The environment: `SPRING_PROFILES_ACTIVE` is `spring.profiles.active`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(Property(n, t, Origin("spring-variable", n)) for n, t in environ.items())

    def exact(self, text: str) -> Property | None:
        """Return the variable of this name, perhaps in capitals and with `_` for `.` and `-`."""
        for name in (text, text.upper()):
            dotless = name.replace(".", "_")
            for variable in (name, dotless, name.replace("-", "_"), dotless.replace("-", "_")):
                if variable in self.by_text:
                    return self.by_text[variable]
        return None

    def _name(self, text: str) -> Name:
        return of_variable(text)

    def candidates(self, name: Name) -> list[str]:
        """Return the variables that Boot looks for first, in its order."""
        return [*name.variables(), str(name)]


def from_environment(environ: Mapping[str, str]) -> list[Properties]:
    """Return what counts before any file: `SPRING_APPLICATION_JSON`, then the variables.

    Raises:
        UnusableError: `SPRING_APPLICATION_JSON` is no JSON object.
    """
    variables = Variables(environ)
    json_variable = variables.exact("spring.application.json")
    if json_variable is None or not json_variable.text:
        return [variables]
    try:
        tree = json.loads(json_variable.text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        tree = None
    if not isinstance(tree, dict):
        raise UnusableError(Problem(json_variable.name, "is not a JSON object"))
    return [Properties(_flattened(json_variable.name, "", tree)), variables]


def _flattened(variable: str, name: str, value: Any) -> Iterator[Property]:
    origin = Origin("spring-variable", variable, name)
    match value:
        case dict() if value or not name:
            for key, inner in value.items():
                yield from _flattened(variable, f"{name}.{key}" if name else key, inner)
        case list() if value:
            for index, inner in enumerate(value):
                yield from _flattened(variable, f"{name}[{index}]", inner)
        case list() | dict():
            yield Property(name, "", origin)
        case bool():
            yield Property(name, "true" if value else "false", origin)
        case str():
            yield Property(name, value, origin)


def config_tree(folder: Path) -> Properties:
    """Return a folder's files as properties, named by their path, as Kubernetes mounts them.

    Raises:
        UnusableError: A file cannot be read.
    """
    return Properties(_files(folder, folder, ()))


def _files(root: Path, folder: Path, around: tuple[str, ...]) -> Iterator[Property]:
    try:
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".."):
                continue
            if path.is_dir() and len(around) < _DEPTH:
                yield from _files(root, path, (*around, path.name))
            elif path.is_file():
                name = ".".join((*around, path.name))
                text = read_file(path, SETTINGS_SIZE).decode("utf-8", "replace")
                yield Property(name, _without_line_end(text), origin_of(path, ""), final=True)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise UnusableError(Problem(str(root), message)) from None


def _without_line_end(text: str) -> str:
    if text.count("\n") != 1:
        return text
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def found_in(sources: Sequence[Properties], text: str) -> str | None:
    """Return what a placeholder's name stands for in these sources, as Boot looks it up.

    Raises:
        PlaceholderError: Only a Java program knows it.
    """
    if text.startswith("random."):
        name = text.partition(":")[0]  # what follows is a default, which may be a secret
        message = f"${{{name}}} is made up by Spring at each start"
        raise PlaceholderError(message, "Write the value itself.")
    if _JAVAS.fullmatch(text):
        message = f"${{{text}}} is a property of the Java machine"
        raise PlaceholderError(message, "Write the value itself, or ${NAME} of a variable.")
    canonical = valid(text)
    lookups = [s.find(canonical) for s in sources] if canonical else []
    lookups += [source.exact(text) for source in sources]
    return next((found.text for found in lookups if found is not None), None)
