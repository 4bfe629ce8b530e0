"""`oauthreg providers`: the provider plugins that are installed, or could be; and one of them."""

from __future__ import annotations

import sys
from collections import Counter
from importlib.metadata import version
from typing import Annotated, Any

import typer

from oauthreg._cli.common import print_json, write
from oauthreg._cli.options import CommonOptions, with_options

INSTALLED, BUILT_IN, AVAILABLE = "installed", "built in", "not installed"


def provider_names(incomplete: str) -> list[str]:
    """Return the names that a word may become."""
    return [row["name"] for row in rows() if row["name"].startswith(incomplete)]


@with_options
def providers(
    options: CommonOptions,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Show this one: its settings, its addresses, its documentation.",
            autocompletion=provider_names,
        ),
    ] = None,
) -> None:
    """List the provider plugins: those that are installed, and those of ours that could be.

    Only the one that is named is imported. No settings are read, and nothing is sent anywhere.

    \b
    oauthreg providers
    oauthreg providers keycloak
    oauthreg providers --json | jq '.[].name'
    """  # noqa: D301 - a backspace keeps click from joining the lines
    if name is not None:
        _show_one(name, as_json=options.as_json)
    elif options.as_json:
        print_json(rows())
    else:
        _print_rows(rows())


def rows() -> list[dict[str, Any]]:
    """Return a row for each plugin, none of which is imported."""
    from oauthreg import _plugins as plugins  # noqa: PLC0415 - help is shown without it

    ours = plugins.known_providers()
    about = {name: table["about"] for name, table in plugins.known_distributions().items()}
    found = []
    for plugin in plugins.installed(plugins.PROVIDERS):
        distribution, _, number = plugin.distribution.partition(" ")
        found.append(_row(plugin.name, INSTALLED, distribution, number, about.get(distribution)))
    found += [_row(one, BUILT_IN, "oauthreg", version("oauthreg")) for one in plugins.BUILT_IN]
    there = {row["name"] for row in found}
    found += [
        _row(one, AVAILABLE, distribution, None, about[distribution])
        for one, distribution in ours.items()
        if one not in there
    ]
    owners = Counter(row["name"] for row in found)
    for row in found:
        row["clash"] = owners[row["name"]] > 1
    return sorted(found, key=lambda row: (row["name"], row["distribution"]))


def _row(
    name: str, state: str, distribution: str, number: str | None, about: str | None = None
) -> dict[str, Any]:
    row = {"name": name, "state": state, "distribution": distribution, "version": number}
    install = f"pip install {distribution}" if state == AVAILABLE else None
    return {**row, "about": about, "install": install}


def _print_rows(found: list[dict[str, Any]]) -> None:
    here = [row for row in found if row["state"] != AVAILABLE]
    width = max(len(row["name"]) for row in found) + 2
    for row in here:
        owner = (
            "built in" if row["state"] == BUILT_IN else f"{row['distribution']} {row['version']}"
        )
        clash = ("  also in another distribution: neither can be used", "bold red")
        write((f"{row['name']:<{width}}", "bold"), (owner, ""), clash if row["clash"] else ("", ""))
    there = [row for row in found if row["state"] == AVAILABLE]
    if there:
        sys.stdout.write("\nNot installed:\n")
        for row in there:
            write((f"{row['name']:<{width}}", "bold"), (row["install"], "green"))


def _show_one(name: str, *, as_json: bool) -> None:
    from oauthreg._cli.provider_details import details  # noqa: PLC0415 - it loads pydantic
    from oauthreg._plugins import provider_plugin  # noqa: PLC0415 - likewise

    plugin = provider_plugin(name)
    (row,) = [row for row in rows() if row["name"] == name and row["state"] != AVAILABLE]
    found = {
        "distribution": row["distribution"],
        "version": row["version"],
        **details(name, plugin),
    }
    if as_json:
        print_json(found)
    else:
        _print_one(found)


def _print_one(found: dict[str, Any]) -> None:
    write((found["name"], "bold"), (f"  {found['distribution']} {found['version']}", ""))
    for line in found["about"].partition("\n\n")[0].splitlines():
        write((line, ""))
    made = f": {', '.join(found['overrides'])}" if found["overrides"] else ""
    _line("kind", f"{found['kind']}{made}")
    _line("interface", found["interface"])
    _line("documentation", found["documentation"])
    sys.stdout.write("\nsettings\n")
    for one in found["settings"]:
        said = "required" if one["required"] else f"default {one['default']}"
        said = "" if said == "default None" else f", {said}"
        write((f"  {one['name']}", "bold"), (f" ({one['type']}{said})", ""))
        if one["help"]:
            write((f"      {one['help']}", ""))
    if not found["settings"]:
        sys.stdout.write("  none but the addresses\n")
    sys.stdout.write("\n")
    for address, template in found["addresses"].items():
        _line(address, template)
    _line("api-uri", found["api-uri"])
    for header, template in found["api-headers"].items():
        _line("api header", f"{header}: {template}")
    _line("method", found["method"] or "as the server says")
    _line("grant", found["grant-type"] or found["grant"])
    for key, value in found["defaults"].items():
        _line(f"default {key}", value)
    for sentence in found["unverified"]:
        _line("unverified", sentence)


def _line(heading: str, value: object) -> None:
    if value is not None:
        write((f"{heading:<15} ", "bold"), (str(value), ""))
