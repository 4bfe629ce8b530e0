"""`oauthreg introspect`: what the authorization server knows about a token, as JSON."""

from __future__ import annotations

import json
import sys

from oauthreg._cli.common import (
    EnvFileOption,
    IdArgument,
    OnlyOption,
    ProfileOption,
    SettingsOption,
    TokenArgument,
    failures_told,
    token_given,
)
from oauthreg._manager.sync_manager import AuthorizedClientManager


def introspect(
    registration_id: IdArgument,
    token: TokenArgument = None,
    *,
    settings: SettingsOption = None,
    profile: ProfileOption = None,
    env_file: EnvFileOption = None,
    only: OnlyOption = False,
) -> None:
    """Ask the authorization server about a token (RFC 7662).

    Without TOKEN: about one that is fetched for the registration. The answer stands on stdout.

    \b
    oauthreg introspect my-client
    oauthreg introspect my-client - < token.txt
    oauthreg introspect my-client - < token.txt | jq -e .active
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
        answer = manager.introspect(registration_id, token_given(token))
    sys.stdout.write(f"{json.dumps(dict(answer), indent=2)}\n")
