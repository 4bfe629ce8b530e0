"""`oauthreg list`: every registration, its provider and why that one; secrets masked."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from oauthreg._cli.common import ENDLESS, console, print_json
from oauthreg._cli.options import CommonOptions, with_options
from oauthreg._secret_values import MASK
from oauthreg._sources import Sourced, locate

if TYPE_CHECKING:
    from oauthreg._registration import ClientRegistration
    from oauthreg._settings.load import Configuration

UNSAID = "-"
HEADINGS = (
    *("id", "provider", "plugin", "chosen as", "grant"),
    *("method", "secret", "scopes", "audience"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One registration, as far as it may be shown."""

    id: str
    provider: str
    plugin: str
    chosen_by: str
    grant: str
    method: str | None
    client_id: str
    secrets: list[str]
    secrets_said_in: str | None
    scopes: list[str]
    audience: str | None


@with_options
def list_registrations(options: CommonOptions) -> None:
    """List the registrations, with the rule that chose each provider.

    Nothing is sent anywhere, and no secret is shown: only where it is read from.

    \b
    oauthreg list
    oauthreg list --settings settings.toml --profile test
    oauthreg list --json | jq '.[].id'
    """  # noqa: D301 - a backspace keeps click from joining the lines
    configuration = options.configuration()
    rows = [_row(configuration, entry.registration) for entry in configuration.entries.values()]
    if options.as_json:
        print_json([_public(row) for row in rows])
    elif rows:
        _print_table(rows)
    else:
        looked = "; ".join(configuration.looked_at)
        sys.stderr.write(f"No registration is configured. Looked at: {looked}.\n")


def _row(configuration: Configuration, registration: ClientRegistration) -> Row:
    registration_id = registration.registration_id
    said = configuration.tree["registration"][registration_id].get("client-secret")
    place = locate(said.origin).partition(", ")[0] if isinstance(said, Sourced) else None
    return Row(
        id=registration_id,
        provider=registration.provider.name,
        plugin=registration.provider.type,
        chosen_by=registration.provider.chosen_by,
        grant=registration.authorization_grant_type,
        method=registration.client_authentication_method,
        client_id=registration.client_id,
        secrets=[source.reference or MASK for source in registration.client_secrets],
        secrets_said_in=place,
        scopes=list(registration.scopes),
        audience=registration.audience,
    )


def _public(row: Row) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in asdict(row).items()}


def _print_table(rows: list[Row]) -> None:
    """Print a row per registration, or a block per registration where a row is too long."""
    table = Table(*HEADINGS)
    for row in rows:
        table.add_row(*_cells(row))
    terminal = console(sys.stdout)
    unbroken = terminal.options.update_width(ENDLESS)
    if terminal.measure(table, options=unbroken).maximum <= terminal.width:
        terminal.print(table)
        return
    for row in rows:
        block = Table.grid(padding=(0, 2))
        for heading, cell in zip(HEADINGS, _cells(row), strict=True):
            block.add_row(Text(heading, style="bold"), cell)
        terminal.print(block, "")


def _cells(row: Row) -> list[Text]:
    texts = (
        *(row.id, row.provider, row.plugin, row.chosen_by, row.grant),
        row.method or "as the server says",
        _secret(row),
        " ".join(row.scopes) or UNSAID,
        row.audience or UNSAID,
    )
    return [Text(text) for text in texts]


def _secret(row: Row) -> str:
    if not row.secrets:
        return "none"
    place = f" in {row.secrets_said_in}" if MASK in row.secrets and row.secrets_said_in else ""
    return ", ".join(row.secrets) + place
