"""A group of commands that imports a command's module only when that command runs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from oauthreg._cli.common import failures_reported
from oauthreg._cli.exits import EPILOG
from oauthreg._suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command is.

    Attributes:
        place: Its module in this package and its function there; `app` for a group of its own.
        summary: The first line of its help.
    """

    place: str
    summary: str


class LazyGroup(TyperGroup):
    """The commands of `rows`, by name."""

    rows: Mapping[str, Command] = {}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is typer's
        """Return the names of the commands."""
        return [*self.rows]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - likewise
        """Import a command; None if there is none of this name."""
        row = self.rows.get(cmd_name)
        if row is None:
            return None
        module, _, name = row.place.partition(":")
        found = getattr(import_module(f"oauthreg._cli.{module}"), name)
        if not isinstance(found, typer.Typer):
            function = found
            found = typer.Typer(
                add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
            )
            found.command(cmd_name, epilog=EPILOG)(function)
        return get_command(found)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that a command line names."""
        if args[0] not in self.rows and not args[0].startswith("-"):
            names = ", ".join(self.rows)
            advice = did_you_mean(args[0], self.rows) or f"There are: {names}."
            ctx.fail(f"No such command {args[0]!r}. {advice}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - likewise
        """Write the commands and their summaries, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.summary) for name, row in self.rows.items()])

    def invoke(self, ctx: Any) -> Any:
        """Run the command; Ctrl-C and a closed pipe are reported from the first import on."""
        with failures_reported():
            return super().invoke(ctx)
