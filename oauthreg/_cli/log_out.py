"""`oauthreg logout`: end a login that a store keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from oauthreg._cli.common import IdArgument, OnlyOption, os_user, print_json, say
from oauthreg._cli.exits import NO_TOKEN
from oauthreg._cli.options import CommonOptions, with_options
from oauthreg._cli.token_options import KeptPrincipalOption
from oauthreg._errors import AuthorizationError, ConfigurationError, Problem
from oauthreg._grants.table import GRANTS
from oauthreg._manager.options import needs_principal
from oauthreg._sources.tree import canonical
from oauthreg.events import Revoked

if TYPE_CHECKING:
    from oauthreg._manager.sync_manager import AuthorizedClientManager
    from oauthreg._registration import ClientRegistration


@with_options
def logout(
    options: CommonOptions,
    registration_id: IdArgument,
    *,
    only: OnlyOption = False,
    principal: KeptPrincipalOption = None,
) -> None:
    """End a login that a store keeps.

    It is removed from the store, so that no program uses it any more, and its tokens are revoked
    at the authorization server, if that has a revocation endpoint (RFC 7009).

    \b
    oauthreg logout my-client
    oauthreg logout my-client --principal alice
    """  # noqa: D301 - a backspace keeps click from joining the lines
    with options.manager(only=[registration_id] if only else None) as manager:
        manager.invalidate(registration_id)  # which refuses an unknown one
        registration = manager.registrations[canonical(registration_id)]
        _check_grant(registration)
        who = principal or registration.principal
        if who is None and needs_principal(registration):
            who = os_user()
        if manager.status()[registration.registration_id]["store"] is None:
            say("No login is kept: without a store, it ends with the program that made it.")
            raise typer.Exit(NO_TOKEN)
        _end(manager, registration, who)
    if options.as_json:
        print_json({"id": registration.registration_id, "principal": who, "ok": True})


def _check_grant(registration: ClientRegistration) -> None:
    """Refuse a registration by which nobody logs in.

    Raises:
        ConfigurationError: its grant is no user's.
    """
    grant = GRANTS[registration.authorization_grant_type]
    if not grant.acts_for_user:
        path = f"registration.{registration.registration_id}.authorization-grant-type"
        remedy = "Name a registration by which a user logs in; `oauthreg revoke` ends other tokens."
        raise ConfigurationError(
            [Problem(path, f"is {grant.setting}, by which nobody logs in", remedy=remedy)]
        )


def _end(
    manager: AuthorizedClientManager, registration: ClientRegistration, who: str | None
) -> None:
    """Revoke a user's login; with no user, the one that the settings give."""
    name = registration.registration_id
    user = who or "The user of the settings"
    revoked: list[Revoked] = []
    manager.subscribe(Revoked, revoked.append)
    try:
        manager.revoke(name, principal=who)
    except AuthorizationError as error:
        if not revoked:
            raise
        say(f"{user} is logged out of {name} here, but not at the server: {error}", style="bold")
        raise typer.Exit(NO_TOKEN) from None
    if not revoked:
        whose = f"of {who}" if who else "of the settings"
        say(f"No login {whose} is kept for {name}. --principal names another user.")
        raise typer.Exit(NO_TOKEN)
    say(f"{user} is logged out of {name}.", style="bold green")
