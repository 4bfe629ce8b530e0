"""What may be shown of a setting, a request, an address: never a credential."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oauthreg._secret_values import CHAINED, MASK
from oauthreg._sources.tree import ALTERNATIVES, BASES, LITERAL_CREDENTIALS

FORM_FIELDS = frozenset(
    {
        *("grant_type", "scope", "audience", "resource", "client_id", "username", "redirect_uri"),
        *("client_assertion_type", "subject_token_type", "actor_token_type"),
        *("requested_token_type", "response_type", "response_mode", "prompt", "display"),
        *("acr_values", "max_age", "ui_locales", "access_type", "organization"),
    }
)
"""Form fields whose values are no credentials; any other may be one."""
HEADERS = frozenset({"accept", "accept-encoding", "content-type", "host", "user-agent"})
OPEN_TABLES = frozenset({"answer", "error-hints", "token-types"})
_SECRET_NAME = re.compile(
    r"secret|passw|passphrase|token$|credential|private|api-key", re.IGNORECASE
)


def setting(key: str, leaf: str, value: Any) -> Any:
    """Return what may be shown of a setting's value, as JSON has it.

    Args:
        key: Its key in the settings, or the table that it is an entry of.
        leaf: The name that it is written by, or the entry's name.
        value: Its value.
    """
    if key in {"parameters", "authorization-parameters"}:
        return plain(value) if leaf.lower() in FORM_FIELDS else MASK
    if key in {"headers", "api-headers", "authorization-details"}:
        return MASK
    if leaf in LITERAL_CREDENTIALS:
        return _literal(leaf, value)
    named = key in BASES or key in ALTERNATIVES or key in OPEN_TABLES
    if not named and _SECRET_NAME.search(key):
        return MASK
    if key.endswith("-uri") or key in {"proxy", "resource", "urls"}:
        return addresses(plain(value))
    return plain(value)


def _literal(leaf: str, value: Any) -> Any:
    if (
        leaf in {"subject-token", "assertion"}
        and isinstance(value, str)
        and value.startswith(CHAINED)
    ):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) if isinstance(item, Mapping) else MASK for item in value]
    return MASK


def addresses(value: Any) -> Any:
    """Return an address, or several, without user, password and query."""
    if isinstance(value, list):
        return [addresses(one) for one in value]
    if not isinstance(value, str):
        return value
    head, mark, _ = value.partition("?")
    return re.sub(r"//[^/@]*@", f"//{MASK}@", head) + (f"?{MASK}" if mark else "")


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def form(name: str, value: str) -> str:
    """Return what may be shown of a form field."""
    return value if name in FORM_FIELDS else MASK


def header(name: str, value: str) -> str:
    """Return what may be shown of a header field: of Authorization, its scheme."""
    if name.lower() in HEADERS:
        return value
    scheme, blank, _ = value.partition(" ")
    return f"{scheme} {MASK}" if name.lower() == "authorization" and blank else MASK
