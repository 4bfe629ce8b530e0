"""Registrations whose subject token or assertion is another's token: `registration:<id>`."""

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


TOKENS = ("subject-token", "assertion")
"""The settings that may name another registration."""


class HasRegistration(Protocol):
    """A resolved registration."""

    @property
    def registration(self) -> ClientRegistration:
        """The registration."""


def note_broken_references(entries: Mapping[str, HasRegistration], tables: Tables) -> None:
    """Note each reference to a registration that is not there, or that comes back to its start."""
    links = {id_: _links(entry.registration) for id_, entry in entries.items()}
    known = tables.names("registration").keys() | links.keys()
    for start, own in links.items():
        table = tables.table("registration", start)
        for key, first in own.items():
            if first not in known:
                name = quoted_word(first, known) or "of this id"
                message = f"there is no registration {name} to get a token from"
                table.note(key, message, did_you_mean(first, known))
            elif circle := _circle(start, first, links):
                table.note(key, f"is a circle: {' -> '.join(circle)}")


def _circle(start: str, first: str, links: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the way from a registration back to itself, or nothing."""
    ways = [[start, first]]
    seen = {first}
    while ways:
        way = ways.pop(0)
        if way[-1] == start:
            return way
        further = [one for one in links.get(way[-1], {}).values() if one not in seen]
        seen.update(further)
        ways += [[*way, one] for one in further]
    return []


def with_links(ids: set[str], tables: Mapping[str, Any]) -> set[str]:
    """Return these registrations and those whose tokens they send."""
    found = set(ids)
    waiting = list(ids)
    while waiting:
        table = tables.get(waiting.pop(), {})
        for item in map(table.get, TOKENS):
            if not isinstance(item, Sourced) or item.leaf not in TOKENS:
                continue
            if isinstance(item.value, str) and item.value.startswith(CHAINED):
                link = canonical(item.value.removeprefix(CHAINED))
                if link in tables and link not in found:
                    found.add(link)
                    waiting.append(link)
    return found


def _links(registration: ClientRegistration) -> dict[str, str]:
    """Return the registrations whose tokens this one sends, by the setting that names each."""
    sources = dict(zip(TOKENS, (registration.subject_token, registration.assertion), strict=True))
    return {
        key: source.registration_id
        for key, source in sources.items()
        if isinstance(source, ChainedToken)
    }
