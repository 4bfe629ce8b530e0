"""A vendor's own credential document (`credentials-file`, `-ref`): settings by dotted paths."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oauthreg._protocol.answers import at_path
from oauthreg._secret_values import Secret, SecretReadError
from oauthreg._sources.tree import BASES, Origin, Sourced

if TYPE_CHECKING:
    from oauthreg._secret_values import SecretSource

READ_ANEW = frozenset(BASES) | {"key-id"}
"""Settings that are taken from the document anew for each attempt: a new key has a new id."""


@dataclass(frozen=True, slots=True)
class DocumentSecret:
    """A part of a JSON document that is read like a secret.

    Attributes:
        source: Where the document is.
        path: Where in it the part is.
    """

    source: SecretSource
    path: str

    @property
    def reference(self) -> str:
        """The document's, and the path."""
        return f"{self.source.reference or 'credentials'}#{self.path}"

    @property
    def local(self) -> bool:
        """The document's own."""
        return self.source.local

    def read(self) -> Secret:
        """Return the part as it is now.

        Raises:
            SecretReadError: there is no such part, or no document.
        """
        value = at_path(content_of(self.source), self.path)
        if not isinstance(value, str) or not value:
            raise SecretReadError(f"{self.source.reference}: it has no {self.path}")
        return Secret(value)


def content_of(source: SecretSource) -> Mapping[str, Any]:
    """Return the document as it is now.

    Raises:
        SecretReadError: it cannot be read, or is no JSON object.
    """
    try:
        content = json.loads(source.read().get_secret_value())
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, Mapping):
        raise SecretReadError(f"{source.reference}: it is no JSON object")
    return content


def items_of(source: SecretSource, places: Mapping[str, str]) -> dict[str, Sourced]:
    """Return the settings that a document has, by key.

    A document that is not on this machine is read at run time only, and so has credentials alone.

    Args:
        source: Where the document is.
        places: Where in it each setting is.

    Raises:
        SecretReadError: it cannot be read, or has no setting at all.
    """
    content = content_of(source) if source.local else None
    found = {}
    for key, path in places.items():
        origin = Origin("document", source.reference or "credentials", path)
        value = None if content is None else at_path(content, path)
        if key in READ_ANEW and (content is None or value is not None):
            found[key] = Sourced(DocumentSecret(source, path), origin, key)
        elif value is not None:
            found[key] = Sourced(value, origin, key)
    if not found:
        wanted = ", ".join(places.values())
        raise SecretReadError(f"{source.reference}: it has none of {wanted}")
    return found
