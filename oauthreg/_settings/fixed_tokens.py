"""`OAUTHREG_FIXED_TOKENS`: tokens for laptops and CI; nothing is asked and no secret is read."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from oauthreg._errors import Problem
from oauthreg._protocol.responses import HEADER_SAFE
from oauthreg._secret_values import Secret
from oauthreg._sources.environment import FIXED_TOKENS
from oauthreg._sources.tree import ALTERNATIVES, Origin, Sourced, canonical
from oauthreg._suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthreg._settings.validation import Tables
    from oauthreg._sources import Read

PRODUCTION = "production"
NOTHING: Mapping[str, Secret] = MappingProxyType({})
ORIGIN = Origin("environment", FIXED_TOKENS)
INSTEAD = {
    "client-secret": "not read",
    "authorization-grant-type": "client_credentials",
    "client-authentication-method": "client_secret_basic",
    "dpop": False,
    "certificate-bound-tokens": False,
}
"""What stands for every credential, so that none of them is read."""
UNUSED = ("assertion-", "certificate-", "dpop-", "key-id", "private-key", "signing-", "credentials")
SEPARATOR = re.compile(r"[\s,]+")
REMEDY = "Write ID=TOKEN, several with blanks between them."
logger = logging.getLogger("oauthreg")


def fixed_tokens(
    found: Read, environment: str | None, tables: Tables
) -> tuple[Mapping[str, Secret], Tables]:
    """Return the fixed tokens by registration id, and the settings without what they stand for.

    What is wrong is noted in the tables that are returned. One warning names the registrations.

    Args:
        found: What was read.
        environment: The setting `environment`.
        tables: The settings.
    """
    if found.fixed_tokens is None:
        return NOTHING, tables
    tokens, problems = _parsed(found.fixed_tokens, tables.names("registration"))
    if (environment or "").strip().lower() == PRODUCTION:
        message = f'is set, and the settings say environment = "{environment}"'
        problems = [Problem(FIXED_TOKENS, message, remedy="Fixed tokens are for tests: unset it.")]
    if problems:
        tables.problems.extend(problems)
        return NOTHING, tables
    logger.warning("%s: fixed tokens stand for those of %s", FIXED_TOKENS, ", ".join(tokens))
    registrations: dict[str, Any] = {**tables.names("registration")}
    for registration_id in tokens:
        registrations[registration_id] = _without_credentials(registrations[registration_id])
    tree = {**found.tree, "registration": registrations}
    return MappingProxyType(tokens), replace(tables, tree=tree)


def _parsed(text: Secret, known: Iterable[str]) -> tuple[dict[str, Secret], list[Problem]]:
    tokens: dict[str, Secret] = {}
    problems = []
    ids = set(known)
    for item in SEPARATOR.split(text.get_secret_value()):
        name, equals, token = item.partition("=")
        registration_id = canonical(name)
        if not equals or not name or not HEADER_SAFE.fullmatch(token):
            problems.append(Problem(FIXED_TOKENS, "has an item that is not ID=TOKEN", "", REMEDY))
        elif registration_id not in ids:
            message = f"there is no such registration: {name}"
            remedy = did_you_mean(registration_id, ids)
            problems.append(Problem(FIXED_TOKENS, message, remedy=remedy))
        else:
            tokens[registration_id] = Secret(token)
    return tokens, problems


def _without_credentials(table: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        key: item
        for key, item in table.items()
        if key not in ALTERNATIVES and not key.startswith(UNUSED)
    }
    return kept | {key: Sourced(value, ORIGIN, key) for key, value in INSTEAD.items()}
