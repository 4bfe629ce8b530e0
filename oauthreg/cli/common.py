"""What commands share: the options that find settings, and how failures are told."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from oauthreg.errors import AuthorizationError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from oauthreg.errors import Problem

NO_TOKEN = 1
WRONG_SETTINGS = 2
ENDLESS = 10_000

SettingsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--settings",
        "-s",
        metavar="FILE",
        help="A settings file, TOML or Spring; repeat it, later files override earlier ones.",
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Read FILE's <name>.<profile> neighbour over it."),
]
EnvFileOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A .env file with OAUTHREG_... lines.")
]


def console(stream: TextIO) -> Console:
    """Return a console that breaks lines only where a terminal shows them."""
    return Console(
        file=stream, width=None if stream.isatty() else ENDLESS, highlight=False, markup=False
    )


@contextmanager
def failures_told() -> Iterator[None]:
    """Tell what goes wrong on stderr, and end the program with the exit code for it."""
    try:
        yield
    except ConfigurationError as error:
        _tell_problems(error)
        raise typer.Exit(WRONG_SETTINGS) from None
    except AuthorizationError as error:
        _tell_failure(error)
        raise typer.Exit(NO_TOKEN) from None


def _tell_problems(error: ConfigurationError) -> None:
    count = len(error.problems)
    _say(f"{count} {'problem' if count == 1 else 'problems'} in the settings:", style="bold red")
    for problem in error.problems:
        _say("")
        _tell_problem(problem)


def _tell_problem(problem: Problem) -> None:
    _say(f"{problem.path} {problem.message}", style="bold")
    table = problem.path.rpartition(".")[0]
    place, _, key = problem.source.rpartition(", ")
    told = bool(place) and bool(table) and key.startswith(table)
    if problem.source:
        _say(f"    in {place if told else problem.source}")
    if problem.remedy:
        _say(f"    {problem.remedy}", style="green")


def _tell_failure(error: AuthorizationError) -> None:
    _say(str(error.copy(hint=None)), style="bold red")
    if error.hint:
        _say(f"    {error.hint}", style="green")
    if error.retryable:
        _say("    Asking again later may help.")


def _say(line: str, style: str = "") -> None:
    console(sys.stderr).print(Text(line, style=style), soft_wrap=True)
