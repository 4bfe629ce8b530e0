"""`oauthreg request`: call an API with a registration's token."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oauthreg._cli.common import STDIN, IdArgument, OnlyOption, print_json, say, shown
from oauthreg._cli.exits import NO_TOKEN
from oauthreg._cli.options import CommonOptions, with_options
from oauthreg._cli.token_options import (
    AudienceOption,
    PrincipalOption,
    ResourceOption,
    ScopeOption,
    authorize_options,
)

if TYPE_CHECKING:
    from requests import Response

SECONDS = 30.0


@with_options
def request(
    common: CommonOptions,
    registration_id: IdArgument,
    target: Annotated[
        list[str],
        typer.Argument(
            metavar="[METHOD] URL",
            help="The address; a path where the provider's API has an address. METHOD is GET, "
            "or POST with --data.",
        ),
    ],
    *,
    only: OnlyOption = False,
    data: Annotated[
        str | None,
        typer.Option("--data", "-d", metavar="TEXT", help="The body; - reads it from stdin."),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", metavar="'NAME: VALUE'", help="A header field; repeat it."),
    ] = None,
    include: Annotated[
        bool, typer.Option("--include", "-i", help="Print status and header fields first.")
    ] = False,
    scope: ScopeOption = None,
    audience: AudienceOption = None,
    resource: ResourceOption = None,
    principal: PrincipalOption = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, metavar="SECONDS", help="Wait this long for each answer.")
    ] = SECONDS,
) -> None:
    """Call an API with a registration's token, as a program with oauthreg would.

    A DPoP token is sent with its proof; a token that the API rejects is renewed once; the token
    goes to the addresses of the registration's `urls` only. The body stands on stdout; a status of
    400 or more is exit code 1.

    \b
    oauthreg request my-client https://api.example.com/orders
    oauthreg request my-client DELETE https://api.example.com/orders/7
    oauthreg request my-client https://api.example.com/orders -d '{"item": 7}' \\
        -H 'Content-Type: application/json'
    oauthreg request my-client https://api.example.com/orders --json | jq .status
    """  # noqa: D301 - a backspace keeps click from joining the lines
    method, url = _target(target, has_body=data is not None)
    body = sys.stdin.buffer.read() if data == STDIN else (data or "").encode() or None
    headers = dict(_field(one) for one in header or [])
    options = authorize_options(
        scope=scope, audience=audience, resource=resource, principal=principal, timeout=None
    )
    from requests import RequestException  # noqa: PLC0415 - a command loads what it uses

    chosen = [registration_id] if only else None
    with common.manager(only=chosen) as manager, manager.session(registration_id, **options) as api:
        try:
            answer = api.request(method, url, data=body, headers=headers, timeout=timeout)
        except (RequestException, ValueError) as error:
            say(f"{url} cannot be asked: {_reason(error)}", style="bold red")
            raise typer.Exit(NO_TOKEN) from None
    _print(answer, as_json=common.as_json, include=include)
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        say(f"The API answered {answer.status_code} {answer.reason}.", style="bold red")
        raise typer.Exit(NO_TOKEN)


def _target(words: list[str], *, has_body: bool) -> tuple[str, str]:
    """Return method and address.

    Raises:
        BadParameter: there are more words than these two.
    """
    *method, url = words
    if len(method) > 1 or not all(word.isalpha() for word in method):
        raise typer.BadParameter("write [METHOD] URL, as in: GET https://api.example.com/")
    return (method[0].upper() if method else "POST" if has_body else "GET"), url


def _field(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise typer.BadParameter(f"write a header field as 'Name: value', not {text!r}")
    return name.strip(), value.strip()


def _reason(error: Exception) -> str:
    """Return the innermost reason of a failure: those of the library name the whole request."""
    inner: Any = error
    while inner.args and isinstance(inner.args[0], BaseException):
        inner = inner.args[0]
    reason = getattr(inner, "reason", None)
    return str(reason if isinstance(reason, BaseException) else inner)


def _print(answer: Response, *, as_json: bool, include: bool) -> None:
    if as_json:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        try:
            body = answer.json()
        except ValueError:
            body = answer.text
        print_json({"status": answer.status_code, "headers": headers, "body": body})
        return
    if include:
        sys.stdout.write(f"{answer.status_code} {answer.reason}\n")
        for name, value in answer.headers.items():
            sys.stdout.write(f"{name}: {shown(value)}\n")
        sys.stdout.write("\n")
    if sys.stdout.isatty():  # what an API sends cannot steer the terminal
        text = answer.text
        sys.stdout.write("".join(c if c.isprintable() or c in "\n\t" else "?" for c in text) + "\n")
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(answer.content)
