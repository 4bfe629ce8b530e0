"""`oauthreg plugin new`: a provider plugin to begin with, whose tests pass at once."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from oauthreg._cli.common import print_json
from oauthreg._cli.options import CommonOptions, with_options
from oauthreg._cli.plugin_files import files, readme
from oauthreg.plugin import __all__ as plugin_names

NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
LONGEST = 40
TAKEN = {*plugin_names, "Any", "ClassVar", "Mapping"}
"""What the files import, so that the class is called otherwise."""

app = typer.Typer(
    name="plugin",
    help="Begin a provider plugin of your own.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def plugin() -> None:
    """Begin a provider plugin of your own."""


@app.command("new")
@with_options
def new(
    options: CommonOptions,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="What provider.<...>.type will say, such as acme-id."),
    ],
    *,
    flow: Annotated[
        bool, typer.Option("--flow", help="With a flow of its own: its tokens are no OAuth2's.")
    ] = False,
    preset: Annotated[
        bool, typer.Option("--preset", help="As a table of data, without code.")
    ] = False,
) -> None:
    """Write the distribution oauthreg-NAME into a new folder here: plugin, tests, README.

    Install it with `pip install -e`, and its tests pass as they are, without a network.

    \b
    oauthreg plugin new acme
    oauthreg plugin new acme --flow
    oauthreg plugin new acme --preset
    """  # noqa: D301 - a backspace keeps click from joining the lines
    if flow and preset:
        raise typer.BadParameter("--flow and --preset exclude each other: a preset has no code")
    _check_name(name)
    folder = Path(f"oauthreg-{name}")
    if folder.exists():
        raise typer.BadParameter(f"there is a {folder} here already: it is left as it is")
    kind = "flow" if flow else "preset" if preset else "data"
    written = _write(folder, name, kind)
    if options.as_json:
        print_json({"folder": str(folder), "kind": kind, "files": written})
        return
    sys.stdout.write(f"{folder}/ has:\n")
    sys.stdout.writelines(f"  {path}\n" for path in written)
    sys.stdout.write(f"\nNext: cd {folder}; pip install -e .; pytest\n")


def _check_name(name: str) -> None:
    """Refuse a name that no plugin can have, or that another one has.

    Raises:
        BadParameter: with a name to take instead, if there is one.
    """
    from oauthreg import _plugins as plugins  # noqa: PLC0415 - help is shown without it

    if not NAME.fullmatch(name) or len(name) > LONGEST:
        meant = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-").removeprefix("oauthreg-")
        advice = f": write {meant}" if NAME.fullmatch(meant) and len(meant) <= LONGEST else ""
        raise typer.BadParameter(
            f"a name has lower-case letters, digits and single - inside, 40 at most{advice}"
        )
    if name.startswith("oauthreg-"):
        short = name.removeprefix("oauthreg-")
        raise typer.BadParameter(f"the distribution is called oauthreg-... anyway: write {short}")
    owners = dict.fromkeys(plugins.BUILT_IN, "built into oauthreg")
    owners |= {one: f"a plugin of {owner}" for one, owner in plugins.known_providers().items()}
    for one in plugins.installed(plugins.PROVIDERS):
        owners.setdefault(one.name, f"a plugin of {one.distribution}")
    if name in owners:
        raise typer.BadParameter(f"{name} is {owners[name]}: two plugins of one name are an error")
    if f"oauthreg-{name}" in plugins.known_distributions():
        raise typer.BadParameter(f"there is a distribution oauthreg-{name} already")


def _write(folder: Path, name: str, kind: str) -> list[str]:
    module = f"oauthreg_{name.replace('-', '_')}"
    title = "".join(word.capitalize() for word in name.split("-"))
    title = f"{title}Provider" if title in TAKEN else title
    target = name.replace("-", "_") if kind == "preset" else title
    values = {"name": name, "module": module, "file": name.replace("-", "_"), "title": title}
    installed = version("oauthreg")
    contents = files(
        kind, target=target, installed=installed, next=_next_incompatible(installed), **values
    )
    for path, text in contents.items():
        whole = folder / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text, "utf-8")
    (folder / "README.md").write_text(readme(settings=_settings(folder, module, target), **values))
    return sorted([*contents, "README.md"])


def _next_incompatible(installed: str) -> str:
    """Return the first version that may be incompatible: before 1.0 the next minor one."""
    major, minor = map(int, installed.split(".")[:2])
    return str(major + 1) if major else f"0.{minor + 1}"


def _settings(folder: Path, module: str, target: str) -> str:
    """Return the table of the settings that the plugin in a folder declares."""
    from oauthreg._cli.provider_details import settings_table  # noqa: PLC0415 - loads pydantic

    with _importable(folder, module):
        found: Any = getattr(importlib.import_module(module), target)
        return settings_table(found)


@contextmanager
def _importable(folder: Path, module: str) -> Iterator[None]:
    """Let a module of a folder be imported, and forget it afterwards."""
    sys.path.insert(0, str(folder.resolve()))
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.path.remove(str(folder.resolve()))
        sys.dont_write_bytecode = written
        sys.modules.pop(module, None)
        importlib.invalidate_caches()
