"""The authorization code grant (RFC 6749 section 4.1) with PKCE, state, nonce and issuer checks."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from oauthreg._errors import CallbackError
from oauthreg._protocol.pkce import code_challenge
from oauthreg._protocol.requests import described_request, endpoint, token_request
from oauthreg._protocol.responses import json_object, refusal
from oauthreg._transports import address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Hooks, PluginContext


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """One login, from its start to its callback: keep it where only this browser's user has it.

    Attributes:
        url: Where to send the browser.
        registration_id: Whose login it is.
        redirect_uri: Where the browser comes back to.
        state: What the callback must carry (RFC 6749 section 10.12).
        nonce: What the id_token must carry, if the scope asks for one.
        code_verifier: The secret of PKCE (RFC 7636).
        issuer: Who must answer (RFC 9207), if that is known.
        response_type: `code`, or `token` for the implicit grant.
    """

    url: str
    registration_id: str
    redirect_uri: str
    state: str
    nonce: str | None
    code_verifier: str = field(repr=False)
    issuer: str | None = None
    response_type: str = "code"


def begin(
    context: PluginContext, hooks: Hooks, *, redirect_uri: str, response_type: str = "code"
) -> Flow[AuthorizationRequest]:
    """Make an authorization request; pushed first (RFC 9126) where the server takes that.

    Raises:
        AuthorizationError: there is no authorization endpoint, or the push was refused.
    """
    registration = context.registration
    verifier = context.new_id() + context.new_id()
    state = context.new_id()
    nonce = context.new_id() if "openid" in registration.scopes else None
    form = {
        "response_type": response_type,
        "redirect_uri": redirect_uri,
        "state": state,
        **({"nonce": nonce} if nonce else {}),
    }
    if response_type == "code":
        form |= {"code_challenge": code_challenge(verifier), "code_challenge_method": "S256"}
    where = endpoint(context, "authorization-uri")
    address.parse(where)  # a browser is sent there: https, or loopback, as for every request
    push = _push_address(context)
    if push is None:
        request = described_request(context, hooks, where, form.items())
        fields = [("client_id", registration.client_id), *request.form]
    else:
        request = hooks.authenticate(context, described_request(context, hooks, push, form.items()))
        if "client_id" not in dict(request.form):
            request = replace(request, form=(*request.form, ("client_id", registration.client_id)))
        response = yield request
        answer = json_object(response) or {}
        if response.status not in (200, 201) or not isinstance(answer.get("request_uri"), str):
            raise refusal(response, now=context.now)
        fields = [("client_id", registration.client_id), ("request_uri", answer["request_uri"])]
    glue = "&" if urlsplit(where).query else "?"
    return AuthorizationRequest(
        url=f"{where}{glue}{urlencode(fields)}",
        registration_id=registration.registration_id,
        redirect_uri=redirect_uri,
        state=state,
        nonce=nonce,
        code_verifier=verifier,
        issuer=context.issuer,
        response_type=response_type,
    )


def callback_fields(
    request: AuthorizationRequest, callback_url: str, metadata: Mapping[str, Any]
) -> Mapping[str, str]:
    """Return what the browser brought back, once it is sure that it belongs to the request.

    Raises:
        CallbackError: the state or the issuer (RFC 9207) differs, or the callback is an error.
    """
    parts = urlsplit(callback_url)
    text = parts.fragment if request.response_type == "token" else parts.query
    fields = dict(parse_qsl(text, keep_blank_values=True))
    if not hmac.compare_digest(fields.get("state", "").encode(), request.state.encode()):
        raise CallbackError("the callback's state is not the one of this login: start it again")
    issuer = fields.get("iss")
    promised = metadata.get("authorization_response_iss_parameter_supported") is True
    if (issuer or promised) and request.issuer is not None and issuer != request.issuer:
        raise CallbackError(
            f"the callback is from {issuer or 'nobody named'}, not from {request.issuer} (RFC 9207)"
        )
    if "error" in fields:
        description = fields.get("error_description", "")[:300]
        raise CallbackError(f"the login ended with {fields['error'][:100]} {description}".rstrip())
    return fields


def redeem(
    context: PluginContext, hooks: Hooks, request: AuthorizationRequest, code: str
) -> Flow[Granted]:
    """Exchange the code for tokens (RFC 6749 section 4.1.3), once.

    Raises:
        AuthorizationError: as the plugin's hooks and the answer say.
    """
    fields = [
        ("code", code),
        ("redirect_uri", request.redirect_uri),
        ("code_verifier", request.code_verifier),
    ]
    ask = token_request(context, hooks, "authorization_code", fields, scope=False, single_use=True)
    response = yield replace(ask, sensitive=(*ask.sensitive, code, request.code_verifier))
    return hooks.parse_response(context, response)


def _push_address(context: PluginContext) -> str | None:
    """Return where the request is pushed: where settings or server say so, or can tell who asks.

    A public client proves nothing by a push, and some servers refuse it.
    """
    name = "pushed-authorization-request-uri"
    told = name in context.registration.provider.endpoints
    required = context.metadata.get("require_pushed_authorization_requests") is True
    confidential = context.registration.client_authentication_method != "none"
    return context.endpoints.get(name) if told or required or confidential else None
