"""`oauthreg list`: every registration, where it goes, with what, and why; secrets masked."""

from __future__ import annotations

import sys

from rich.table import Table
from rich.text import Text

from oauthreg._cli.common import ENDLESS, console, print_json, say
from oauthreg._cli.options import INIT, CommonOptions, with_options
from oauthreg._cli.registration_rows import Row, row_of

UNSAID = "-"
HEADINGS = (
    *("id", "grant", "goes to", "credential", "stands in"),
    *("provider", "chosen as", "plugin", "method", "scopes", "audience"),
)


@with_options
def list_registrations(options: CommonOptions) -> None:
    """List the registrations: where each goes, with what credential, and where that stands.

    Checks the settings. Nothing is sent anywhere, and no secret is shown: only its place.

    \b
    oauthreg list
    oauthreg list --settings settings.toml --profile test
    oauthreg list --json | jq '.[].id'
    """  # noqa: D301 - a backspace keeps click from joining the lines
    configuration = options.configuration()
    rows = [row_of(configuration, entry.registration) for entry in configuration.entries.values()]
    if options.as_json:
        print_json([row.public() for row in rows])
    elif rows:
        _print_table(rows)
        count = "1 registration" if len(rows) == 1 else f"{len(rows)} registrations"
        sys.stdout.write(f"{count}, and no problem in the settings.\n")
    else:
        looked = "; ".join(configuration.looked_at)
        say(f"No registration is configured. Looked at: {looked}.")
        say(f"    {INIT}", style="green")


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
        block.add_column()
        block.add_column(overflow="fold")  # a name or an address is never cut short
        for heading, cell in zip(HEADINGS, _cells(row), strict=True):
            block.add_row(Text(heading, style="bold"), cell)
        terminal.print(block, "")


def _cells(row: Row) -> list[Text]:
    texts = (
        *(row.id, row.grant, row.token_uri or row.issuer_uri or UNSAID),
        ", ".join(map(str, row.credentials)) or "none",
        *(row.source, row.provider, row.chosen_by, row.plugin),
        row.method or "as the server says",
        " ".join(row.scopes) or UNSAID,
        row.audience or UNSAID,
    )
    return [Text(text) for text in texts]
