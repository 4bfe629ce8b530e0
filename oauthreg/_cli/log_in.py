"""`oauthreg login`: log a user in, by the browser or by another device."""

from __future__ import annotations

import getpass
import json
import sys
from base64 import urlsafe_b64decode
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from oauthreg._cli.common import (
    IdArgument,
    OnlyOption,
    say,
)
from oauthreg._cli.exits import NO_TOKEN
from oauthreg._cli.login_ways import by_browser, by_device
from oauthreg._cli.options import CommonOptions, with_options
from oauthreg._errors import ConfigurationError, Problem
from oauthreg._grants.table import GRANTS, Grant
from oauthreg._sources.tree import canonical

if TYPE_CHECKING:
    from oauthreg._manager.sync_manager import AuthorizedClientManager
    from oauthreg._registration import AuthorizedClient, ClientRegistration

SECONDS = 300.0
NO_LOGIN = "is {grant}, by which `oauthreg login` logs nobody in"
INSTEAD = 'Set authorization-grant-type = "authorization_code", or "device_code".'


@with_options
def login(
    options: CommonOptions,
    registration_id: IdArgument,
    *,
    only: OnlyOption = False,
    device: Annotated[
        bool,
        typer.Option("--device", help="By a code on another device, instead of the browser here."),
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Open no browser, print the address only.")
    ] = False,
    principal: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Who logs in; default: as the id_token says, else the user of this machine.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="SECONDS",
            help="Wait this long for the login; default: 300, or as long as a device's code lives.",
        ),
    ] = None,
    token: Annotated[
        bool, typer.Option("--token", help="Print the access token, alone on stdout.")
    ] = False,
    show_refresh_token: Annotated[
        bool,
        typer.Option(
            "--show-refresh-token", help="Print the refresh token on stdout (after the token)."
        ),
    ] = False,
) -> None:
    """Log a user in, by the browser or by another device.

    For trying a registration out, and for obtaining tokens: they are kept in memory only, and end
    with this command unless they are printed. A printed refresh token serves a program that sets
    authorization-grant-type = "refresh_token" and refresh-token-file.

    The browser comes back to the registration's redirect-uri if that is a loopback address, else
    to http://127.0.0.1:<a free port>/callback, which the server must know.

    \b
    oauthreg login my-client
    oauthreg login my-client --device
    oauthreg login my-client --token | oauthreg introspect my-client -
    oauthreg login my-client --show-refresh-token > refresh-token
    """  # noqa: D301 - a backspace keeps click from joining the lines
    chosen = [registration_id] if only else None
    with ExitStack() as stack:
        manager = stack.enter_context(options.manager(only=chosen))
        registration = _registration(manager, registration_id)
        on_device = _grant(registration).login == "device"
        who = principal or _os_user()
        if device and not on_device:
            table = {registration.registration_id: {"authorization-grant-type": "device_code"}}
            manager = stack.enter_context(
                options.manager(only=chosen, arguments={"registration": table})
            )
        if device or on_device:
            client = by_device(manager, registration, principal=who, seconds=timeout)
        else:
            client = by_browser(
                manager,
                registration,
                principal=who,
                seconds=timeout or SECONDS,
                opened=not no_browser,
            )
    _tell(client, principal or _subject(client) or who)
    if token:
        sys.stdout.write(f"{client.access_token.token_value}\n")
    if show_refresh_token:
        _show_refresh_token(client)


def _registration(manager: AuthorizedClientManager, registration_id: str) -> ClientRegistration:
    """Return a registration by which somebody can log in.

    Raises:
        ConfigurationError: there is none of this id, or its grant is another.
    """
    manager.invalidate(registration_id)  # which refuses an unknown one
    registration = manager.registrations[canonical(registration_id)]
    grant = _grant(registration)
    if grant.login != "device" and grant.response_type != "code":
        path = f"registration.{registration.registration_id}.authorization-grant-type"
        raise ConfigurationError(
            [Problem(path, NO_LOGIN.format(grant=grant.setting), remedy=INSTEAD)]
        )
    return registration


def _grant(registration: ClientRegistration) -> Grant:
    return GRANTS[registration.authorization_grant_type]


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return "me"


def _subject(client: AuthorizedClient) -> str | None:
    """Return the subject of the id_token; after a login by the browser it has been checked."""
    try:
        body = str(client.access_token.extra.get("id_token")).split(".")[1]
        subject = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sub"]
    except (IndexError, KeyError, TypeError, ValueError):
        return None
    return str(subject)


def _tell(client: AuthorizedClient, who: str) -> None:
    token = client.access_token
    seconds = (token.expires_at - token.issued_at).total_seconds()
    say(f"Logged in as {who}.", style="bold green")
    say(f"    scopes         {' '.join(token.scopes) or 'none'}")
    say(f"    lives          {seconds:g} s, until {token.expires_at.astimezone():%H:%M:%S}")
    say(f"    refresh token  {'yes' if client.refresh_token else 'none'}")


def _show_refresh_token(client: AuthorizedClient) -> None:
    if client.refresh_token is None:
        say("The server gave no refresh token: some give one for the scope offline_access.")
        raise typer.Exit(NO_TOKEN)
    say("Keep the refresh token secret: who has it can act for this user.", style="bold yellow")
    sys.stdout.write(f"{client.refresh_token.token_value}\n")
