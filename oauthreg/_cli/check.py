"""`oauthreg check`: does every registration work, and whose fault is it if not?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from oauthreg._check.results import CheckOptions, Result, Step
from oauthreg._cli.common import console, print_json, report_problem, shown, write
from oauthreg._cli.completion import registration_ids
from oauthreg._cli.exits import NO_TOKEN, WRONG_SETTINGS
from oauthreg._cli.health import print_health
from oauthreg._cli.options import CommonOptions, nothing_configured, with_options

if TYPE_CHECKING:
    from oauthreg._settings.usable import Usable

STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}
NARROW = 60
INDENT = "\n" + 27 * " "
Show = Callable[[str], None]


@with_options
def check(
    options: CommonOptions,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...",
            help="The registrations; default: every one.",
            autocompletion=registration_ids,
        ),
    ] = None,
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Stop before the network: judge the settings only.")
    ] = False,
    api: Annotated[
        bool, typer.Option("--api", help="GET the addresses of `urls` with the token, too.")
    ] = False,
    renew: Annotated[
        bool,
        typer.Option("--renew", help="Renew users' tokens, too: this spends a refresh token."),
    ] = False,
    password_grants: Annotated[
        bool, typer.Option("--password-grants", help="Send the passwords of password grants, too.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Ask even where other processes were asked to wait."),
    ] = False,
    health: Annotated[
        bool,
        typer.Option("--health", help="Only whether tokens are to be had, for an exec probe."),
    ] = False,
    principal: Annotated[
        str | None, typer.Option(metavar="NAME", help="Look up this user's login in the store.")
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="SECONDS", help="At most so long for each registration."),
    ] = None,
) -> None:
    """Try every registration, step by step, and say what to do where one does not work.

    Settings, name, TLS, metadata, one token request, scopes, lifetime and the server's clock;
    eight at a time. Of users' grants, whether a login is kept: nothing is spent without --renew.
    No token is printed or kept. Registrations whose settings are wrong are reported, the others
    are tried.

    \b
    oauthreg check
    oauthreg check my-client --api
    oauthreg check --offline --settings settings.toml --profile production
    oauthreg check --json | jq -r '.[] | select(.ok | not).id'
    """  # noqa: D301 - a backspace keeps click from joining the lines
    if health:
        print_health(options, ids, timeout)
        return
    asked = CheckOptions(
        offline=offline,
        renew=renew,
        password_grants=password_grants,
        api=api,
        force=force,
        principal=principal,
        timeout=timeout,
    )
    with _progress(quiet=options.as_json) as show:
        from oauthreg._settings.usable import load_usable  # noqa: PLC0415 - shown from the start

        usable = load_usable(**options.sources, only=ids)
        if not usable.ids:
            raise nothing_configured(usable.configuration.looked_at)
        found = _checked(usable, asked, show)
    results = [found[id_] for id_ in usable.ids]  # in the order of the settings
    if options.as_json:
        print_json([_data(result) for result in results])
    else:
        for result in results:
            _print(result)
        _print_verdict(results)
    for problem in usable.others:
        report_problem(problem)
    if usable.others or any(result.misconfigured for result in results):
        raise typer.Exit(WRONG_SETTINGS)
    if not all(result.ok for result in results):
        raise typer.Exit(NO_TOKEN)


def _checked(usable: Usable, asked: CheckOptions, show: Show) -> dict[str, Result]:
    """Check registrations, and show how far that is; return the results by id."""
    from oauthreg._check.probe import Probe  # noqa: PLC0415 - help is shown without it
    from oauthreg._check.run import check as run  # noqa: PLC0415 - likewise

    probe = Probe(usable.configuration, usable.ids)
    found: dict[str, Result] = {}

    def on_step(id_: str, step: str) -> None:
        show(f"{len(found)} of {len(usable.ids)} checked; {id_}: {step}")

    try:
        for result in run(usable, probe, asked, on_step):
            found[result.id] = result
    finally:
        probe.close()
    return found


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Show]:
    """Give what shows a line that is replaced by the next; nothing where nobody looks at it."""
    terminal = console(sys.stderr)
    if quiet or not terminal.is_terminal:
        yield lambda _words: None
        return
    with terminal.status(Text("reading the settings")) as status:
        yield lambda words: status.update(Text(shown(words)))


def _print(result: Result) -> None:
    """Print a line where all is well, else everything that was seen."""
    if result.ok and not result.warnings:
        _line("ok", result.id, _summary(result))
        return
    worst = (result.failed or result.warnings)[0]
    _line(worst.outcome, result.id, f"at {worst.name}")
    for step in result.steps:
        _print_step(step)


def _print_step(step: Step) -> None:
    """Print a step; on a terminal that is wide enough, long words stay in their column."""
    style, remedy = STYLES[step.outcome], f"-> {step.remedy}" if step.remedy else ""
    terminal = console(sys.stdout)
    if sys.stdout.isatty() and terminal.width >= NARROW:
        columns = [*(Column(width=8) for _ in range(3)), Column(overflow="fold")]
        grid = Table.grid(*columns, padding=(0, 1))
        grid.add_row("", step.name, Text(step.outcome, style), Text(shown(step.seen)))
        if remedy:
            grid.add_row("", "", "", Text(shown(remedy), "green"))
        terminal.print(grid)
        return
    seen = step.seen.replace("\n", INDENT)
    write((f"{'':<9}{step.name:<9}", ""), (f"{step.outcome:<8} ", style), (seen, ""))
    if remedy:
        write((f"{INDENT[1:]}{remedy}", "green"))


def _line(outcome: str, name: str, seen: str) -> None:
    word = outcome.upper() if outcome == "failed" else outcome
    write((f"{word:<9}", STYLES[outcome]), (f"{name}  ", "bold"), (seen, ""))


def _summary(result: Result) -> str:
    """Return what is worth to be seen of a registration that is well."""
    words = [f"{result.grant} at {result.provider}"]
    for name in ("token", "latency", "scopes", "lifetime", "login"):
        step = result.step(name)
        if step is not None:
            words.append(step.seen if name in {"token", "latency"} else f"{name}: {step.seen}")
    if result.step("token") is None and result.step("login") is None:
        words += [step.seen for step in result.steps[:1]]
    return "; ".join(words)


def _print_verdict(results: list[Result]) -> None:
    wrong = [result.id for result in results if not result.ok]
    plural = "registration" if len(results) == 1 else "registrations"
    verdict = f"{len(results) - len(wrong)} of {len(results)} {plural} well"
    verdict += f"; not well: {', '.join(wrong)}" if wrong else ""
    write((verdict, "bold red" if wrong else "bold green"))


def _data(result: Result) -> dict[str, Any]:
    return {
        "id": result.id,
        "ok": result.ok,
        "provider": result.provider,
        "grant": result.grant,
        "steps": [_step_data(step) for step in result.steps],
    }


def _step_data(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "outcome": step.outcome,
        "ok": step.outcome != "failed",
        "seen": step.seen,
        "remedy": step.remedy or None,
        "seconds": None if step.seconds is None else round(step.seconds, 4),
    }
