"""`oauthreg check --health`: a line for each registration, and an exit code, for an exec probe."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from oauthreg._cli.common import print_json, write
from oauthreg._cli.exits import NO_TOKEN
from oauthreg._cli.options import CommonOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._reports import Health

LANES = 8
TIMEOUT = 5.0
STYLES = {"ready": "green", "degraded": "yellow", "down": "bold red"}


def print_health(
    options: CommonOptions, ids: Collection[str] | None, timeout: float | None
) -> None:
    """Have a token of every registration that needs no user, and print the health.

    Raises:
        Exit: one of them is down.
        ConfigurationError: the settings are wrong.
    """
    from oauthreg._errors import AuthorizationError  # noqa: PLC0415 - help is shown without it
    from oauthreg._grants.table import GRANTS  # noqa: PLC0415 - likewise

    with options.manager(only=ids) as manager:
        own = [
            id_
            for id_, one in manager.registrations.items()
            if GRANTS[one.authorization_grant_type].acts_for_client(one)
        ]

        def ask(registration_id: str) -> None:
            with suppress(AuthorizationError):
                manager.authorize(registration_id, timeout=timeout or TIMEOUT)

        with ThreadPoolExecutor(LANES) as lanes:
            list(lanes.map(ask, own))
        found = manager.health()
    if options.as_json:
        print_json({id_: {**one, "since": _written(one)} for id_, one in found.items()})
    else:
        _print(found)
    if any(one["state"] == "down" for one in found.values()):
        raise typer.Exit(NO_TOKEN)


def _print(found: Mapping[str, Health]) -> None:
    for id_, one in found.items():
        words = f"  {one['reason']}" if one["reason"] else ""
        write((f"{one['state']:<9}", STYLES[one["state"]]), (id_, "bold"), (words, ""))


def _written(health: Health) -> str | None:
    return health["since"].isoformat() if health["since"] else None
