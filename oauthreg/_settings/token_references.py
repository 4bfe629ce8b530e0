"""Registrations whose subject token is another registration's token: `registration:<id>`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from oauthreg._quoting import quoted_word
from oauthreg._secret_values import CHAINED, ChainedToken
from oauthreg._sources.tree import Sourced, canonical
from oauthreg._suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._registration import ClientRegistration
    from oauthreg._settings.validation import Tables


class HasRegistration(Protocol):
    """A resolved registration."""

    @property
    def registration(self) -> ClientRegistration:
        """The registration."""


def note_broken_references(entries: Mapping[str, HasRegistration], tables: Tables) -> None:
    """Note each reference to a registration that is not there, or that comes back to its start."""
    links = {id_: _next(entry.registration) for id_, entry in entries.items()}
    known = tables.names("registration").keys() | links.keys()
    for start, first in links.items():
        table = tables.table("registration", start)
        if first is not None and first not in known:
            name = quoted_word(first, known) or "of this id"
            message = f"there is no registration {name} to get a token from"
            table.note("subject-token", message, did_you_mean(first, known))
        walk = [start]
        while (link := links.get(walk[-1])) is not None and link not in walk:
            walk.append(link)
        if link == start:
            table.note("subject-token", f"is a circle: {' -> '.join([*walk, start])}")


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
