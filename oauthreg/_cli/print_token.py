"""`oauthreg token`: one live token on stdout, and nothing else there."""

from __future__ import annotations

import json
import sys
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oauthreg._cli.common import IdArgument, OnlyOption, print_json, say
from oauthreg._cli.exits import NO_TOKEN
from oauthreg._cli.options import CommonOptions, with_options
from oauthreg._cli.token_options import (
    AudienceOption,
    PrincipalOption,
    ResourceOption,
    ScopeOption,
    TimeoutOption,
    authorize_options,
    token_facts,
)

if TYPE_CHECKING:
    from oauthreg._registration import AuthorizedClient


@with_options
def token(
    common: CommonOptions,
    registration_id: IdArgument,
    *,
    only: OnlyOption = False,
    scope: ScopeOption = None,
    audience: AudienceOption = None,
    resource: ResourceOption = None,
    principal: PrincipalOption = None,
    timeout: TimeoutOption = None,
    header: Annotated[
        bool, typer.Option("--header", help="Print the header that an API wants, with its name.")
    ] = False,
    decode: Annotated[
        bool,
        typer.Option("--decode", help="Print what a JWT says instead of it; nothing is verified."),
    ] = False,
) -> None:
    """Print a live token of a registration.

    The token stands alone on stdout; whatever is wrong is said on stderr. With --json it stands
    there with its type, scope and expiry; with --decode, its claims stand there instead of it.

    \b
    oauthreg token my-client
    oauthreg token my-client --settings settings.toml --profile test
    oauthreg token my-client --scope read --audience https://api.example.com
    oauthreg token my-client --decode | jq .claims.aud
    oauthreg token my-client --json | jq -r .expires_at
    curl -H "$(oauthreg token my-client --header)" https://api.example.com/
    """  # noqa: D301 - a backspace keeps click from joining the lines
    options = authorize_options(
        scope=scope, audience=audience, resource=resource, principal=principal, timeout=timeout
    )
    with common.manager(only=[registration_id] if only else None) as manager:
        client = manager.authorize(registration_id, **options)
    if decode:
        _print_decoded(client, as_json=common.as_json)
    elif common.as_json:
        value = client.access_token.token_value
        headers = {"headers": client.headers} if header else {}
        print_json({"access_token": value, **token_facts(client), **headers})
    elif header:
        for name, value in client.headers.items():
            sys.stdout.write(f"{name}: {value}\n")
    else:
        sys.stdout.write(f"{client.access_token.token_value}\n")


def _print_decoded(client: AuthorizedClient, *, as_json: bool) -> None:
    decoded = _decoded(client.access_token.token_value)
    if decoded is None:
        say("The token is no JWT: only the server knows what it says (oauthreg introspect).")
        raise typer.Exit(NO_TOKEN)
    print_json({**token_facts(client), **decoded} if as_json else decoded)


def _decoded(value: str) -> dict[str, Any] | None:
    """Return header and claims of a JWT (RFC 7519), unverified; None for any other token."""
    try:
        header, claims, _signature = value.split(".")
        parts = {"header": _part(header), "claims": _part(claims)}
    except ValueError:
        return None
    return parts if all(isinstance(part, dict) for part in parts.values()) else None


def _part(text: str) -> Any:
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
