"""Registrations whose subject token is another registration's token: `registration:<id>`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from oauthreg.errors import Problem
from oauthreg.secret_values import LiteralSecret
from oauthreg.sources.tree import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oauthreg.registration import ClientRegistration

CHAINED = "registration:"


class HasRegistration(Protocol):
    """An entry of a fleet."""

    @property
    def registration(self) -> ClientRegistration:
        """The registration."""


def broken_chains(entries: Mapping[str, HasRegistration]) -> Iterator[Problem]:
    """Give a problem for each chain that ends nowhere, or comes back to where it began."""
    links = {id_: _next(entry.registration) for id_, entry in entries.items()}
    for start, first in links.items():
        path = f"registration.{start}.subject-token"
        if first is not None and first not in links:
            yield Problem(path, f"there is no registration {first!r} to get a token from")
        walk = [start]
        while (link := links.get(walk[-1])) is not None and link not in walk:
            walk.append(link)
        if link == start:
            yield Problem(path, f"is a circle: {' -> '.join([*walk, start])}")


def _next(registration: ClientRegistration) -> str | None:
    source = registration.subject_token
    if not isinstance(source, LiteralSecret):
        return None
    value = source.read().get_secret_value()
    return canonical(value.removeprefix(CHAINED)) if value.startswith(CHAINED) else None
