"""`oauthreg introspect`: what the authorization server knows about a token, as JSON."""

from __future__ import annotations

from oauthreg._cli.common import (
    IdArgument,
    OnlyOption,
    TokenArgument,
    print_json,
    token_given,
)
from oauthreg._cli.options import CommonOptions, with_options


@with_options
def introspect(
    options: CommonOptions,
    registration_id: IdArgument,
    token: TokenArgument = None,
    *,
    only: OnlyOption = False,
) -> None:
    """Ask the authorization server about a token (RFC 7662).

    Without TOKEN: about one that is fetched for the registration. The answer stands on stdout.

    \b
    oauthreg introspect my-client
    oauthreg introspect my-client - < token.txt
    oauthreg introspect my-client - < token.txt | jq -e .active
    """  # noqa: D301 - a backspace keeps click from joining the lines
    with options.manager(only=[registration_id] if only else None) as manager:
        answer = manager.introspect(registration_id, token_given(token))
    print_json(dict(answer))
