"""What a flow is given before it begins: addresses, client authentication, credentials, tokens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from oauthreg import _discovery as discovery
from oauthreg._flow import NOTHING, NeedMetadata, NeedToken, ReadSecret
from oauthreg._grants.table import GRANTS
from oauthreg._protocol.authentication import advertised_method
from oauthreg._protocol.context import PluginContext
from oauthreg._secret_values import Secret, TokenOf
from oauthreg._token_key import request_principal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthreg._errors import AuthorizationError
    from oauthreg._flow import Flow
    from oauthreg._renewal.orders import TokenOrder
    from oauthreg._secret_values import Readable


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a flow may know of the world around its flight.

    Attributes:
        wall: Seconds since the epoch.
        random: A number in [0, 1).
        waited: Whether somebody waits with no valid token in hand.
        remembered: Set if the flight only looks whether a refused credential changed: what to
            raise if it did not.
        refused: Credentials that the server refused; the flow adds those of its own attempts.
        refresh_token: Gives the refresh token at hand.
        spent: Refresh tokens that the server refused; the flow adds its own.
    """

    wall: Callable[[], float]
    random: Callable[[], float]
    waited: Callable[[], bool]
    remembered: AuthorizationError | None = None
    refused: set[object] = field(default_factory=set)
    refresh_token: Callable[[], Secret | None] = lambda: None
    spent: set[Secret] = field(default_factory=set)


def prepare(
    order: TokenOrder, around: Surroundings, *, needs: str = "token-uri", login: bool = False
) -> Flow[PluginContext]:
    """Settle addresses and client authentication: settings, else plugin, else metadata.

    Everything is read but the credential of the attempt, which may be tried in turn.

    Args:
        order: What is to be brought.
        around: What is known around it.
        needs: The address without which the metadata is asked for.
        login: Whether the metadata is asked for in any case, if the provider publishes it: its
            promises count in a login (RFC 9207, RFC 9126, PKCE).

    Raises:
        AuthorizationError: the metadata, or something that must be read, is not to be had.
    """
    registration = order.registration
    details = registration.provider
    endpoints = dict(details.endpoints)
    metadata: Mapping[str, Any] = NOTHING
    discoverable = details.issuer_uri is not None or "metadata-uri" in endpoints
    if discoverable and (login or needs not in endpoints):
        metadata = yield NeedMetadata()
        mutual_tls = registration.certificate is not None
        endpoints = {**discovery.endpoints(metadata, mutual_tls=mutual_tls), **endpoints}
    if registration.client_authentication_method is None:
        registration = registration.with_options(
            client_authentication_method=advertised_method(registration, metadata)
        )
    context = PluginContext(
        registration=registration,
        endpoints=endpoints,
        issuer=discovery.issuer_of(details.issuer_uri, metadata),
        metadata=metadata,
        now=around.wall(),
        new_id=lambda: uuid4().hex,
        principal=request_principal(registration, order.plugin, order.principal),
    )
    return (yield from _with_tokens(context, order, around))


def _with_tokens(
    context: PluginContext, order: TokenOrder, around: Surroundings
) -> Flow[PluginContext]:
    """Read the tokens and the keys that the registration's grant sends."""
    registration = context.registration
    refresh_token = around.refresh_token()
    if refresh_token is None:
        said = yield from _read(registration.refresh_token)
        refresh_token = said if said not in around.spent else None
    subject = order.subject_token or (yield from _read(registration.subject_token))
    signs = GRANTS[registration.authorization_grant_type].signs
    return replace(
        context,
        refresh_token=refresh_token,
        password=(yield from _read(registration.password)),
        signing_key=(yield from _read(registration.signing_key)) if signs else None,
        subject_token=(yield from _resolved(subject)),
        actor_token=(yield from _resolved(order.actor_token)),
    )


def _read(source: Readable | None) -> Flow[Any]:
    return None if source is None else (yield ReadSecret(source))


def _resolved(token: Secret | TokenOf | None) -> Flow[Secret | None]:
    """Return a token, having that of another registration fetched where one is named."""
    if not isinstance(token, TokenOf):
        return token
    return Secret((yield NeedToken(token.registration_id)))
