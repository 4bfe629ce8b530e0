"""Registrations whose subject token is another registration's token: `registration:<id>`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from oauthreg._errors import Problem
from oauthreg._secret_values import CHAINED, ChainedToken
from oauthreg._sources.tree import Sourced, canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oauthreg._registration import ClientRegistration


class HasRegistration(Protocol):
    """A resolved registration."""

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


def with_links(ids: set[str], tables: Mapping[str, Any]) -> set[str]:
    """Return these registrations and those that they get their subject tokens from."""
    found = set(ids)
    waiting = list(ids)
    while waiting:
        item = tables.get(waiting.pop(), {}).get("subject-token")
        value = item.value if isinstance(item, Sourced) and item.leaf == "subject-token" else None
        if isinstance(value, str) and value.startswith(CHAINED):
            link = canonical(value.removeprefix(CHAINED))
            if link in tables and link not in found:
                found.add(link)
                waiting.append(link)
    return found


def _next(registration: ClientRegistration) -> str | None:
    source = registration.subject_token
    return source.registration_id if isinstance(source, ChainedToken) else None
