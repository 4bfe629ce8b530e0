"""`oauthreg revoke`: end a token."""

from __future__ import annotations

import typer

from oauthreg._cli.common import (
    NO_TOKEN,
    EnvFileOption,
    IdArgument,
    OnlyOption,
    ProfileOption,
    SettingsOption,
    TokenArgument,
    failures_told,
    say,
    token_given,
)
from oauthreg._manager.sync_manager import AuthorizedClientManager
from oauthreg._sources.tree import canonical


def revoke(
    registration_id: IdArgument,
    token: TokenArgument = None,
    *,
    settings: SettingsOption = None,
    profile: ProfileOption = None,
    env_file: EnvFileOption = None,
    only: OnlyOption = False,
) -> None:
    """Have the authorization server end an access or refresh token (RFC 7009).

    Without TOKEN: the registration's own, if one is kept. Tokens are kept in memory, so that each
    command starts without any. A token that the server does not know is no error.

    \b
    oauthreg revoke my-client - < token.txt
    oauthreg token my-client | oauthreg revoke my-client -
    """  # noqa: D301 - a backspace keeps click from joining the lines
    with (
        failures_told(),
        AuthorizedClientManager.from_settings(
            settings or None,
            only=[registration_id] if only else None,
            profile=profile,
            env_file=env_file,
        ) as manager,
    ):
        value = token_given(token)
        own = manager.status().get(canonical(registration_id))
        manager.revoke(registration_id, value)
        if value is None and own is not None and own["state"] == "none":
            say("Nothing was revoked: no token of this registration is kept. Name the token.")
            raise typer.Exit(NO_TOKEN)
