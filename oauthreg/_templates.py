"""Templates of addresses: `{name}` of a declared setting, and where each kind of it may stand.

A `BaseUrl` begins its template and is inserted whole; a `HostLabel` is one label of the host's
name; any other setting is percent-encoded as one path segment or query value, behind the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from oauthreg._addresses import parse_secure
from oauthreg._quoting import quoted_word

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?![0-9])", re.IGNORECASE)  # and no port of a host's
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_HOST_NAME = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*", re.IGNORECASE)
_SAMPLES = {"begin": "https://base.example", "host": "label", "behind": "segment"}


class _Whole:
    """Marks a setting that is inserted into a template as it is."""


class _Label:
    """Marks a setting that may stand in the host part of a template."""


def _base_url(text: str) -> str:
    url = text.strip()
    url = (url if _SCHEME.match(url) else f"https://{url}").rstrip("/")
    if parse_secure(url).query is not None:
        raise ValueError("must be a host name or an address without a query")
    return url


def host_label(text: str) -> str:
    """Return one label of a host name (RFC 1035 section 2.3.1).

    Raises:
        ValueError: it is none; the text says what to write instead.
    """
    label = text.strip()
    if _LABEL.fullmatch(label):
        return label
    host = label.rpartition("://")[2].partition("/")[0].rpartition("@")[2]
    meant = re.split(r"[.:]", host)[0]
    quoted = quoted_word(meant) if _LABEL.fullmatch(meant) else ""
    advice = f": write {quoted}" if quoted else ""
    raise ValueError(
        f"must be one label of a host name (letters, digits and - inside it, no dot){advice}"
    )


BaseUrl = Annotated[str, AfterValidator(_base_url), _Whole()]
"""A server's address, inserted whole at the begin of a template; a bare host name means https."""

HostLabel = Annotated[str, AfterValidator(host_label), _Label()]
"""One label of a host name, such as the `acme` of `https://acme.example.com`."""


class UnfitSettingError(ValueError):
    """A setting cannot stand where a template puts it.

    Attributes:
        setting: Its name, as in settings.
        message: What is wrong with it.
    """

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting
        self.message = message


class _Placeholder(NamedTuple):
    """One `{name}`: where it stands (`begin`, `host` or `behind`), and the text around it."""

    name: str
    place: str
    after: str


def fields_in(template: str, known: Mapping[str, object], owner: str) -> list[str]:
    """Return the names in a template.

    Args:
        template: The template.
        known: What its placeholders may name.
        owner: What has these names, for the error.

    Raises:
        TypeError: it is no template, or names something else.
    """
    try:
        parts = list(Formatter().parse(template))
    except (TypeError, ValueError) as error:
        raise TypeError(f" is no template: {error}") from None
    names = []
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if spec or conversion or not name.isidentifier():
            shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            raise TypeError(f": {{{shown}}} must be the name of a setting and no more")
        if name not in known:
            listed = ", ".join(f"{{{field}}}" for field in known) or "none"
            raise TypeError(f": {{{name}}} is no setting of {owner}, which has: {listed}")
        names.append(name)
    return names


def names_in(template: str) -> list[str]:
    """Return the names in a template that was checked."""
    return [one.name for _, one in _pieces(template) if one is not None]


def check_address(template: Any, settings: type[BaseModel], *, link_local: bool = False) -> None:
    """Check the template of an address when its class is made.

    Args:
        template: The template.
        settings: The settings that it may name.
        link_local: Whether the address may be a cloud's metadata service.

    Raises:
        TypeError: a placeholder names no setting or stands where its kind must not; or what the
            template gives is no https address.
    """
    check_text(template, settings, is_address=True)
    sample = "".join(text + (_SAMPLES[one.place] if one else "") for text, one in _pieces(template))
    try:
        parse_secure(sample, link_local=link_local)
    except ValueError as error:
        raise TypeError(f" gives no usable address: it {error}") from None


def check_text(template: Any, settings: type[BaseModel], *, is_address: bool = False) -> None:
    """Check a template, and if it is one of an http address, where its placeholders stand.

    Raises:
        TypeError: a placeholder names no setting, or a secret, or stands where its kind must not.
    """
    for name in fields_in(template, settings.model_fields, settings.__name__):
        if is_secret(settings.model_fields[name]):
            raise TypeError(f": {{{name}}} is a secret, which must not be shown")
        if _is_several(settings.model_fields[name]):
            raise TypeError(f": {{{name}}} is several values, and must be one")
    if is_address or _is_address(template, settings):
        _check_places(template, settings)


def _check_places(template: str, settings: type[BaseModel]) -> None:
    for _, found in _pieces(template):
        if found is None:
            continue
        name, place, after = found
        field = settings.model_fields[name]
        if _has_mark(field, _Whole) and place != "begin":
            raise TypeError(f": {{{name}}} is a BaseUrl, which must begin the template")
        if place == "begin" and not _has_mark(field, _Whole):
            raise TypeError(f": {{{name}}} begins the template, and so must be a BaseUrl")
        if place == "begin" and after[:1] not in ("", "/", "?"):
            raise TypeError(f": after {{{name}}}, a BaseUrl, must come / or ?, or nothing")
        if place == "host" and not (_has_mark(field, _Label) or _names_hosts(field)):
            raise TypeError(
                f": {{{name}}} stands in the host part, and so must be a HostLabel, "
                "or a Literal of host names"
            )


def filled(template: str, **values: str) -> str:
    """Return an address from a template, with each value encoded for its place.

    What begins the template is an address itself (see `BaseUrl`), what stands in the host part one
    label of a host name, and anything else is percent-encoded as one path segment.

    Raises:
        ValueError: a value cannot stand where the template puts it.
    """
    done = []
    for text, found in _pieces(template):
        done.append(text)
        if found is not None:
            done.append(_encoded(found, values[found.name]))
    return "".join(done)


def filled_from(template: str, settings: BaseModel) -> str | None:
    """Return an address from a template that was checked; None if a setting of it is not set.

    Raises:
        UnfitSettingError: a value cannot stand where the template puts it.
    """
    done = []
    for text, found in _pieces(template):
        done.append(text)
        if found is None:
            continue
        value = getattr(settings, found.name)
        if value is None:
            return None
        try:
            checked = found.place != "behind"  # by its type, when the settings were made
            done.append(str(value) if checked else _encoded(found, str(value)))
        except ValueError as error:
            raise UnfitSettingError(found.name.replace("_", "-"), str(error)) from None
    return "".join(done)


def filled_text(template: str, settings: BaseModel) -> str | None:
    """Return a text from a template that was checked; None if a setting of it is not set.

    An http address is filled as one; anything else takes the values as they are.

    Raises:
        UnfitSettingError: a value cannot stand where the template puts it.
    """
    if _is_address(template, type(settings)):
        return filled_from(template, settings)
    values = {one.name: getattr(settings, one.name) for _, one in _pieces(template) if one}
    return None if None in values.values() else template.format_map(values)


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting holds what must not be shown: our `Secret`, or pydantic's."""
    kinds = (field.annotation, *get_args(field.annotation))
    return any(hasattr(kind, "get_secret_value") for kind in kinds)


def is_base_url(field: FieldInfo) -> bool:
    """Whether a setting is a `BaseUrl`, which says at which host a server is."""
    return _has_mark(field, _Whole)


def is_host_label(field: FieldInfo) -> bool:
    """Whether a setting is a `HostLabel`."""
    return _has_mark(field, _Label)


def is_text(field: FieldInfo) -> bool:
    """Whether a setting is text that is shown."""
    return str in (field.annotation, *get_args(field.annotation))


def _is_several(field: FieldInfo) -> bool:
    kinds = (field.annotation, *get_args(field.annotation))
    return any((get_origin(kind) or kind) in (list, tuple, set, frozenset, dict) for kind in kinds)


def _is_address(template: str, settings: type[BaseModel]) -> bool:
    if template.lower().startswith(("https://", "http://")):
        return True
    _, first = next(_pieces(template), ("", None))
    return (
        first is not None
        and first.place == "begin"
        and is_base_url(settings.model_fields[first.name])
    )


def _encoded(found: _Placeholder, text: str) -> str:
    if found.place == "begin":
        return _base_url(text)
    if found.place == "host":
        return host_label(text)
    if text in ("", ".", ".."):
        raise ValueError("must not be empty, nor . or .., which a path would lose")
    return quote(text, safe="")


def _pieces(template: str) -> Iterator[tuple[str, _Placeholder | None]]:
    """Give the parts of a template: a text, and the placeholder behind it, if there is one."""
    parts = list(Formatter().parse(template))
    before = ""
    for number, (text, name, _, _) in enumerate(parts):
        before += text
        if name is None:
            yield text, None
            continue
        host = before.partition("://")[2]
        place = "begin" if not before else "behind" if re.search(r"[/?#]", host) else "host"
        if before.startswith("{}"):  # a BaseUrl began it
            place = "behind"
        after = (parts[number + 1][0] or "{") if number + 1 < len(parts) else ""
        yield text, _Placeholder(name, place, after)
        before += "{}"


def _has_mark(field: FieldInfo, kind: type) -> bool:
    nested = (meta for part in get_args(field.annotation) for meta in get_args(part))
    return any(isinstance(mark, kind) for mark in (*field.metadata, *nested))


def _names_hosts(field: FieldInfo) -> bool:
    """Whether the setting is one of fixed names that can be a host's, or a part of one."""
    kinds = (field.annotation, *get_args(field.annotation))
    return any(
        get_origin(kind) is Literal and all(_HOST_NAME.fullmatch(str(o)) for o in get_args(kind))
        for kind in kinds
    )
