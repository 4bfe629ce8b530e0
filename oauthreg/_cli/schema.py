"""`oauthreg schema`: the settings as a JSON Schema, for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oauthreg._cli.common import print_json, say
from oauthreg._cli.exits import NO_TOKEN
from oauthreg._cli.options import CommonOptions, with_options


@with_options
def schema(
    _options: CommonOptions,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it here; default: stdout."),
    ] = None,
    *,
    bare: Annotated[
        bool, typer.Option("--bare", help="Leave out the settings of installed plugins.")
    ] = False,
) -> None:
    """Print the JSON Schema of settings files, for editors.

    It has the settings of every installed plugin, too. Write it beside the settings, and say so
    in their first line: #:schema ./settings.schema.json

    \b
    oauthreg schema -o settings.schema.json
    """  # noqa: D301 - a backspace keeps click from joining the lines
    from oauthreg._settings.schema import installed_plugins, json_schema  # noqa: PLC0415 - pydantic

    found = json_schema(None if bare else installed_plugins())
    if output is None:
        print_json(found)
        return
    try:
        output.write_text(f"{json.dumps(found, indent=2, ensure_ascii=False)}\n", "utf-8")
    except OSError as error:
        say(f"{output} cannot be written: {error.strerror}")
        raise typer.Exit(NO_TOKEN) from None
