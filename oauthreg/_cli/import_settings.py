"""`oauthreg import`: Spring's settings as TOML."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from oauthreg._cli.common import print_json, say
from oauthreg._cli.options import CommonOptions, with_options
from oauthreg._cli.output_file import OutputOption, ReplaceOption, write_file


@with_options
def import_settings(
    options: CommonOptions,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Spring files: application.yml or .properties."),
    ],
    *,
    output: OutputOption = None,
    replace: ReplaceOption = False,
) -> None:
    """Write Spring's settings as TOML, for a service that leaves Spring behind.

    Comments are kept, placeholders are resolved, Spring's own defaults are written out. No
    credential is copied: each becomes a reference to a variable of the environment, and what to
    put there is said. With those set, both files load to equal registrations. Profiles are those
    of SPRING_PROFILES_ACTIVE.

    \b
    oauthreg import application.yml
    oauthreg import application.yml -o settings.toml
    SPRING_PROFILES_ACTIVE=prod oauthreg import application.yml -o settings.prod.toml
    """  # noqa: D301 - a backspace keeps click from joining the lines
    from oauthreg._cli.spring_import import imported  # noqa: PLC0415 - help is shown without it
    from oauthreg._errors import ConfigurationError, Problem  # noqa: PLC0415 - likewise
    from oauthreg._settings.load import load  # noqa: PLC0415 - likewise
    from oauthreg._sources.spring_files import SUFFIXES  # noqa: PLC0415 - likewise

    for file in files:
        if file.suffix.lower() not in SUFFIXES:
            message = f"is no file of Spring: those end with {', '.join(sorted(SUFFIXES))}"
            raise ConfigurationError([Problem(str(file), message)])
    environ = {name: one for name, one in os.environ.items() if not name.startswith("OAUTHREG_")}
    configuration = load(files, environ=environ)
    result = imported(configuration, ", ".join(file.name for file in files))
    if output is not None:
        write_file(output, result.text, replace=replace)
    if options.as_json:
        secrets = [asdict(secret) for secret in result.secrets]
        print_json({"ok": True, "toml": result.text, "secrets": secrets})
    elif output is None:
        sys.stdout.write(result.text)
    for secret in result.secrets:
        say(f"{secret.variable}: {secret.path}; {secret.source}", style="yellow")
    if output is not None:
        say(f"Wrote {output}.", style="bold green")
