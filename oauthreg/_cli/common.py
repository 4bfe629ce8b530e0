"""What commands share: arguments, output, and how failures are reported."""

from __future__ import annotations

import getpass
import json
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oauthreg._cli.completion import registration_ids
from oauthreg._cli.exits import INTERRUPTED, NO_TOKEN, PIPE_CLOSED, WRONG_SETTINGS
from oauthreg._errors import (
    AuthorizationError,
    ConfigurationError,
    PluginError,
    StoreError,
    WrongOptionError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from rich.console import Console

    from oauthreg._errors import OAuthRegError, Problem

ENDLESS = 10_000
STDIN = "-"

IdArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The registration, as in registration.<ID>.",
        autocompletion=registration_ids,
    ),
]
TokenArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="TOKEN", help="The token; - reads it from stdin, where other users cannot see it."
    ),
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
    value = (_stdin() if argument == STDIN else argument).strip()
    if not value:
        where = "there is no token on stdin" if argument == STDIN else "the token is empty"
        raise typer.BadParameter(where)
    return value


def _stdin() -> str:
    return "" if sys.stdin is None else sys.stdin.read()


def console(stream: TextIO) -> Console:
    """Return a console that breaks lines only where a terminal shows them."""
    from oauthreg._cli.terminal import Terminal  # noqa: PLC0415 - help is shown without rich

    return Terminal(
        file=stream, width=None if stream.isatty() else ENDLESS, highlight=False, markup=False
    )


def shown(text: str) -> str:
    """Return a text that cannot steer the terminal, whoever wrote it."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)


def say(line: str = "", style: str = "") -> None:
    """Say a line to the user, on stderr; what a server put into it cannot steer the terminal."""
    from rich.text import Text  # noqa: PLC0415 - likewise

    console(sys.stderr).print(Text(shown(line), style=style), soft_wrap=True)


def write(*parts: tuple[str, str]) -> None:
    """Write a line of texts, each with its style, on stdout."""
    from rich.text import Text  # noqa: PLC0415 - likewise

    line = Text()
    for words, style in parts:
        line.append(shown(words), style=style)
    console(sys.stdout).print(line, soft_wrap=True)


def print_json(value: object) -> None:
    """Print a value as JSON on stdout, escaping all that could steer the terminal."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    signs = (
        sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text
    )
    sys.stdout.write(f"{''.join(signs)}\n")


def os_user() -> str:
    """Return the name of the user who runs this program."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return "me"


@contextmanager
def failures_reported(*, as_json: bool = False) -> Iterator[None]:
    """Report what goes wrong on stderr, and end the program with the exit code for it.

    Args:
        as_json: Whether to print the failure as JSON on stdout, too.
    """
    try:
        yield
        sys.stdout.flush()
    except (ConfigurationError, AuthorizationError, PluginError, StoreError) as error:
        _report(error)
        if as_json:
            print_json({"ok": False, "error": failure(error)})
        wrong = isinstance(error, ConfigurationError | PluginError)
        raise typer.Exit(WRONG_SETTINGS if wrong else NO_TOKEN) from None
    except WrongOptionError as error:
        raise typer.BadParameter(str(error)) from None
    except KeyboardInterrupt:
        say("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        drop_output()
        raise typer.Exit(PIPE_CLOSED) from None


def failure(error: OAuthRegError) -> dict[str, Any]:
    """Return a failure as plain data: its class, what happened and what to do."""
    found: dict[str, Any] = {"type": type(error).__name__}
    if isinstance(error, ConfigurationError):
        found["problems"] = [problem_data(problem) for problem in error.problems]
    elif isinstance(error, AuthorizationError):
        fields = ("registration_id", "endpoint", "error", "status", "retryable", "retry_after")
        found["message"] = str(error.copy(hint=None))
        found["hint"] = error.hint
        found |= {name.replace("_", "-"): getattr(error, name, None) for name in fields}
    else:
        found["message"] = str(error)
    return found


def problem_data(problem: Problem) -> dict[str, str]:
    """Return a problem of the settings as plain data."""
    fields = ("path", "message", "source", "remedy")
    return {name: getattr(problem, name) for name in fields}


def drop_output() -> None:
    """Let what is still buffered go nowhere: its reader went away."""
    with suppress(OSError, ValueError):  # a stream of a test has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _report(error: OAuthRegError) -> None:
    if isinstance(error, ConfigurationError):
        _report_problems(error)
    elif isinstance(error, AuthorizationError):
        _report_failure(error)
    else:
        say(str(error), style="bold red")


def _report_problems(error: ConfigurationError) -> None:
    count = len(error.problems)
    say(f"{count} {'problem' if count == 1 else 'problems'} in the settings:", style="bold red")
    for problem in error.problems:
        say()
        report_problem(problem)


def report_problem(problem: Problem) -> None:
    """Report one problem of the settings: which setting, where it stands, and what to do."""
    say(f"{problem.path}: {problem.message}", style="bold")
    if problem.place:
        say(f"    in {problem.place}")
    if problem.remedy:
        say(f"    {problem.remedy}", style="green")


def _report_failure(error: AuthorizationError) -> None:
    say(str(error.copy(hint=None)), style="bold red")
    if error.hint:
        say(f"    {error.hint}", style="green")
    if error.retryable:
        say("    Asking again later may help.")
