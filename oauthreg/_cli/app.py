"""All commands, put together."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Annotated

import typer

from oauthreg._cli import (
    introspect_token,
    list_registrations,
    log_in,
    print_token,
    revoke_token,
    store,
)

EPILOG = (
    "Exit codes: 0 done, 1 it could not be had, 2 the settings or the call are wrong, 130 Ctrl-C."
)

app = typer.Typer(
    name="oauthreg",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("token", epilog=EPILOG)(print_token.token)
app.command("list", epilog=EPILOG)(list_registrations.list_registrations)
app.command("login", epilog=EPILOG)(log_in.login)
app.command("introspect", epilog=EPILOG)(introspect_token.introspect)
app.command("revoke", epilog=EPILOG)(revoke_token.revoke)
app.add_typer(store.app, epilog=EPILOG)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - the signature is typer's
    if asked:
        typer.echo(f"oauthreg {version('oauthreg')}")
        raise typer.Exit


@app.callback()
def oauthreg(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Tokens from one settings file.

    Settings are found as the library finds them: OAUTHREG_SETTINGS, else settings.toml in the
    working directory, with the environment (OAUTHREG_...) and .env over them.

    \b
    oauthreg list                     what is configured, secrets masked
    oauthreg token my-client          print a live token
    oauthreg login my-client          log a user in by the browser, or by another device
    oauthreg introspect my-client     ask the authorization server about a token
    oauthreg revoke my-client TOKEN   end a token
    oauthreg store status             whether tokens are shared, and where
    oauthreg token --help             more examples
    """  # noqa: D301 - a backspace keeps click from joining the lines
    # Errors are told by the commands, readably and once.
    logging.getLogger("oauthreg").addHandler(logging.NullHandler())
