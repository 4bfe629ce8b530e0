"""The flow of one token flight: addresses, credential, the grant's own flow, and its one retry.

A flight is one token request. Inside it only: a changed or further secret, a nonce that the server
asks for, the other audience of a refused assertion, and one more try of a transient failure while
callers wait without a valid token.
"""

from __future__ import annotations

import traceback
from collections.abc import Generator
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from oauthreg._dpop import AUTHORIZATION_SERVER
from oauthreg._errors import (
    AuthorizationError,
    LoginRequiredError,
    PluginFailedError,
    SecretUnavailableError,
    TokenEndpointError,
)
from oauthreg._flow import NeedToken, Pause, ReadSecret, Step, TokenRequest
from oauthreg._grants.table import GRANTS
from oauthreg._protocol.assertions import has_second_audience, refuses_assertion
from oauthreg._protocol.authentication import credential_sources
from oauthreg._protocol.binding import read_certificate
from oauthreg._protocol.explain import Exchanged, explained
from oauthreg._protocol.responses import checked
from oauthreg._renewal.fetches import labels
from oauthreg._renewal.flow_inputs import prepare
from oauthreg._secret_values import Secret, TokenOf
from oauthreg._sources.tree import canonical
from oauthreg.events import AudienceFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._dpop import Prover
    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import PluginContext
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.flow_inputs import FlowInputs
    from oauthreg._secret_values import Readable
T = TypeVar("T")
SHORTEST_PAUSE = 0.1
PAUSE_SPREAD = 0.2
_LOGIN_METHODS = {
    "browser": ("authorization_request", "complete"),
    "device": ("device_authorization", "poll"),
}
MOST_REQUESTS = 10  # of a plugin's flow
SECRET_READS = 2  # of one source: it may have changed since the server refused its first value
_SETTINGS = {"secret": "client-secret", "assertion": "assertion", "signing_key": "private-key"}


def token_flow(fetch: TokenFetch, inputs: FlowInputs) -> Flow[Granted]:
    """Fetch a token: the whole of one flight.

    Raises:
        AuthorizationError: it failed.
    """

    def plugin_flow(context: PluginContext) -> Flow[Granted]:
        granted = fetch.plugin.local_token(context)
        if granted is None:
            granted = yield from _bounded(fetch.plugin.flow(context), context)
        return checked(granted)

    _check_login(fetch, inputs)
    context = yield from prepare(fetch, inputs)
    granted = yield from authenticated(fetch, inputs, context, plugin_flow)
    yield from read_certificate(fetch.registration, granted)
    return granted


def _bounded(flow: Flow[T], context: PluginContext) -> Flow[T]:
    """Pass the steps of a plugin's flow on: few requests, and no need of its own token."""
    if not isinstance(flow, Generator):
        raise _misused("a flow must be a generator: it has to yield its request")
    own, requests = context.registration.registration_id, 0
    try:
        step = next(flow)
        while True:
            requests += isinstance(step, TokenRequest)
            if requests > MOST_REQUESTS:
                raise _misused(f"a flow may not send more than {MOST_REQUESTS} requests")
            if isinstance(step, NeedToken) and canonical(step.registration_id) == own:
                raise _misused(f"a flow may not need the token that it has to get: {own} -> {own}")
            try:
                answer = yield step
            except AuthorizationError as error:
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()


def _check_login(fetch: TokenFetch, inputs: FlowInputs) -> None:
    """Refuse a user who has not logged in, before anything is sent."""
    registration = fetch.registration
    grant = GRANTS[registration.authorization_grant_type]
    if grant.login is None or registration.refresh_token is not None:
        return
    if inputs.chain is None or inputs.chain.usable() is None:
        begin, end = _LOGIN_METHODS[grant.login]
        ended = inputs.chain is not None and inputs.chain.has_ended
        raise LoginRequiredError(
            f"the login of {fetch.principal!r} has ended: by a logout, or since the server takes "
            "its refresh token no more"
            if ended
            else f"nobody has logged in as {fetch.principal!r} by the grant {grant.setting}",
            hint=f"Have them log in: `{begin}` and `{end}`; or, with a store, `oauthreg login`.",
        )


def authenticated(
    fetch: TokenFetch,
    inputs: FlowInputs,
    context: PluginContext,
    make: Callable[[PluginContext], Flow[T]],
) -> Flow[T]:
    """Run a flow with the registration's credential, and with the next one if it is refused.

    Raises:
        AuthorizationError: no credential is available or accepted, or the flow failed.
    """
    name, sources = credential_sources(context.registration)
    client, failure = fetch.failure_scopes.client, inputs.prior_failure
    first = inputs.working.get(client, 0)
    for number in sorted(range(len(sources)), key=lambda n: n != first):
        source = sources[number]
        if inputs.prior_failure is not None and not source.local:
            continue
        for _ in range(SECRET_READS):
            try:
                credential = yield from _read(source, _SETTINGS[name])
            except SecretUnavailableError as error:
                failure = failure or error
                break
            if credential in inputs.refused:
                break
            try:
                ready = replace(context, **{name: credential})
                result = yield from _attempts_with(credential, fetch, inputs, ready, make)
            except TokenEndpointError as error:
                if not error.credential_refused or inputs.told_to_wait():
                    raise
                failure = error
                inputs.refused.add(credential)
            else:
                _note_working(inputs, client, number)
                return result
    if failure is not None:
        raise failure
    return (yield from attempts(fetch, inputs, context, make))


def _read(source: Readable, setting: str) -> Flow[Any]:
    """Return a credential as it is now: a secret, a key, or another registration's token."""
    credential = yield ReadSecret(source, setting)
    if isinstance(credential, TokenOf):
        return Secret((yield NeedToken(credential.registration_id)))
    return credential


def _attempts_with(
    credential: object,
    fetch: TokenFetch,
    inputs: FlowInputs,
    context: PluginContext,
    make: Callable[[PluginContext], Flow[T]],
) -> Flow[T]:
    """Run a flow with one credential, unless another process was just refused with it."""
    yield from inputs.refusals.check(credential)
    try:
        return (yield from attempts(fetch, inputs, context, make))
    except TokenEndpointError as error:
        if error.credential_refused:
            yield from inputs.refusals.note(credential, error)
        raise


def _note_working(inputs: FlowInputs, client: str, number: int) -> None:
    """Begin with this credential next time: servers count and log refused ones."""
    if number:
        inputs.working[client] = number
    else:
        inputs.working.pop(client, None)


def attempts(
    fetch: TokenFetch,
    inputs: FlowInputs,
    context: PluginContext,
    make: Callable[[PluginContext], Flow[T]],
) -> Flow[T]:
    """Run a flow; if a signed assertion is refused, once more with the other audience.

    Raises:
        AuthorizationError: what failed, explained, and without anything secret.
    """
    if not has_second_audience(context):
        return (yield from _attempts(fetch, inputs, context, make))
    by_token_uri = fetch.provider in inputs.token_uri_audiences
    contexts = [context, _for_token_uri(context)]
    first, second = reversed(contexts) if by_token_uri else contexts
    try:
        return (yield from _attempts(fetch, inputs, first, make))
    except TokenEndpointError as error:
        if not refuses_assertion(context, error) or inputs.told_to_wait():
            raise
        failure = error.copy(hint=f"{error.hint} The server refused both of these audiences.")
    try:
        result = yield from _attempts(fetch, inputs, second, make)
    except TokenEndpointError as error:
        if not refuses_assertion(context, error):
            raise
    else:
        _note_audience(fetch, inputs, by_token_uri=not by_token_uri)
        return result
    raise failure


def _for_token_uri(context: PluginContext) -> PluginContext:
    registration = context.registration.with_options(assertion_audience="token-uri")
    return replace(context, registration=registration)


def _note_audience(fetch: TokenFetch, inputs: FlowInputs, *, by_token_uri: bool) -> None:
    """Begin with this audience next time."""
    if by_token_uri:
        inputs.token_uri_audiences.add(fetch.provider)
        inputs.publish(AudienceFound(audience="token-uri", **labels(fetch)))
    else:
        inputs.token_uri_audiences.discard(fetch.provider)


def _attempts(
    fetch: TokenFetch,
    inputs: FlowInputs,
    context: PluginContext,
    make: Callable[[PluginContext], Flow[T]],
) -> Flow[T]:
    """Run a flow, and if its failure allows it, make it anew and run it once more."""
    try:
        return (yield from _attempt(fetch, inputs, context, make))
    except AuthorizationError as error:
        if not _may_retry(error, inputs, context):
            raise
        at_once = _wants_nonce(error)
    if not at_once:
        yield Pause(SHORTEST_PAUSE + PAUSE_SPREAD * inputs.random())
    return (yield from _attempt(fetch, inputs, context, make))


def _may_retry(error: AuthorizationError, inputs: FlowInputs, context: PluginContext) -> bool:
    """Whether a failure is worth one more try now.

    Never where the server asked to wait, and never with a refresh token that it may have taken.
    """
    if _wants_nonce(error):
        return context.registration.prover is not None
    status = error.status if isinstance(error, TokenEndpointError) else None
    throttled = error.retry_after is not None or status == HTTPStatus.TOO_MANY_REQUESTS
    once = context.refresh_token is not None
    return error.retryable and not throttled and not once and inputs.may_retry()


def _wants_nonce(error: AuthorizationError) -> bool:
    """Whether the server wants the nonce that it just sent in the proof (RFC 9449 section 8)."""
    return isinstance(error, TokenEndpointError) and error.error == "use_dpop_nonce"


def _attempt(
    fetch: TokenFetch,
    inputs: FlowInputs,
    base: PluginContext,
    make: Callable[[PluginContext], Flow[T]],
) -> Flow[T]:
    """Run a flow once, in a context of its own, and explain its failure."""
    context = replace(base, now=inputs.wall())
    exchanged = Exchanged(context, fetch.plugin)
    failure: Exception
    try:
        link_local = fetch.plugin.link_local
        return (yield from _watched(make(context), context, exchanged, link_local=link_local))
    except AuthorizationError as error:
        failure = error
        if context.refresh_token is not None and getattr(error, "error", None) == "invalid_grant":
            _refuse(inputs, context.refresh_token)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        failure = _plugin_failed(fetch, error)
    if isinstance(failure, PluginFailedError):
        raise failure
    try:
        failure = explained(failure, context, fetch.plugin, exchanged)
    except Exception as error:  # noqa: BLE001 - and so may its explain_error
        failure = _plugin_failed(fetch, error)
    raise failure


def _refuse(inputs: FlowInputs, refresh_token: Secret) -> None:
    if inputs.chain is not None:
        inputs.chain.refuse(refresh_token)


def _plugin_failed(fetch: TokenFetch, error: Exception) -> PluginFailedError:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return PluginFailedError(
        f"provider plugin {fetch.registration.provider.type!r} raised "
        f"{type(error).__name__} in {frame.name}, line {frame.lineno}",
        exception=error.with_traceback(None),
    )


def _watched(
    flow: Flow[T], context: PluginContext, exchanged: Exchanged, *, link_local: bool
) -> Flow[T]:
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
                step = replace(step, link_local=link_local)
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
