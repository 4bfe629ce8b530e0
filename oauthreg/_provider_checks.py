"""Everything that a plugin's class says, checked when the class is made."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from importlib.metadata import version
from types import FunctionType
from typing import Any

from pydantic import ValidationError
from pydantic.errors import PydanticUndefinedAnnotation

from oauthreg._api_headers import check_template
from oauthreg._endpoints import ENDPOINTS
from oauthreg._provider_data import ProviderData, ProviderSettings
from oauthreg._registration import ClientRegistration
from oauthreg._sources.tree import ALTERNATIVES, BASES, LITERAL_CREDENTIALS, canonical
from oauthreg._templates import check_address, check_text, fields_in, is_text

INTERFACE = "0.1"
"""The version of oauthreg in which hooks or attributes were last added."""

MTLS_TOKEN_URI = "mtls-token-uri"
SHOWN_CREDENTIALS = frozenset({"key", "secret", "token", "password", "passphrase"})
"""How the names of settings end that hold a credential."""

NEVER_DEFAULT = LITERAL_CREDENTIALS | {"provider", "username", "principal"}
"""Settings of a registration that a plugin's `defaults` may not hold."""

OF_THE_CLIENT = ("client_id", "client_secret", "assertion")
"""What `token` may name besides the plugin's own settings."""


def check_class(cls: type[Any], base: type[Any]) -> None:
    """Check a plugin's class.

    Args:
        cls: The class.
        base: What every plugin is made from.

    Raises:
        TypeError: something that it says cannot be; the text names the attribute.
    """
    _check_interface(cls)
    _check_data(cls, base)
    _refuse_unknown_names(cls, base)
    _check_kinds(cls, base)
    _check_settings(cls.settings_class)
    _check_settings(cls.options_class)
    _check_options(cls)
    _check_templates(cls)


def address_names(plugin: Any) -> tuple[str, ...]:
    """Return the names of all addresses that a plugin can have, as settings write them."""
    return (*ENDPOINTS, MTLS_TOKEN_URI, *plugin.addresses)


def attribute_of(setting: str) -> str:
    """Return the class attribute with the template of an address."""
    return setting.replace("-", "_")


def _check_interface(cls: type[Any]) -> None:
    """Refuse a class that was written for a newer oauthreg."""
    wanted = str(cls.requires_interface)
    try:
        newer = newer_than_installed(wanted)
    except ValueError:
        place = f"{cls.__name__}.requires_interface"
        raise TypeError(f"{place}: must be a version such as {INTERFACE!r}") from None
    if newer:
        installed = version("oauthreg")
        raise TypeError(f"{cls.__name__} needs oauthreg >= {wanted}; installed is {installed}")


def newer_than_installed(wanted: str) -> bool:
    """Whether a version of the interface is newer than this one.

    Raises:
        ValueError: it is no version.
    """
    return _version(wanted) > _version(INTERFACE)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _check_data(cls: type[Any], base: type[Any]) -> None:
    """Check the values of all data attributes, and keep them in the form that is used."""
    given = {
        name: getattr(cls, name)
        for name in ProviderData.model_fields
        if getattr(cls, name) is not getattr(base, name)
    }
    try:
        data = ProviderData.model_validate(given)
    except ValidationError as failure:
        raise TypeError(_words(cls, failure)) from None
    for name in given:
        setattr(cls, name, getattr(data, name))


def _words(cls: type[Any], failure: ValidationError) -> str:
    """Return what is wrong with the data, one line each."""
    lines = []
    for error in failure.errors(include_input=False, include_url=False):
        name, *inner = (str(part) for part in error["loc"])
        name = name.replace("-", "_")
        at = f" at {inner[0]!r}" if inner else ""
        words = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        lines.append(f"{cls.__name__}.{name}{at}: {words[:1].lower()}{words[1:]}")
    return "\n".join(lines)


def _check_kinds(cls: type[Any], base: type[Any]) -> None:
    """Refuse a hook that is no method, and a settings class that is none."""
    for name, member in vars(base).items():
        found = getattr(cls, name)
        if isinstance(member, FunctionType) and not callable(found):
            raise TypeError(f"{cls.__name__}.{name}: must be a method, as in {base.__name__}")
        if isinstance(member, type) and not (isinstance(found, type) and issubclass(found, member)):
            raise TypeError(f"{cls.__name__}.{name}: must be a subclass of {member.__name__}")


def _check_settings(settings: type[ProviderSettings]) -> None:
    """Refuse a setting that is a credential by its name, and would be shown."""
    try:
        settings.model_rebuild()
    except PydanticUndefinedAnnotation as error:
        raise TypeError(
            f"{settings.__name__}: import {error.name}, the type of a setting"
        ) from None
    for name, field in settings.model_fields.items():
        if name.rpartition("_")[2] in SHOWN_CREDENTIALS and name != "public_key" and is_text(field):
            raise TypeError(
                f"{settings.__name__}.{name} is text, which is shown: make it a Secret, of "
                "oauthreg.plugin (or call it otherwise if it is no credential)"
            )


def _check_options(cls: type[Any]) -> None:
    """Refuse a plugin's setting of registrations that every registration has."""
    names = (*(field.name for field in fields(ClientRegistration)), *ALTERNATIVES, *BASES)
    taken = set(map(attribute_of, names))
    for name in taken & cls.options_class.model_fields.keys():
        raise TypeError(f"{cls.options_class.__name__}.{name}: every registration has a {name}")


def _check_templates(cls: type[Any]) -> None:
    """Check every template of the class."""
    for setting in address_names(cls):
        template = getattr(cls, attribute_of(setting), None)
        if template is not None:
            check = partial(check_address, link_local=cls.link_local)
            _checking(cls, attribute_of(setting), check, template)
    if cls.api_uri is not None:
        _checking(cls, "api_uri", check_address, cls.api_uri)
    for name, template in cls.api_headers.items():
        _checking(cls, f"api_headers[{name!r}]", check_template, template)
    if cls.token is not None:
        _checking(cls, "token", partial(_check_token, cls), cls.token)
    for key, value in cls.defaults.items():
        if key != canonical(key):
            raise TypeError(f"{cls.__name__}.defaults: {key!r} is spelled {canonical(key)!r}")
        if key in NEVER_DEFAULT:
            raise TypeError(f"{cls.__name__}.defaults: must not have {key!r}, a registration's own")
        for text in _texts(value):
            _checking(cls, f"defaults[{key!r}]", check_text, text)


def _check_token(cls: type[Any], template: str, settings: type[ProviderSettings]) -> None:
    known = {**settings.model_fields, **cls.options_class.model_fields}
    known |= dict.fromkeys(OF_THE_CLIENT)
    fields_in(template, known, settings.__name__)


def _checking(
    cls: type[Any],
    place: str,
    check: Callable[[Any, type[ProviderSettings]], None],
    template: Any,
) -> None:
    try:
        check(template, cls.settings_class)
    except TypeError as error:
        raise TypeError(f"{cls.__name__}.{place}{error}") from None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def _refuse_unknown_names(cls: type[Any], base: type[Any]) -> None:
    own = {name for name in dir(base) if not name.startswith("_")}
    known = own | set(map(attribute_of, address_names(cls)))
    for name in vars(cls):
        if name.startswith("_") or name in known:
            continue
        close = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {close[0]!r}?" if close else "name helpers with a leading _"
        raise TypeError(f"{cls.__name__}.{name}: no such hook or attribute; {advice}")
