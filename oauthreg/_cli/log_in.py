"""`oauthreg login`: log a user in, by the browser or by another device."""

from __future__ import annotations

import json
import sys
from base64 import urlsafe_b64decode
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from oauthreg._cli.common import (
    IdArgument,
    OnlyOption,
    os_user,
    print_json,
    say,
)
from oauthreg._cli.exits import NO_TOKEN
from oauthreg._cli.login_ways import by_browser, by_device
from oauthreg._cli.options import CommonOptions, with_options
from oauthreg._cli.token_options import KeptPrincipalOption, token_facts
from oauthreg._errors import ConfigurationError, Problem
from oauthreg._grants.table import GRANTS, Grant
from oauthreg._protocol.text import clean
from oauthreg._sources.tree import canonical
from oauthreg.events import LoginNotKept

if TYPE_CHECKING:
    from oauthreg._manager.sync_manager import AuthorizedClientManager
    from oauthreg._registration import AuthorizedClient, ClientRegistration
    from oauthreg._reports import StoreStatus

SECONDS = 300.0
LONGEST_NAME = 200
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
    principal: KeptPrincipalOption = None,
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

    With a store in the settings (store.type = "sqlite"), programs with these settings use the
    login from now on, until `oauthreg logout`. Without one, it ends with this command unless it
    is printed: a printed refresh token serves a program that sets
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
    refused: list[LoginNotKept] = []
    with ExitStack() as stack:
        manager = stack.enter_context(options.manager(only=chosen))
        registration = _registration(manager, registration_id)
        on_device = _grant(registration).login == "device"
        who = principal or registration.principal or os_user()
        if device and not on_device:
            table = {registration.registration_id: {"authorization-grant-type": "device_code"}}
            manager = stack.enter_context(
                options.manager(only=chosen, arguments={"registration": table})
            )
        manager.subscribe(LoginNotKept, refused.append)
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
        store = manager.status()[registration.registration_id]["store"]
    _tell(client, principal or _subject(client) or who)
    failure = _failure(refused, store)
    kept = _tell_whether_kept(registration, who, shared=store is not None, failure=failure)
    if options.as_json:
        _print_json(client, who, kept=kept, token=token, refresh_token=show_refresh_token)
    elif token:
        sys.stdout.write(f"{client.access_token.token_value}\n")
    if show_refresh_token and not options.as_json:
        _show_refresh_token(client)
    if not kept:
        raise typer.Exit(NO_TOKEN)


def _print_json(
    client: AuthorizedClient, who: str, *, kept: bool, token: bool, refresh_token: bool
) -> None:
    found = {"ok": kept, **token_facts(client), "principal": who}
    if token:
        found["access_token"] = client.access_token.token_value
    if refresh_token:
        found["refresh_token"] = client.refresh_token and client.refresh_token.token_value
    print_json(found)


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


def _subject(client: AuthorizedClient) -> str | None:
    """Return the subject of the id_token; after a login by the browser it has been checked."""
    try:
        body = str(client.access_token.extra.get("id_token")).split(".")[1]
        subject = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sub"]
    except (IndexError, KeyError, TypeError, ValueError):
        return None
    return clean(str(subject), LONGEST_NAME)


def _tell(client: AuthorizedClient, who: str) -> None:
    token = client.access_token
    seconds = (token.expires_at - token.issued_at).total_seconds()
    say(f"Logged in as {who}.", style="bold green")
    say(f"    scopes         {' '.join(token.scopes) or 'none'}")
    say(f"    lives          {seconds:g} s, until {token.expires_at.astimezone():%H:%M:%S}")
    say(f"    refresh token  {'yes' if client.refresh_token else 'none'}")


def _failure(refused: list[LoginNotKept], store: StoreStatus | None) -> str | None:
    if refused:
        return refused[0].reason
    if store is not None and store["failure"] is not None:
        return f"the store failed, {store['failure']}"
    return None


def _tell_whether_kept(
    registration: ClientRegistration, who: str, *, shared: bool, failure: str | None
) -> bool:
    """Say how programs use the login, or why they cannot; False if the store did not keep it."""
    name = registration.registration_id
    if failure is not None:
        say(f"It was not kept: {failure}", style="bold red")
        return False
    if not shared:
        say(f"It ends with this command: {_why_not_kept(registration)}")
    elif registration.principal == who:
        say(f'Programs with these settings use it from now on: authorize("{name}").')
    else:
        say(f'Programs with these settings use it by authorize("{name}", principal="{who}"),')
        say(f'or by authorize("{name}") alone with principal = "{who}" in registration.{name}.')
    return True


def _why_not_kept(registration: ClientRegistration) -> str:
    name = registration.registration_id
    if registration.shared is False:
        return f"registration.{name}.shared is false."
    if registration.prover is not None and not registration.prover.lasting:
        return f"its tokens are bound to a key of its own; set registration.{name}.dpop-key-file."
    return 'store.type = "sqlite" in the settings keeps logins for the programs that come after it.'


def _show_refresh_token(client: AuthorizedClient) -> None:
    if client.refresh_token is None:
        say("The server gave no refresh token: some give one for the scope offline_access.")
        raise typer.Exit(NO_TOKEN)
    say("Keep the refresh token secret: who has it can act for this user.", style="bold yellow")
    sys.stdout.write(f"{client.refresh_token.token_value}\n")
