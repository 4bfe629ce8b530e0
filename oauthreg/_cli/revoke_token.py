"""`oauthreg revoke`: end a token."""

from __future__ import annotations

import typer

from oauthreg._cli.common import (
    IdArgument,
    OnlyOption,
    TokenArgument,
    print_json,
    say,
    token_given,
)
from oauthreg._cli.exits import NO_TOKEN
from oauthreg._cli.options import CommonOptions, with_options
from oauthreg._sources.tree import canonical
from oauthreg.events import Revoked


@with_options
def revoke(
    options: CommonOptions,
    registration_id: IdArgument,
    token: TokenArgument = None,
    *,
    only: OnlyOption = False,
) -> None:
    """Have the authorization server end an access or refresh token (RFC 7009).

    Without TOKEN: those that the registration has in the store, if the settings name one; for a
    user's login see `oauthreg logout`. A token that the server does not know is no error.

    \b
    oauthreg revoke my-client - < token.txt
    oauthreg token my-client | oauthreg revoke my-client -
    """  # noqa: D301 - a backspace keeps click from joining the lines
    with options.manager(only=[registration_id] if only else None) as manager:
        value = token_given(token)
        revoked: list[Revoked] = []
        manager.subscribe(Revoked, revoked.append)
        manager.revoke(registration_id, value)
        if not revoked:
            say("Nothing was revoked: no token of this registration is kept. Name the token.")
            raise typer.Exit(NO_TOKEN)
    if options.as_json:
        print_json({"id": canonical(registration_id), "ok": True})
