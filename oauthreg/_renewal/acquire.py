"""How a flight gets its token: addresses, credential, the grant, and what a failure may try again.

One flow for both managers. A flight is one token request; inside it only a changed or further
secret, and one more try of a transient failure while somebody waits with nothing in hand.
"""

from __future__ import annotations

import traceback
from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from oauthreg._dpop import AUTHORIZATION_SERVER
from oauthreg._errors import (
    AuthorizationError,
    PluginFailedError,
    SecretUnavailableError,
    TokenEndpointError,
)
from oauthreg._flow import Pause, ReadSecret, Step, TokenRequest
from oauthreg._protocol.authentication import credential_sources
from oauthreg._protocol.explain import Exchanged, explained
from oauthreg._protocol.responses import checked
from oauthreg._renewal.preparation import prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._dpop import Prover
    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import PluginContext
    from oauthreg._renewal.orders import TokenOrder
    from oauthreg._renewal.preparation import Surroundings

T = TypeVar("T")
SHORTEST_PAUSE = 0.1
PAUSE_SPREAD = 0.2
TOO_MANY_REQUESTS = 429
READS = 2  # of one secret: it may have changed since the server refused its first value


def acquire(order: TokenOrder, around: Surroundings) -> Flow[Granted]:
    """Get a token: the whole of one flight.

    Raises:
        AuthorizationError: there is none to be had now.
    """

    def plugin_flow(context: PluginContext) -> Flow[Granted]:
        return checked((yield from order.plugin.flow(context)))

    context = yield from prepare(order, around)
    return (yield from authenticated(order, around, context, plugin_flow))


def authenticated(
    order: TokenOrder,
    around: Surroundings,
    context: PluginContext,
    make: Callable[[PluginContext], Flow[T]],
) -> Flow[T]:
    """Run a flow with the registration's credential, and with the next one if it is refused.

    Raises:
        AuthorizationError: no credential is to be had or taken, or the flow failed otherwise.
    """
    name, sources = credential_sources(context.registration)
    failure = around.remembered
    for source in sources:
        if around.remembered is not None and not source.local:
            continue
        for _ in range(READS):
            try:
                credential = yield ReadSecret(source)
            except SecretUnavailableError as error:
                failure = failure or error
                break
            if credential in around.refused:
                break
            try:
                ready = replace(context, **{name: credential})
                return (yield from attempts(order, around, ready, make))
            except TokenEndpointError as error:
                if not error.credential_refused:
                    raise
                failure = error
                around.refused.add(credential)
    if failure is not None:
        raise failure
    return (yield from attempts(order, around, context, make))


def attempts(
    order: TokenOrder,
    around: Surroundings,
    context: PluginContext,
    make: Callable[[PluginContext], Flow[T]],
) -> Flow[T]:
    """Run a flow, and if its failure allows it, make it anew and run it once more.

    Raises:
        AuthorizationError: what failed last, explained, and without anything secret.
    """
    try:
        return (yield from _attempt(order, around, context, make))
    except AuthorizationError as error:
        if not _may_repeat(error, around, context):
            raise
        at_once = _wants_nonce(error)
    if not at_once:
        yield Pause(SHORTEST_PAUSE + PAUSE_SPREAD * around.random())
    return (yield from _attempt(order, around, context, make))


def _may_repeat(error: AuthorizationError, around: Surroundings, context: PluginContext) -> bool:
    """Whether a failure is worth one more try: a transient one, while somebody waits for it.

    Never where the server asked to wait, and never with a refresh token that it may have taken.
    """
    if _wants_nonce(error):
        return context.registration.prover is not None
    status = error.status if isinstance(error, TokenEndpointError) else None
    told_to_wait = error.retry_after is not None or status == TOO_MANY_REQUESTS
    once = context.refresh_token is not None
    return error.retryable and not told_to_wait and not once and around.waited()


def _wants_nonce(error: AuthorizationError) -> bool:
    """Whether the server wants its nonce in the proof, which it has just told (RFC 9449 8)."""
    return isinstance(error, TokenEndpointError) and error.error == "use_dpop_nonce"


def _attempt(
    order: TokenOrder,
    around: Surroundings,
    base: PluginContext,
    make: Callable[[PluginContext], Flow[T]],
) -> Flow[T]:
    """Run a flow once, in a context of its own, and name whatever fails."""
    context = replace(base, now=around.wall())
    exchanged = Exchanged(context, order.plugin)
    failure: Exception
    try:
        return (yield from _watched(make(context), context, exchanged))
    except AuthorizationError as error:
        failure = error
        if context.refresh_token is not None and getattr(error, "error", None) == "invalid_grant":
            around.spent.add(context.refresh_token)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        failure = _plugin_failed(order, error)
    if isinstance(failure, PluginFailedError):
        raise failure
    try:
        failure = explained(failure, context, order.plugin, exchanged)
    except Exception as error:  # noqa: BLE001 - and so may its explain_error
        failure = _plugin_failed(order, error)
    raise failure


def _plugin_failed(order: TokenOrder, error: Exception) -> PluginFailedError:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return PluginFailedError(
        f"provider plugin {order.registration.provider.type!r} raised "
        f"{type(error).__name__} in {frame.name}, line {frame.lineno}",
        exception=error.with_traceback(None),
    )


def _watched(flow: Flow[T], context: PluginContext, exchanged: Exchanged) -> Flow[T]:
    """Pass a flow's steps on, note its requests, and prove possession of the DPoP key in each."""
    prover = context.registration.prover
    if not isinstance(flow, Generator):
        raise _misused("a flow must be a generator: it has to yield its request")
    try:
        step = next(flow)
        while True:
            if not isinstance(step, Step):
                raise _misused(f"a flow may not yield {type(step).__name__}")
            if isinstance(step, TokenRequest):
                step = step if prover is None else _proven(step, prover, context)
            exchanged.note(step)
            try:
                answer = yield step
            except AuthorizationError as error:
                step = flow.throw(error)
            else:
                exchanged.note(step, answer)
                if prover is not None and isinstance(step, TokenRequest):
                    prover.note(step.url, answer.headers, role=AUTHORIZATION_SERVER)
                step = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()


def _misused(words: str) -> PluginFailedError:
    return PluginFailedError(words, exception=TypeError(words))


def _proven(request: TokenRequest, prover: Prover, context: PluginContext) -> TokenRequest:
    proof = prover.proof(
        request.method,
        request.url,
        now=context.now,
        new_id=context.new_id,
        role=AUTHORIZATION_SERVER,
    )
    return replace(request, headers=(*request.headers, ("DPoP", proof)))
