"""A login that waits for its user: kept as a mapping meanwhile, and ended where it was begun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import NoneType
from typing import TYPE_CHECKING, Any, Protocol, Self, get_args, get_type_hints

from oauthreg._errors import CallbackError
from oauthreg._protocol.hints import LOG_IN_AGAIN

if TYPE_CHECKING:
    from oauthreg._protocol.context import PluginContext


class PendingLogin(Protocol):
    """What every login that waits knows of its beginning."""

    @property
    def registration_id(self) -> str:
        """The registration that was asked for."""

    @property
    def issuer(self) -> str | None:
        """The issuer that must answer, if it is known."""


class Mappable:
    """Gives a dataclass of texts and numbers `to_mapping` and `from_mapping`."""

    __slots__ = ()

    def to_mapping(self) -> dict[str, Any]:
        """Return every field as JSON has it, for `from_mapping`.

        The mapping holds credentials of this login: keep it on the server's side, or in a cookie
        that is encrypted and of this browser only.
        """
        return {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any] | Self) -> Self:
        """Return what `to_mapping` was called on.

        Args:
            mapping: What `to_mapping` returned, as it comes back from JSON; or the object itself.

        Raises:
            TypeError: it is something else; the text names the field.
        """
        if isinstance(mapping, cls):
            return mapping
        advice = f"pass the {cls.__name__}, or what its to_mapping() returned"
        if not isinstance(mapping, Mapping):
            raise TypeError(f"a {type(mapping).__name__} is no {cls.__name__}: {advice}")
        kinds = get_type_hints(cls)
        names = {one.name for one in fields(cls)}  # type: ignore[arg-type]
        for name in sorted(names.symmetric_difference(mapping)):
            fault = "is missing" if name in names else "is no field of it"
            raise TypeError(f"the mapping is no {cls.__name__}, {name!r} {fault}: {advice}")
        for name in names:
            allowed = get_args(kinds[name]) or (kinds[name],)
            if not _fits(mapping[name], allowed):
                kind = type(mapping[name]).__name__
                raise TypeError(f"the {name} of the {cls.__name__} is a {kind}: {advice}")
        return cls(**mapping)


def check_same_login(context: PluginContext, begun: PendingLogin) -> None:
    """Refuse to end a login at another server than that which it was begun with.

    Raises:
        CallbackError: it was begun for another registration, or with another issuer.
    """
    registration_id = context.registration.registration_id
    if begun.registration_id != registration_id:
        raise CallbackError(
            f"this login was begun for registration {begun.registration_id}",
            hint="End it for that registration, or pass what this one's login began with.",
        )
    if begun.issuer != context.issuer:
        raise CallbackError(
            f"this login was begun with the issuer {begun.issuer or 'unknown'}, and now it is "
            f"{context.issuer or 'unknown'}",
            hint=LOG_IN_AGAIN,
        )


def _fits(value: object, allowed: tuple[type, ...]) -> bool:
    if isinstance(value, bool) or value is None:
        return type(value) in allowed or (value is None and NoneType in allowed)
    return isinstance(value, allowed) or (isinstance(value, int) and float in allowed)
