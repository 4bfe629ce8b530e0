"""Which documents of Spring files count, and in which order: Boot's `ConfigDataEnvironment`.

A tree of contributors grows: each is a document, or a list of locations, and its imports are its
children. It is grown twice, before the profiles are known and after.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from oauthreg._errors import Problem
from oauthreg._sources.canonicalise import UnusableError, suggestion
from oauthreg._sources.locate import locate
from oauthreg._sources.placeholders import PlaceholderError
from oauthreg._sources.spring_binding import Binder, BindError, Bound
from oauthreg._sources.spring_cloud import PLATFORMS, platform_of
from oauthreg._sources.spring_locations import Location, LocationError, Locations, Resource
from oauthreg._sources.spring_names import parsed
from oauthreg._sources.spring_profiles import ProfileError, checked, matches, with_groups
from oauthreg._sources.spring_properties import Properties, found_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from oauthreg._sources.spring_properties import Property

_OLD_HEADER = ("spring.profiles", "spring.profiles[0]")
_NOT_FOR_A_PROFILE = [
    f"spring.profiles.{word}{index}"
    for word in ("include", "active", "default")
    for index in ("", "[0]")
]
_CONDITIONAL = "stands in a document with a condition, where Spring Boot refuses it"
_ACTIVATE = parsed("spring.config.activate")
_TABLES = [*map(parsed, ("spring.config", "spring.config.activate", "spring.profiles.group"))]
_CONDITIONS = {parsed(word).key[0]: word for word in ("on-profile", "on-cloud-platform")}
_TRUE, _FALSE = ("true", "on", "yes", "1"), ("false", "off", "no", "0")
_BEFORE, _AFTER = "before", "after"


@dataclass(eq=False)
class Contributor:
    """A document with what it imports, or locations with what they name.

    Attributes:
        properties: The document's; None of locations alone.
        folder: The folder that relative imports start from.
        locations: Finds what locations name; default: everybody's.
        imports: The locations to follow, each with the property that names it.
        bound: `imports` and the conditions are known.
        for_profile: It comes of a location made for a profile.
        late: It stands above all that is for no profile.
        conditional: It has conditions, even empty ones.
        on_profile: Expressions of profiles, one of which must hold.
        on_platform: The cloud platform that it is for.
    """

    properties: Properties | None = None
    folder: Path | None = None
    locations: Locations | None = None
    imports: list[tuple[Location, Property | None]] = field(default_factory=list)
    bound: bool = True
    for_profile: bool = False
    late: bool = False
    conditional: bool = False
    on_profile: list[str] = field(default_factory=list)
    on_profile_entry: Property | None = None
    on_platform: str | None = None
    children: dict[str, list[Contributor]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Contributor]:
        for phase in (_AFTER, _BEFORE):
            for child in self.children.get(phase, ()):
                yield from child
        yield self

    def add(self, phase: str, children: list[Contributor]) -> None:
        """Set the children of a phase; those for a profile move above what was there before."""
        self.children[phase] = children
        before = self.children.get(_BEFORE, [])
        if phase != _AFTER or not any(late for child in before for late in child.late_children()):
            return
        moved: list[Contributor] = []
        for child in before:
            for each in (_BEFORE, _AFTER):
                inner = child.children.get(each, [])
                moved += [one for one in inner if one.late]
                child.add(each, [one for one in inner if not one.late])
        for one in moved:
            one.late = False
        self.children[_AFTER] = moved + self.children.get(_AFTER, [])

    def late_children(self) -> Iterator[Contributor]:
        """Yield the children that stand above what is for no profile."""
        return (one for inner in self.children.values() for one in inner if one.late)


@dataclass
class Context:
    """What conditions are judged by: None for what is not known yet."""

    platform: str
    profiles: list[str] | None = None

    def holds(self, one: Contributor) -> bool:
        """Return whether a document's conditions hold."""
        if one.on_platform not in (None, self.platform):
            return False
        if not one.on_profile:
            return True
        return self.profiles is not None and _judged(one, self.profiles)


def _judged(one: Contributor, profiles: Sequence[str]) -> bool:
    try:
        return matches(one.on_profile, profiles.__contains__)
    except ProfileError as error:
        _refuse(one.on_profile_entry, str(error))


def _refuse(entry: Property | None, message: str, remedy: str = "") -> NoReturn:
    path, source = (entry.name, locate(entry.origin)) if entry else ("spring.config", "")
    raise UnusableError(Problem(path, message, source, remedy))


class ConfigData:
    """The documents that count.

    Args:
        existing: What stands above all files: the environment.
        initial: Locations to start from, high to low.
        locations: Finds what locations name.
    """

    def __init__(
        self, existing: Sequence[Properties], initial: Sequence[Contributor], locations: Locations
    ) -> None:
        self._existing = existing
        self._locations = locations
        self._environment = Binder(existing, partial(found_in, existing), decisive=True)
        self._context: Context | None = None
        self._root = Contributor(
            children={_BEFORE: [*(Contributor(properties=p) for p in existing), *initial]}
        )
        self._read: set[tuple[str, str]] = set()
        self._followed: set[str] = set()

    @property
    def files(self) -> set[Path]:
        """The files that were read."""
        return {Path(path) for kind, path in self._read if kind == "file"}

    def documents(self) -> list[Properties]:
        """Return the documents that count, high to low.

        Raises:
            UnusableError: Spring Boot would refuse the files, or they cannot be followed here.
        """
        try:
            self._grow()
            self._refuse_conditional("spring.main.cloud-platform")
            platform = platform_of(self._binder(), self._existing[-1])
            self._context = Context(platform)
            self._grow()
            self._context = Context(platform, self._profiles())
            self._grow()
            self._check()
        except BindError as error:
            _refuse(error.entry, error.message, error.remedy)
        return [
            one.properties
            for one in self._root
            if one.properties is not None
            and one.properties not in self._existing
            and self._holds(one)
        ]

    def _holds(self, one: Contributor) -> bool:
        if self._context is None:
            return not one.conditional
        return self._context.holds(one)

    def _binder(self) -> Binder:
        sources = [one.properties for one in self._root if one.properties is not None]
        return Binder(sources, self._find, decisive=True)

    def _find(self, text: str, within: Contributor | None = None) -> str | None:
        """Return what a placeholder stands for, which no document with a condition may set."""
        found = found_in(self._existing, text)
        for one in self._root:
            if one.properties is None or one.properties in self._existing:
                continue
            entry = one.properties.exact(text)
            if entry is None:
                continue
            if one is not within and not one.bound:
                self._bind(one)
            if one is not within and not self._holds(one):
                name = text.partition(":")[0]  # what follows is a default, which may be a secret
                raise PlaceholderError(f"${{{name}}} stands in a document with a condition")
            found = entry.text if found is None else found
        return found

    def _grow(self) -> None:
        known = self._context is not None and self._context.profiles is not None
        phase = _AFTER if known else _BEFORE
        while (one := self._next(phase)) is not None:
            if one.bound:
                one.add(phase, self._imported(one))
            else:
                self._bind(one)

    def _next(self, phase: str) -> Contributor | None:
        for one in self._root:
            if not one.bound or (one.imports and phase not in one.children and self._holds(one)):
                return one
        return None

    def _bind(self, one: Contributor) -> None:
        one.bound = True
        assert one.properties is not None  # noqa: S101 - only documents are bound
        binder = Binder([one.properties], partial(self._find, within=one), decisive=True)
        imports = binder.items("spring.config.import")
        if imports is not None:
            locations = [Location.of(text) for text in imports.value if text.strip()]
            one.imports = [(location, imports.entry) for location in locations if location.text]
        _check_conditions(one.properties)
        expressions = binder.items("spring.config.activate.on-profile")
        if expressions is not None:
            one.conditional = True
            one.on_profile = list(expressions.value)
            one.on_profile_entry = expressions.entry
        platform = binder.text("spring.config.activate.on-cloud-platform")
        if platform is not None and platform.value:
            one.conditional = True
            one.on_platform = PLATFORMS.get(parsed(str(platform.value)).key)
            if one.on_platform is None:
                _refuse(platform.entry, "is no cloud platform that Spring Boot knows")

    def _imported(self, one: Contributor) -> list[Contributor]:
        profiles = self._context.profiles if self._context is not None else None
        found: list[tuple[Location, Property | None, Resource, bool]] = []
        for location, entry in one.imports:
            try:
                locations = one.locations or self._locations
                named = [*locations.resources(location, one.folder, profiles)]
            except LocationError as error:
                _refuse(entry, f"{location.shown} {error.message}", error.remedy)
            found += [(location, entry, *each) for each in named]
        children: list[Contributor] = []
        for location, entry, resource, for_profile in reversed(found):
            if resource.identity in self._read:
                self._followed.add(location.text)
                continue
            try:
                documents = resource.documents(self._locations.environ)
            except FileNotFoundError:
                if not (location.optional or self._ignores_missing):
                    message = f"{location.shown} is not there"
                    _refuse(entry, message, "Write optional: before it if it may be missing.")
                continue
            self._read.add(resource.identity)
            self._followed.add(location.text)
            children += [
                Contributor(
                    properties=document,
                    folder=resource.folder,
                    bound=False,
                    for_profile=for_profile,
                    late=resource.profile is not None,
                )
                for document in reversed(documents)
            ]
        return children

    @property
    def _ignores_missing(self) -> bool:
        action = self._environment.text("spring.config.on-not-found")
        return action is not None and str(action.value).lower() == "ignore"

    def _profiles(self) -> list[str]:
        """Return the profiles that count: those included, then the active ones, with groups."""
        self._refuse_conditional("spring.profiles.validate")
        binder = self._binder()
        strict = _strict(binder)
        included = [name for one in self._root for name in self._included(one)]
        groups = {
            key: _names(members, strict=strict) or []
            for key, members in binder.groups("spring.profiles.group").items()
        }
        active = _names(binder.items("spring.profiles.active"), strict=strict) or []
        default = _names(binder.items("spring.profiles.default"), strict=strict)
        accepted = with_groups([*included, *active], groups)
        chosen = accepted or with_groups(["default"] if default is None else default, groups)
        if any(not name.strip() or name.startswith("!") or "/" in name for name in chosen):
            _refuse(None, "spring.profiles names an empty profile, or one with ! or /")
        return chosen

    def _included(self, one: Contributor) -> list[str]:
        if one.properties is None:
            return []
        own = Binder([one.properties], self._find, decisive=True)
        found = _names(own.items("spring.profiles.include"), strict=_strict(own))
        if found is not None and not self._holds(one):
            entry = _first(one.properties, _NOT_FOR_A_PROFILE[:2])
            _refuse(entry, _CONDITIONAL)
        return found or []

    def _refuse_conditional(self, name: str) -> None:
        for one in self._root:
            if one.properties is not None and not self._holds(one):
                entry = _first(one.properties, [name])
                if entry is not None:
                    _refuse(entry, _CONDITIONAL)

    def _check(self) -> None:
        """Refuse what Spring Boot refuses at the end: old headers, profiles' own, missing files."""
        mandatory: dict[Location, Property | None] = {}
        for one in self._root:
            if one.properties is not None:
                entry = _first(one.properties, _OLD_HEADER)
                if entry is not None:
                    remedy = (
                        "Write spring.config.activate.on-profile, as Spring Boot 2.4 and later."
                    )
                    _refuse(entry, "is the header of Spring Boot before 2.4", remedy)
                entry = _first(one.properties, _NOT_FOR_A_PROFILE) if one.for_profile else None
                if entry is not None:
                    message = "stands in a file of one profile, where Spring Boot refuses it"
                    _refuse(entry, message, "Write it into the file for all profiles.")
            if self._holds(one):
                mandatory |= {at: entry for at, entry in one.imports if not at.optional}
        for location, entry in mandatory.items():
            if location.text not in self._followed and not self._ignores_missing:
                _refuse(entry, f"{location.shown} is not there")


def _check_conditions(properties: Properties) -> None:
    for table in _TABLES:
        entry = properties.find(table)
        below = any(name.below(table) for name in properties.names.values())
        if entry is not None and (entry.text or below):
            _refuse(entry, "has a value, which hides what is below it")
    for text, name in properties.names.items():
        if name.below(_ACTIVATE) and name.key[len(_ACTIVATE)] not in _CONDITIONS:
            remedy = suggestion(name.elements[len(_ACTIVATE)].text, _CONDITIONS.values())
            _refuse(properties.by_text[text], "is no condition that Spring Boot knows", remedy)


def _strict(binder: Binder) -> bool:
    validate = binder.text("spring.profiles.validate")
    word = "true" if validate is None else str(validate.value).lower()
    if word not in (*_TRUE, *_FALSE):
        _refuse(validate.entry if validate else None, "must be true or false")
    return word in _TRUE


def _names(bound: Bound | None, *, strict: bool) -> list[str] | None:
    if bound is None:
        return None
    try:
        return checked(bound.value) if strict else list(bound.value)
    except ProfileError as error:
        _refuse(bound.entry, str(error))


def _first(properties: Properties, names: Sequence[str]) -> Property | None:
    return next((found for name in names if (found := properties.find(parsed(name)))), None)
