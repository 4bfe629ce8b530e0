"""What commands about tokens share: options of the call, and what is known of a token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from oauthreg._registration import AuthorizedClient, AuthorizeOptions

ScopeOption = Annotated[
    list[str] | None,
    typer.Option(help="Ask for this instead of the registration's scope; repeat it for more."),
]
AudienceOption = Annotated[
    str | None, typer.Option(help="Ask for this audience instead of the registration's.")
]
ResourceOption = Annotated[
    list[str] | None,
    typer.Option(metavar="URI", help="Ask for this resource; repeat it for more (RFC 8707)."),
]
PrincipalOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Act for this user, where the grant does.")
]
KeptPrincipalOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=(
            "Under which name the login is kept; default: the registration's principal, "
            "else the user of this machine."
        ),
    ),
]
TimeoutOption = Annotated[
    float | None, typer.Option(min=0.001, metavar="SECONDS", help="Wait this long at most.")
]


def authorize_options(
    *,
    scope: list[str] | None,
    audience: str | None,
    resource: list[str] | None,
    principal: str | None,
    timeout: float | None,
) -> AuthorizeOptions:
    """Return the options of `authorize` that were given."""
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
    return options


def token_facts(client: AuthorizedClient) -> dict[str, Any]:
    """Return what is known of a token but the token itself, as RFC 6749 names it."""
    token = client.access_token
    left = (token.expires_at - datetime.now(UTC)).total_seconds()
    return {
        "token_type": token.token_type,
        "expires_in": round(max(left, 0.0)),
        "expires_at": token.expires_at.isoformat(timespec="seconds"),
        "scope": " ".join(token.scopes),
        "registration_id": client.registration.registration_id,
        "principal": client.principal,
    }
