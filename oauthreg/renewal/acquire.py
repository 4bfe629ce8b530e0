"""How a flight gets its token: addresses, credential, the grant, and what a failure may try again.

One flow for both managers. A flight is one token request; inside it only a changed or further
secret, and one more try of a transient failure while somebody waits with nothing in hand.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from oauthreg import discovery
from oauthreg.errors import (
    AuthorizationError,
    PluginFailedError,
    SecretUnavailableError,
    TokenEndpointError,
)
from oauthreg.protocol.authentication import USES_SECRET, advertised_method, encoding_hint
from oauthreg.protocol.context import PluginContext
from oauthreg.protocol.responses import checked, scrubbed
from oauthreg.wire import NOTHING, NeedMetadata, Pause, ReadSecret, TokenRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from oauthreg.renewal.orders import TokenOrder
    from oauthreg.secret_values import Secret, SecretSource
    from oauthreg.wire import Flow, Granted

SHORTEST_PAUSE = 0.1
PAUSE_SPREAD = 0.2
TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a flow may know of the world around its flight.

    Attributes:
        wall: Seconds since the epoch.
        random: A number in [0, 1).
        waited: Whether somebody waits with no valid token in hand.
    """

    wall: Callable[[], float]
    random: Callable[[], float]
    waited: Callable[[], bool]


def acquire(order: TokenOrder, around: Surroundings) -> Flow[Granted]:
    """Get a token: the whole of one flight.

    Raises:
        AuthorizationError: there is none to be had now.
    """
    context = yield from _context(order, around)
    if context.registration.client_authentication_method not in USES_SECRET:
        return (yield from _attempts(order, around, context, None))
    refused: set[Secret] = set()
    failure: AuthorizationError | None = None
    for source in _twice(order.registration.client_secrets):
        try:
            secret = yield ReadSecret(source)
        except SecretUnavailableError as error:
            failure = failure or error
            continue
        if secret in refused:
            continue
        try:
            return (yield from _attempts(order, around, context, secret))
        except TokenEndpointError as error:
            if error.error != "invalid_client":
                raise
            failure = error
            refused.add(secret)
    if failure is not None:
        raise failure
    return (yield from _attempts(order, around, context, None))


def _twice(sources: tuple[SecretSource, ...]) -> Iterator[SecretSource]:
    """Give each source again after its first value was refused: it may have changed meanwhile."""
    for source in sources:
        yield source
        yield source


def _context(order: TokenOrder, around: Surroundings) -> Flow[PluginContext]:
    """Settle addresses and client authentication: settings, else plugin, else metadata."""
    registration = order.registration
    details = registration.provider
    endpoints = dict(details.endpoints)
    method = registration.client_authentication_method
    metadata: Mapping[str, Any] = NOTHING
    discoverable = details.issuer_uri is not None or "metadata-uri" in endpoints
    if "token-uri" not in endpoints and discoverable:
        metadata = yield NeedMetadata()
        endpoints = {**dict(discovery.endpoints(metadata)), **endpoints}
    if method is None:
        registration = registration.with_options(
            client_authentication_method=advertised_method(registration, metadata)
        )
    return PluginContext(
        registration=registration,
        endpoints=endpoints,
        issuer=details.issuer_uri,
        metadata=metadata,
        now=around.wall(),
        new_id=lambda: uuid4().hex,
        principal=order.principal,
        subject_token=order.subject_token,
        actor_token=order.actor_token,
    )


def _attempts(
    order: TokenOrder, around: Surroundings, context: PluginContext, secret: Secret | None
) -> Flow[Granted]:
    try:
        return (yield from _attempt(order, around, context, secret))
    except AuthorizationError as error:
        status = error.status if isinstance(error, TokenEndpointError) else None
        told_to_wait = error.retry_after is not None or status == TOO_MANY_REQUESTS
        if not error.retryable or told_to_wait or not around.waited():
            raise
    yield Pause(SHORTEST_PAUSE + PAUSE_SPREAD * around.random())
    return (yield from _attempt(order, around, context, secret))


def _attempt(
    order: TokenOrder, around: Surroundings, base: PluginContext, secret: Secret | None
) -> Flow[Granted]:
    """Run the plugin's flow once, in a context of its own, and name whatever fails."""
    context = replace(base, now=around.wall(), secret=secret)
    sent: list[TokenRequest] = []
    try:
        return checked((yield from _watched(order.plugin.flow(context), sent)))
    except AuthorizationError as error:
        raise _explained(order, context, error, sent) from None
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise PluginFailedError(
            f"provider plugin {order.registration.provider.type!r} raised "
            f"{type(error).__name__} in {frame.name}, line {frame.lineno}",
            exception=error.with_traceback(None),
        ) from None


def _watched(flow: Flow[Granted], sent: list[TokenRequest]) -> Flow[Granted]:
    """Pass a flow's steps on, and note its requests."""
    try:
        step = next(flow)
        while True:
            if isinstance(step, TokenRequest):
                sent.append(step)
            try:
                answer = yield step
            except AuthorizationError as error:
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        granted: Granted = stop.value
        return granted
    finally:
        flow.close()


def _explained(
    order: TokenOrder, context: PluginContext, error: AuthorizationError, sent: list[TokenRequest]
) -> AuthorizationError:
    changes: dict[str, Any] = {}
    if isinstance(error, TokenEndpointError):
        explanation = order.plugin.explain_error(error)
        if explanation is not None:
            changes["hint"] = explanation.hint
            if explanation.retryable is not None:
                changes["retryable"] = explanation.retryable
            if explanation.retry_after is not None:
                changes["retry_after"] = explanation.retry_after
        elif error.status == 401 or error.error == "invalid_client":  # noqa: PLR2004 - Unauthorized
            hint = encoding_hint(context)
            if hint:
                changes["hint"] = hint
    if sent:
        changes["endpoint"] = error.endpoint or sent[-1].url.partition("?")[0]
    sensitive = tuple(value for request in sent for value in request.sensitive)
    return scrubbed(error.copy(**changes), sensitive)
