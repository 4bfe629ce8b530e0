"""The canonical tree: what every settings source becomes before sources are merged.

Sections (`registration`, `provider`, `http`) hold tables by id; `store` and `defaults` are one
table each; `environment` is a value outside of any table. Ids and leaf names are canonical (lower
case, `-`), so that sources merge by plain key; every leaf is a `Sourced`. Keys inside the
`VERBATIM` tables (`parameters`, `headers`, a vendor's data) are the user's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from oauthreg._invisible import INVISIBLE

if TYPE_CHECKING:
    from pathlib import Path

Tree = dict[str, Any]

SECTIONS = ("registration", "provider", "http")
TABLES = ("store", "defaults")
TOP_LEVEL = ("environment",)
VERBATIM = frozenset(
    {
        "parameters",
        "authorization-parameters",
        "headers",
        "answer",
        "error-hints",
        "token-types",
        "api-headers",
    }
)
STRUCTURED = VERBATIM | {
    "scope",
    "resource",
    "client-secrets",
    "urls",
    "api-hosts",
    "authorization-details",
    "keys",
}
"""Leaves that are lists or tables: where a source has only text, theirs may be JSON."""

ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "client-secret": (
        "client-secret",
        "client-secret-file",
        "client-secret-ref",
        "client-secrets",
    ),
    "private-key": ("private-key", "private-key-file", "private-key-ref"),
    "private-key-passphrase": (
        "private-key-passphrase",
        "private-key-passphrase-file",
        "private-key-passphrase-ref",
    ),
    "password": ("password", "password-file", "password-ref"),
    "refresh-token": ("refresh-token", "refresh-token-file", "refresh-token-ref"),
    "subject-token": ("subject-token", "subject-token-file", "subject-token-ref"),
    "assertion": ("assertion", "assertion-file", "assertion-ref"),
    "credentials": ("credentials-file", "credentials-ref"),
}
"""Spellings of one setting, by the key under which the canonical tree keeps whichever was used."""

BASES = {leaf: base for base, leaves in ALTERNATIVES.items() for leaf in leaves}
"""The key of the canonical tree, by each spelling that has alternatives."""

OWN_FILES = frozenset(
    {"certificate-file", "certificate-key-file", "assertion-certificate-file", "dpop-key-file"}
)
"""Settings of a registration that are files and nothing else."""

LITERAL_CREDENTIALS = frozenset(
    leaf
    for leaves in ALTERNATIVES.values()
    for leaf in leaves
    if not leaf.endswith(("-file", "-ref"))
)
"""The spellings that hold a credential itself, and not where it is."""

STORE_ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "url": ("url", "url-file", "url-ref"),
    "keys": ("keys", "keys-file", "keys-ref"),
}
"""Those of `store`; elsewhere a plugin may have settings of these names."""

STORE_BASES = {leaf: base for base, leaves in STORE_ALTERNATIVES.items() for leaf in leaves}


def alternatives(section: str) -> dict[str, tuple[str, ...]]:
    """Return the spellings of one setting, by the key of the canonical tree, in one section."""
    return STORE_ALTERNATIVES if section == "store" else ALTERNATIVES


def base_of(section: str, leaf: str) -> str:
    """Return the key of the canonical tree under which a leaf of a section is kept."""
    bases = STORE_BASES if section == "store" else BASES
    if leaf in bases or section not in ("registration", "provider") or leaf in OWN_FILES:
        return bases.get(leaf, leaf)
    return leaf.removesuffix("-file").removesuffix("-ref")  # of a plugin's secret


def canonical(name: str) -> str:
    """Return an id or leaf name in its canonical spelling: `MY_Client` is `my-client`."""
    return name.strip(INVISIBLE).lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value stands.

    Attributes:
        kind: `file`, `environment`, `env-file`, `secrets-directory`, `argument`, `spring-file`,
            `spring-variable`, `default`, `plugin` or `discovery`.
        name: The file's path, the variable's name, the plugin's name, or what a dict is.
        key: The key as its source spells it: `registration.my_client.client-secret`.
        base: The folder that relative file settings start from.
        line: The line in the file, where reading it gave one; `locate` finds it in TOML.
    """

    kind: str
    name: str
    key: str = ""
    base: Path | None = None
    line: int = 0


@final
class Sourced:
    """A value, where it stands, and the leaf name that it has there.

    `leaf` differs from the tree's key where the key has alternatives (`client-secret-file`).
    The value may be a secret: it is not shown, and this is no dataclass, so that `asdict` does
    not copy it.
    """

    __slots__ = ("leaf", "origin", "value")

    def __init__(self, value: Any, origin: Origin, leaf: str) -> None:
        self.value = value
        self.origin = origin
        self.leaf = leaf

    def __repr__(self) -> str:
        return f"Sourced({self.leaf} from {self.origin.kind} {self.origin.name})"
