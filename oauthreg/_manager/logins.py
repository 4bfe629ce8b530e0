"""Logins, introspection and revocation: each for one caller, as flows that any runner can drive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg import _login_flows as flows
from oauthreg._errors import AuthorizationError, SecretUnavailableError
from oauthreg._grants.authorization_code import AuthorizationRequest
from oauthreg._grants.callback import read_address
from oauthreg._grants.device_code import DeviceAuthorization
from oauthreg._grants.table import GRANTS
from oauthreg._manager.flights import CALLER_MARGIN
from oauthreg._manager.options import (
    checked_principal,
    checked_token,
    login_required,
    needs_principal,
    read_hidden,
)
from oauthreg._renewal.fetches import labels
from oauthreg._secret_values import Secret
from oauthreg.events import Introspected, LoggedIn, LoginNotKept, Revoked

if TYPE_CHECKING:
    from oauthreg._flow import Granted
    from oauthreg._manager.core import Core
    from oauthreg._masked import Hidden
    from oauthreg._registration import AuthorizedClient
    from oauthreg._renewal.fetches import TokenFetch
    from oauthreg._renewal.flight import Procedure
    from oauthreg._reports import Introspection


def authorization_request(
    core: Core, registration_id: str, redirect_uri: str | None
) -> Procedure[AuthorizationRequest]:
    """Begin a login by the browser."""
    fetch = _login_fetch(core, registration_id, None, login="browser")
    where = redirect_uri or fetch.registration.redirect_uri
    if not where:
        raise AuthorizationError(
            "a login by the browser needs an address to come back to",
            registration_id=fetch.name,
            hint="Pass redirect_uri=, or set the registration's redirect-uri.",
        )
    flow = flows.authorization_request(fetch, core.flights.inputs(fetch), where)
    return (yield from core.flights.private(fetch, flow))


def complete(
    core: Core,
    registration_id: str,
    callback_url: Hidden,
    request: Hidden,
    principal: str,
) -> Procedure[AuthorizedClient]:
    """End a login by the browser, and keep its tokens."""
    who = checked_principal(principal)
    fetch = _login_fetch(core, registration_id, who, login="browser")
    began = read_hidden(AuthorizationRequest.from_mapping, request)
    callback = read_hidden(read_address, callback_url)
    flow = flows.complete(fetch, core.flights.inputs(fetch), began, callback)
    granted = yield from core.flights.private(fetch, flow)
    return (yield from _logged_in(core, fetch, granted))


def device_authorization(core: Core, registration_id: str) -> Procedure[DeviceAuthorization]:
    """Begin a login on another device."""
    fetch = _login_fetch(core, registration_id, None, login="device")
    flow = flows.device_authorization(fetch, core.flights.inputs(fetch))
    return (yield from core.flights.private(fetch, flow))


def poll(
    core: Core, registration_id: str, device: Hidden, principal: str
) -> Procedure[AuthorizedClient]:
    """Wait for a login on another device, and keep its tokens."""
    who = checked_principal(principal)
    fetch = _login_fetch(core, registration_id, who, login="device")
    began = read_hidden(DeviceAuthorization.from_mapping, device)
    seconds = max(began.expires_at - core.clocks.wall(), 0.0) + CALLER_MARGIN
    flow = flows.poll(fetch, core.flights.inputs(fetch), began)
    granted = yield from core.flights.private(fetch, flow, seconds)
    return (yield from _logged_in(core, fetch, granted))


def introspect(
    core: Core, registration_id: str, token_value: Hidden, principal: str | None
) -> Procedure[Introspection]:
    """Ask about a token."""
    token = checked_token(token_value)
    fetch = _token_fetch(core, registration_id, token, principal)
    if token is None:
        options = {} if principal is None else {"principal": principal}
        client = yield from core.authorize(fetch.name, options)
        token = Secret(client.access_token.token_value)
    flow = flows.introspect(fetch, core.flights.inputs(fetch), token)
    answer = yield from core.flights.private(fetch, flow)
    core.events.publish(Introspected(active=answer["active"], **labels(fetch)))
    return answer


def revoke(
    core: Core, registration_id: str, token_value: Hidden, principal: str | None
) -> Procedure[None]:
    """Drop tokens here, then have the server end them; the first failure is raised at the end."""
    token = checked_token(token_value)
    fetch = _token_fetch(core, registration_id, token, principal)
    sharing = core.flights.shared_by(fetch) if token is None else None
    if sharing is not None:
        yield from core.flights.private(fetch, sharing.load_tokens(fetch))
    tokens = core.records.current_tokens(fetch) if token is None else [(token, None)]
    for one, _ in tokens:
        core.records.forget_token(one)
    if sharing is not None:
        yield from core.flights.private(fetch, sharing.end_tokens(fetch))
    failure = None
    for one, kind in tokens:
        error = yield from _revoke_one(core, fetch, one, kind)
        failure = failure or error
        core.events.publish(Revoked(error=error, **labels(fetch)))
    if failure is not None:
        raise failure.copy()  # listeners have the other one, and keep no frame alive by it


def _revoke_one(
    core: Core, fetch: TokenFetch, token: Secret, kind: str | None
) -> Procedure[AuthorizationError | None]:
    flow = flows.revoke(fetch, core.flights.inputs(fetch), token, kind)
    try:
        yield from core.flights.private(fetch, flow)
    except AuthorizationError as error:
        return error.copy()
    return None


def _token_fetch(
    core: Core, registration_id: str, token: Secret | None, principal: str | None
) -> TokenFetch:
    """Return the fetch of who asks about a token; the user of one that is not given is needed."""
    core.check_open()
    if principal is not None:
        checked_principal(principal)
    resolved = core.registry.find(registration_id)
    registration = resolved.registration
    named = principal or registration.principal
    if core.registry.fixed_token(registration.registration_id) is not None:
        raise AuthorizationError(
            "a fixed token stands for its tokens, so that nothing is sent to its server",
            registration_id=registration.registration_id,
            hint="Unset OAUTHREG_FIXED_TOKENS.",
        )
    if token is None and named is None and needs_principal(registration):
        raise login_required(registration)
    return core.fetch(resolved, registration, principal)


def _login_fetch(
    core: Core, registration_id: str, principal: str | None, *, login: str
) -> TokenFetch:
    """Return the fetch of the tokens that a login is for.

    Raises:
        AuthorizationError: the registration's grant begins with no such login.
    """
    core.check_open()
    resolved = core.registry.find(registration_id)
    registration = resolved.registration
    grant = GRANTS[registration.authorization_grant_type]
    if grant.login != login:
        wanted = "device_code" if login == "device" else "authorization_code"
        raise AuthorizationError(
            f"its grant is {grant.setting}, which begins with no such login",
            registration_id=registration.registration_id,
            hint=f"Set authorization-grant-type to {wanted}.",
        )
    return core.fetch(resolved, registration, principal)


def _logged_in(core: Core, fetch: TokenFetch, granted: Granted) -> Procedure[AuthorizedClient]:
    """Keep what a login granted, in the store too, and return its client."""
    now = core.clocks.now()
    cached, events = fetch.to_cached(granted, now, now, spread=core.clocks.random())
    core.records.log_in(fetch, cached)
    sharing = core.flights.shared_by(fetch)
    if sharing is not None:
        try:
            yield from core.flights.private(fetch, sharing.keep_login(fetch, cached))
        except SecretUnavailableError as error:
            events = (*events, LoginNotKept(reason=error.message, **labels(fetch)))
    for event in (*events, LoggedIn(**labels(fetch))):
        core.events.publish(event)
    return fetch.client(cached)
