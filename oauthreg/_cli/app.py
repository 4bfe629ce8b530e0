"""All commands, put together."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Annotated

import typer

from oauthreg._cli.exits import EPILOG
from oauthreg._cli.lazy import Command, LazyGroup
from oauthreg._cli.options import CommonOptions, with_options


class Commands(LazyGroup):
    """Every command; its summary is the first line of its help."""

    rows = {  # noqa: RUF012 - a table that nobody changes
        "init": Command("init:init", "Write a first settings file, with a comment for every key."),
        "list": Command(
            "list_registrations:list_registrations",
            "List the registrations: where each goes, with what credential, and where that stands.",
        ),
        "check": Command(
            "check:check",
            "Try every registration, step by step, and say what to do where one does not work.",
        ),
        "explain": Command(
            "explain:explain",
            "Explain a registration: every effective value, where it comes from, what it "
            "overrides.",
        ),
        "token": Command("print_token:token", "Print a live token of a registration."),
        "request": Command(
            "request:request",
            "Call an API with a registration's token, as a program with oauthreg would.",
        ),
        "login": Command("log_in:login", "Log a user in, by the browser or by another device."),
        "logout": Command("log_out:logout", "End a login that a store keeps."),
        "introspect": Command(
            "introspect_token:introspect", "Ask the authorization server about a token (RFC 7662)."
        ),
        "revoke": Command(
            "revoke_token:revoke",
            "Have the authorization server end an access or refresh token (RFC 7009).",
        ),
        "import": Command(
            "import_settings:import_settings",
            "Write Spring's settings as TOML, for a service that leaves Spring behind.",
        ),
        "providers": Command(
            "providers:providers",
            "List the provider plugins: those that are installed, and those of ours that could be.",
        ),
        "plugin": Command("plugin:app", "Begin a provider plugin of your own."),
        "schema": Command("schema:schema", "Print the JSON Schema of settings files, for editors."),
        "store": Command("store:app", "Make keys for a store, and look after it."),
    }


app = typer.Typer(
    name="oauthreg",
    cls=Commands,
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - the signature is typer's
    if asked:
        typer.echo(f"oauthreg {version('oauthreg')}")
        raise typer.Exit


@app.callback()
@with_options
def oauthreg(
    _options: CommonOptions,
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
    working directory, with the environment (OAUTHREG_...) and .env over them. The options that
    say otherwise, and --json, stand before the command or after it.

    \b
    oauthreg init                     write a first settings file
    oauthreg list                     what is configured, secrets masked
    oauthreg check                    whether each of them works, and why not
    oauthreg explain my-client        every value of it, and where that comes from
    oauthreg token my-client          print a live token
    oauthreg request my-client URL    call an API with it
    oauthreg login my-client          log a user in by the browser, or by another device
    oauthreg logout my-client         end that login
    oauthreg introspect my-client     ask the authorization server about a token
    oauthreg revoke my-client TOKEN   end a token
    oauthreg import application.yml   Spring's settings as TOML
    oauthreg schema                   the JSON Schema of settings, for editors
    oauthreg store status             whether tokens are shared, and where
    oauthreg token --help             more examples
    """  # noqa: D301 - a backspace keeps click from joining the lines
    # Errors are reported by the commands, readably and once.
    logging.getLogger("oauthreg").addHandler(logging.NullHandler())
