"""What an operator can do about a refusal, by its error code, the grant and the registration."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from oauthreg._protocol.assertions import ASSERTION_METHODS, audience_hint
from oauthreg._protocol.authentication import CERTIFICATE_METHODS, percent_encoded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg._errors import TokenEndpointError
    from oauthreg._protocol.context import PluginContext

LOG_IN_AGAIN = "Start the login again."
OUR_FAULT = "If it lasts, report it: oauthreg makes this part of the request itself."

CODES: Mapping[str, str] = {
    # RFC 6749 sections 4.1.2.1 and 5.2
    "invalid_request": "A parameter is missing, unknown or doubled: compare {path}.parameters, "
    "audience and resource with the server's documentation.",
    "unauthorized_client": "Client {client} may not use the grant {grant}: allow it in the "
    "client's settings at the server.",
    "unsupported_grant_type": "The server does not offer the grant {grant}: enable it there, or "
    "set {path}.authorization-grant-type to one that it offers.",
    "unsupported_response_type": "The server does not offer this kind of login to the client: "
    "allow the grant {grant} in the client's settings at the server.",
    "invalid_scope": "Check {path}.scope: each scope must exist at the server and be allowed for "
    "client {client}.",
    "access_denied": "The server's policy, or the user, denies it: check what client {client} may "
    "ask for.",
    "server_error": "A fault of the server, or a credential that it does not like.",
    "temporarily_unavailable": "The server is overloaded or in maintenance.",
    # RFC 6750, 7009, 7591, 8628, 8707, 9126, 9396, 9449, 9470
    "invalid_token": "The token that was sent has ended, was revoked, or is of another issuer.",
    "insufficient_scope": "Check {path}.scope: the server wants more for this request.",
    "unsupported_token_type": "The server cannot revoke tokens of this type.",
    "authorization_pending": "The user has not finished the login yet.",
    "slow_down": "It was polled too often.",
    "expired_token": f"The device code ended before the user had logged in. {LOG_IN_AGAIN}",
    "invalid_target": "Check {path}.audience and {path}.resource: the server must know each, and "
    "allow it for client {client}.",
    "invalid_request_uri": f"The pushed request has ended or was used. {LOG_IN_AGAIN}",
    "invalid_request_object": OUR_FAULT,
    "request_not_supported": OUR_FAULT,
    "request_uri_not_supported": "Set {path}.pushed-authorization-requests = false.",
    "invalid_authorization_details": "Check {path}.authorization-details: the server must know "
    "their type and allow it for client {client}.",
    "invalid_dpop_proof": "Check this machine's clock, and that the server supports the algorithm "
    "of {path}.dpop-key-file.",
    "use_dpop_nonce": "The server wants its nonce in the DPoP proof, and has given none that it "
    f"takes. {OUR_FAULT}",
    "insufficient_user_authentication": "The server wants a stronger or newer login. "
    f"{LOG_IN_AGAIN}",
    # OpenID Connect Core 1.0 section 3.1.2.6
    "interaction_required": LOG_IN_AGAIN,
    "login_required": LOG_IN_AGAIN,
    "account_selection_required": LOG_IN_AGAIN,
    "consent_required": f"The user has to consent, or an administrator for all. {LOG_IN_AGAIN}",
    "registration_not_supported": OUR_FAULT,
}
"""Hints by the registered error codes; those of invalid_client and invalid_grant are made."""

NO_LONGER_TAKEN = "The server no longer takes what was sent."
INVALID_GRANT: Mapping[str, str] = {
    "authorization_code": "The code has ended, was used, or belongs to another client or "
    f"redirect_uri. {LOG_IN_AGAIN}",
    "refresh_token": "The refresh token has ended, was revoked or was used before: log in again, "
    "or set {path}.refresh-token anew.",
    "urn:ietf:params:oauth:grant-type:device_code": f"The device code has ended. {LOG_IN_AGAIN}",
    "password": "Check {path}.username and {path}.password.",
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "Check what the assertion says: issuer, "
    "subject, audience ({path}.assertion-audience), this machine's clock, and the key that the "
    "server knows.",
    "urn:ietf:params:oauth:grant-type:token-exchange": "The subject token (or actor token) has "
    "ended, was revoked, or is not one that client {client} may exchange.",
}
"""Hints for invalid_grant by the `grant_type` that was sent."""

OVERLOADED = "The server is overloaded, in maintenance or down."
STATUSES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "Compare {path} with what the server allows for client {client}: the "
    "grant {grant}, the scope, the audience.",
    HTTPStatus.NOT_FOUND: "Is it the right address for {endpoint}? Some servers answer 404 for a "
    "client-id that they do not know.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Is it the right address for {endpoint}?",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The server takes no form here. Is it the right address "
    "for {endpoint}?",
    HTTPStatus.TOO_MANY_REQUESTS: "The server limits the rate of requests.",
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "A proxy wants a user name and password: put them "
    "into http.{http}.proxy, or into the variable https_proxy.",
    HTTPStatus.BAD_GATEWAY: OVERLOADED,
    HTTPStatus.SERVICE_UNAVAILABLE: OVERLOADED,
    HTTPStatus.GATEWAY_TIMEOUT: OVERLOADED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is too large for the server: an assertion "
    "or token in it, perhaps.",
}


TRANSIENT = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


def refusal_hint(
    error: TokenEndpointError,
    context: PluginContext,
    *,
    grant_type: str | None = None,
    endpoint: str = "token-uri",
) -> str | None:
    """Return what an operator can do about a refusal.

    Args:
        error: The refusal.
        context: The attempt that was refused.
        grant_type: The `grant_type` of the request, if it had one.
        endpoint: The setting's name of the address that refused.
    """
    grant = grant_type or context.registration.authorization_grant_type
    parts = [credential_hint(context)] if error.credential_refused else []
    if error.error == "invalid_grant":
        parts.append(_filled(INVALID_GRANT.get(grant, NO_LONGER_TAKEN), context, grant))
    elif error.error is not None and error.error in CODES:
        parts.append(_filled(CODES[error.error], context, grant))
    elif error.status in STATUSES and not parts:
        where = f"provider.{context.registration.provider.name}.{endpoint}"
        parts.append(_filled(STATUSES[error.status], context, grant, endpoint=where))
    elif error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        parts.append(CODES["server_error"])
    elif not parts:
        parts.append(_filled(STATUSES[HTTPStatus.BAD_REQUEST], context, grant))
    return " ".join(parts) or None


def code_hint(context: PluginContext, code: str) -> str:
    """Return what an operator can do about an error code of an authorization response."""
    grant = context.registration.authorization_grant_type
    return _filled(CODES[code], context, grant) if code in CODES else LOG_IN_AGAIN


def status_hint(status: int) -> str | None:
    """Return what a transient status suggests, whatever was asked."""
    return STATUSES[status] if status in TRANSIENT else None


def _filled(template: str, context: PluginContext, grant: str, **fields: str) -> str:
    registration = context.registration
    path = f"registration.{registration.registration_id}"
    http = registration.http.name
    return template.format(
        path=path, client=registration.client_id, grant=grant, http=http, **fields
    )


def credential_hint(context: PluginContext) -> str:
    """Return what to check when the server refuses the client's credential."""
    registration = context.registration
    path = f"registration.{registration.registration_id}"
    method = registration.client_authentication_method
    if method in ASSERTION_METHODS:
        return f"Check {path}.client-id. {audience_hint(context)}"
    if method in CERTIFICATE_METHODS:
        return (
            f"Check {path}.client-id and certificate-file: the server must know this certificate "
            "for the client."
        )
    if method == "none":
        return (
            f"Check {path}.client-id. If the server wants a credential of this client, set "
            "client-secret or another one."
        )
    check = f"Check {path}.client-id, client-secret and client-authentication-method ({method})."
    return " ".join(filter(None, (check, _encoding_hint(context))))


def _encoding_hint(context: PluginContext) -> str | None:
    """Return what to try with a secret that servers decode in different ways."""
    registration = context.registration
    if registration.client_authentication_method != "client_secret_basic" or context.secret is None:
        return None
    values = (registration.client_id, context.secret.get_secret_value())
    if all(percent_encoded(value) == value for value in values):
        return None
    other = "raw" if registration.basic_encoding == "form" else "form"
    return (
        "The id or secret has characters that servers decode in different ways: "
        f'try basic-encoding = "{other}", or client-authentication-method = "client_secret_post".'
    )
