"""The authorization code grant (RFC 6749 section 4.1) with PKCE, state, nonce and issuer checks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from oauthreg._errors import AuthorizationError, CallbackError, InvalidTokenResponseError
from oauthreg._grants.pending_login import Mappable
from oauthreg._protocol.authorization_url import authorization_url, code_challenge
from oauthreg._protocol.hints import LOG_IN_AGAIN
from oauthreg._protocol.refusals import refusal
from oauthreg._protocol.requests import (
    endpoint,
    request_to,
    token_request,
    wanted,
    with_client_id,
)
from oauthreg._protocol.text import json_object
from oauthreg._transports import address

if TYPE_CHECKING:
    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Hooks, PluginContext
    from oauthreg._secret_values import Secret

PUSH = "pushed-authorization-request-uri"
PUSH_ENDPOINT = "the pushed authorization request endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest(Mappable):
    """One login, from its start to its callback: keep it where only this browser's user has it.

    `to_mapping` and `from_mapping` make it fit for a session. Use it once.

    Attributes:
        url: Where to send the browser.
        registration_id: The registration that was asked for.
        redirect_uri: Where the browser comes back to.
        state: What the callback must carry (RFC 6749 section 10.12).
        nonce: What the id_token must carry, if the scope has openid.
        code_verifier: The secret of PKCE (RFC 7636).
        issuer: The issuer that must answer (RFC 9207), if it is known.
        iss_required: Whether its metadata says that every callback names the issuer.
        response_type: `code`, or `token` for the implicit grant.
    """

    url: str = field(repr=False)
    registration_id: str
    redirect_uri: str
    state: str = field(repr=False)
    nonce: str | None = field(repr=False)
    code_verifier: str = field(repr=False)
    issuer: str | None = None
    iss_required: bool = False
    response_type: str = "code"


def begin(
    context: PluginContext, hooks: Hooks, *, redirect_uri: str, response_type: str = "code"
) -> Flow[AuthorizationRequest]:
    """Make an authorization request; pushed first (RFC 9126) where the server takes that.

    Args:
        context: The login.
        hooks: The provider plugin.
        redirect_uri: Where the browser comes back to.
        response_type: `code`, or `token` for the implicit grant.

    Raises:
        AuthorizationError: there is no authorization endpoint, redirect_uri is no address, the
            server supports too little for a safe login, or it refused the push.
    """
    registration = context.registration
    redirect_uri = _checked_redirect_uri(context, redirect_uri)
    verifier = context.new_id() + context.new_id()
    state = context.new_id()
    nonce = context.new_id() if "openid" in registration.scopes else None
    form = {
        "response_type": response_type,
        "redirect_uri": redirect_uri,
        "state": state,
        **({"nonce": nonce} if nonce else {}),
        **({"dpop_jkt": registration.prover.thumbprint} if registration.prover else {}),
    }
    if response_type == "code":
        _check_pkce(context)
        form |= {"code_challenge": code_challenge(verifier), "code_challenge_method": "S256"}
    where = endpoint(context, "authorization-uri")
    address.parse(where)  # a browser is sent there: https, or loopback, as for every request
    fields = (
        *registration.authorization_parameters.items(),
        *form.items(),
        *wanted(context, hooks),
    )
    push = _push_address(context)
    if push is None:
        query = [("client_id", registration.client_id), *fields]
    else:
        pushed = hooks.authenticate(context, request_to(context, push, fields))
        response = yield with_client_id(context, pushed)
        answer = json_object(response) or {}
        request_uri = answer.get("request_uri")
        if response.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
            raise refusal(response, now=context.now, endpoint=PUSH_ENDPOINT)
        if not isinstance(request_uri, str) or not request_uri.isprintable():
            raise InvalidTokenResponseError(
                f"{PUSH_ENDPOINT} answered {response.status} without a request_uri",
                status=response.status,
            )
        query = [("client_id", registration.client_id), ("request_uri", request_uri)]
    return AuthorizationRequest(
        url=authorization_url(where, query),
        registration_id=registration.registration_id,
        redirect_uri=redirect_uri,
        state=state,
        nonce=nonce,
        code_verifier=verifier,
        issuer=context.issuer,
        iss_required=context.metadata.get("authorization_response_iss_parameter_supported") is True,
        response_type=response_type,
    )


def redeem(
    context: PluginContext, hooks: Hooks, request: AuthorizationRequest, code: Secret
) -> Flow[Granted]:
    """Exchange the code for tokens (RFC 6749 section 4.1.3), once.

    Raises:
        AuthorizationError: the request cannot be made, or the server refused it.
    """
    value = code.get_secret_value()
    fields = [
        ("code", value),
        ("redirect_uri", request.redirect_uri),
        ("code_verifier", request.code_verifier),
    ]
    ask = token_request(context, hooks, "authorization_code", fields, scope=False, single_use=True)
    response = yield replace(ask, sensitive=(*ask.sensitive, value, request.code_verifier))
    return hooks.parse_response(context, response)


def no_code() -> CallbackError:
    """Return the error of a callback that has neither a code nor an error."""
    return CallbackError("the callback has no code", hint=LOG_IN_AGAIN)


def _checked_redirect_uri(context: PluginContext, template: str) -> str:
    """Return where the browser comes back to, `{registrationId}` and `{action}` filled in."""
    registration_id = context.registration.registration_id
    text = template.replace("{registrationId}", registration_id).replace("{action}", "login")
    try:
        parts = urlsplit(text)
        whole = bool(parts.netloc) if parts.scheme in ("http", "https") else bool(parts.scheme)
        usable = whole and "{" not in text and "#" not in text
    except ValueError:
        usable = False
    if not usable:
        raise AuthorizationError(
            f"the redirect-uri {text!r} is not an absolute address without a fragment",
            hint="Pass redirect_uri=, the address in your application that the browser comes back "
            f"to, or set registration.{registration_id}.redirect-uri.",
        )
    return text


def _check_pkce(context: PluginContext) -> None:
    """Refuse a server that lists its PKCE methods, and S256 is not among them (RFC 9700 2.1.1)."""
    listed = context.metadata.get("code_challenge_methods_supported")
    if isinstance(listed, list) and "S256" not in listed:
        raise AuthorizationError(
            "by its metadata the server does not support PKCE with S256, and without it a stolen "
            "code can be redeemed",
            hint="Switch PKCE (S256) on at the server.",
        )


def _push_address(context: PluginContext) -> str | None:
    """Return where the request is pushed; None where it is not.

    It is pushed where the settings or the server say so, and by every client that authenticates,
    if the server has an endpoint for it. A public client proves nothing by a push, and some servers
    refuse it.
    """
    registration = context.registration
    wish = registration.pushed_authorization_requests
    if wish is False:
        return None
    required = context.metadata.get("require_pushed_authorization_requests") is True
    configured = PUSH in registration.provider.endpoints
    if wish or required or configured:
        return endpoint(context, PUSH)
    confidential = registration.client_authentication_method != "none"
    return endpoint(context, PUSH) if confidential and PUSH in context.endpoints else None
