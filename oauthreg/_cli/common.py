"""What commands share: the options that find settings, and how failures are told."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from oauthreg._errors import AuthorizationError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from oauthreg._errors import Problem

NO_TOKEN = 1
WRONG_SETTINGS = 2
INTERRUPTED = 130
ENDLESS = 10_000
STDIN = "-"

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The registration, as in registration.<ID>.")
]
TokenArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="TOKEN", help="The token; - reads it from stdin, where other users cannot see it."
    ),
]
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
OnlyOption = Annotated[
    bool, typer.Option("--only", help="Resolve this one alone, whatever is wrong with others.")
]


def token_given(argument: str | None) -> str | None:
    """Return the token of the command line, or the one that it says to read from stdin.

    Raises:
        BadParameter: it is empty, as of a shell variable that is not set.
    """
    if argument is None:
        return None
    value = (sys.stdin.read() if argument == STDIN else argument).strip()
    if not value:
        where = "there is no token on stdin" if argument == STDIN else "the token is empty"
        raise typer.BadParameter(where)
    return value


def console(stream: TextIO) -> Console:
    """Return a console that breaks lines only where a terminal shows them."""
    return Console(
        file=stream, width=None if stream.isatty() else ENDLESS, highlight=False, markup=False
    )


def say(line: str = "", style: str = "") -> None:
    """Say a line to the user, on stderr; what a server put into it cannot steer the terminal."""
    shown = "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in line)
    console(sys.stderr).print(Text(shown, style=style), soft_wrap=True)


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
    except KeyboardInterrupt:
        say("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None


def _tell_problems(error: ConfigurationError) -> None:
    count = len(error.problems)
    say(f"{count} {'problem' if count == 1 else 'problems'} in the settings:", style="bold red")
    for problem in error.problems:
        say()
        _tell_problem(problem)


def _tell_problem(problem: Problem) -> None:
    say(f"{problem.path} {problem.message}", style="bold")
    table = problem.path.rpartition(".")[0]
    place, _, key = problem.source.rpartition(", ")
    told = bool(place) and bool(table) and key.startswith(table)
    if problem.source:
        say(f"    in {place if told else problem.source}")
    if problem.remedy:
        say(f"    {problem.remedy}", style="green")


def _tell_failure(error: AuthorizationError) -> None:
    say(str(error.copy(hint=None)), style="bold red")
    if error.hint:
        say(f"    {error.hint}", style="green")
    if error.retryable:
        say("    Asking again later may help.")
