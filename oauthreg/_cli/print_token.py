"""`oauthreg token`: one live token on stdout, and nothing else there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from oauthreg._cli.common import (
    IdArgument,
    OnlyOption,
)
from oauthreg._cli.options import CommonOptions, with_options

if TYPE_CHECKING:
    from oauthreg._registration import AuthorizeOptions


@with_options
def token(
    common: CommonOptions,
    registration_id: IdArgument,
    *,
    only: OnlyOption = False,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Ask for this instead of the registration's scope; repeat it for more."),
    ] = None,
    audience: Annotated[
        str | None, typer.Option(help="Ask for this audience instead of the registration's.")
    ] = None,
    resource: Annotated[
        list[str] | None,
        typer.Option(metavar="URI", help="Ask for this resource; repeat it for more (RFC 8707)."),
    ] = None,
    principal: Annotated[
        str | None, typer.Option(metavar="NAME", help="Act for this user, where the grant does.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, metavar="SECONDS", help="Wait this long at most.")
    ] = None,
    header: Annotated[
        bool, typer.Option("--header", help="Print the header that an API wants, with its name.")
    ] = False,
) -> None:
    """Print a live token of a registration.

    The token stands alone on stdout; whatever is wrong is said on stderr.

    \b
    oauthreg token my-client
    oauthreg token my-client --settings settings.toml --profile test
    oauthreg token my-client --scope read --audience https://api.example.com
    curl -H "$(oauthreg token my-client --header)" https://api.example.com/
    """  # noqa: D301 - a backspace keeps click from joining the lines
    options: AuthorizeOptions = {}
    if scope:
        options["scope"] = " ".join(scope)
    if audience is not None:
        options["audience"] = audience
    if resource:
        options["resource"] = tuple(resource)
    if principal is not None:
        options["principal"] = principal
    if timeout is not None:
        options["timeout"] = timeout
    with common.manager(only=[registration_id] if only else None) as manager:
        client = manager.authorize(registration_id, **options)
        line = client.access_token.token_value
        if header:
            line = "\n".join(f"{name}: {value}" for name, value in client.headers.items())
    sys.stdout.write(f"{line}\n")
