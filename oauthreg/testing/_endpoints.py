"""The endpoints, each by its name; and those beside the token endpoint in full."""
# mypy: allow-subclassing-any
# Authlib carries no types.

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import rfc6749, rfc7009, rfc7662, rfc8628
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error

from oauthreg.testing._dpop import proof_key, with_nonce
from oauthreg.testing._grants import register_grants
from oauthreg.testing._issuer import Issuer
from oauthreg.testing._metadata import metadata_document
from oauthreg.testing._openid import answer_user_info
from oauthreg.testing._parameters import IssuerRequest
from oauthreg.testing._records import Answer, DeviceRecord, TokenRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oauthreg.testing._records import RecordedRequest
    from oauthreg.testing._site import Site
    from oauthreg.testing._state import State

PUSHED_LIFETIME = 60


class Introspection(rfc7662.IntrospectionEndpoint):
    """What a token is worth (RFC 7662), told to every client that can prove who it is."""

    server: Issuer

    def check_params(self, request: IssuerRequest, *_: object) -> None:
        """A hint may be wrong or unknown (section 2.1), but there must be a token."""
        needs_token(request)

    def query_token(self, token_string: str, *_: object) -> TokenRecord | None:
        """The token of either kind."""
        return self.server.state.tokens.get(token_string)

    def check_permission(self, token: object, client: object, request: IssuerRequest) -> bool:  # noqa: ARG002 - as Authlib calls it
        """A public client could be anybody."""
        return bool(request.auth_method != "none")

    def introspect_token(self, token: TokenRecord) -> dict[str, Any]:
        """The answer for a live token (section 2.2)."""
        fields = {"active": True, "token_type": token.token_type, **self.server.describe(token)}
        return {**fields, "username": token.subject} if token.subject else fields


class Revocation(rfc7009.RevocationEndpoint):
    """The end of a token, by the client it was issued to (RFC 7009)."""

    server: Issuer

    def check_params(self, request: IssuerRequest, *_: object) -> None:
        """A hint may be wrong or unknown (section 2.1), but there must be a token."""
        needs_token(request)

    def query_token(self, token_string: str, *_: object) -> TokenRecord | None:
        """The token of either kind."""
        return self.server.state.tokens.get(token_string)

    def revoke_token(self, token: TokenRecord, *_: object) -> None:
        """End it; with a refresh token go the access tokens it brought."""
        token.revoked = True
        if token.kind == "refresh_token":
            self.server.state.revoke_family(token.family)


class DeviceAuthorization(rfc8628.DeviceAuthorizationEndpoint):
    """The beginning of a device's login (RFC 8628 section 3.1)."""

    server: Issuer

    @property
    def EXPIRES_IN(self) -> float:  # noqa: N802 - as Authlib names it
        """Seconds until the code expires."""
        return self.server.site.device_lifetime

    @property
    def INTERVAL(self) -> float:  # noqa: N802 - as Authlib names it
        """Seconds between two polls."""
        return self.server.site.device_interval

    def get_verification_uri(self) -> str:
        """Where the user goes."""
        return self.server.site.verification_uri

    def create_endpoint_response(
        self, request: IssuerRequest
    ) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Give out a device code and a user code."""
        request.check_no_repetition()
        request.check_target(self.server.site)
        status, data, headers = super().create_endpoint_response(request)
        device = self.server.state.devices[data["device_code"]]
        for name, value in request.target().items():
            setattr(device, name, value)
        return status, data, headers

    def save_device_credential(self, client_id: str, scope: str, data: Mapping[str, Any]) -> None:
        """Remember a device."""
        client = self.server.query_client(client_id)
        if not client or not client.check_grant_type(rfc8628.DEVICE_CODE_GRANT_TYPE):
            raise rfc6749.UnauthorizedClientError("the client may not use the device grant")
        allowed = client.get_allowed_scope(scope)
        if allowed is None:
            raise rfc6749.InvalidScopeError
        self.server.state.devices[data["device_code"]] = DeviceRecord(
            device_code=data["device_code"],
            user_code=data["user_code"],
            client_id=client_id,
            scope=allowed,
            expires_at=time.time() + data["expires_in"],
            interval=data["interval"],
        )


def needs_token(request: IssuerRequest) -> None:
    """Refuse a request without `token`."""
    request.check_no_repetition()
    if not request.form.get("token"):
        raise InvalidRequestError("token is missing")


class Endpoints:
    """Every OAuth2 endpoint by its name."""

    def __init__(self, site: Site, state: State) -> None:
        self._site = site
        self._state = state
        self._issuer = Issuer(site, state)
        register_grants(self._issuer)
        for endpoint in (Introspection, Revocation, DeviceAuthorization):
            self._issuer.register_endpoint(endpoint(self._issuer))
        user_info = partial(answer_user_info, site, state)
        self._posted: Mapping[str, Callable[[RecordedRequest], Answer]] = {
            "token": self._issuer.create_token_response,
            "introspection": self._registered("introspection"),
            "revocation": self._registered("revocation"),
            "device_authorization": self._registered("device_authorization"),
            "pushed_authorization_request": self._push,
            "user_info": user_info,
        }
        self._got: Mapping[str, Callable[[RecordedRequest], Answer]] = {
            "authorization": self._authorize,
            "verification": self._verify_device,
            "user_info": user_info,
            "jwk_set": lambda _: Answer.of_json(self._issuer.public_keys()),
            "metadata": self._metadata,
        }

    def answer(self, request: RecordedRequest) -> Answer:
        """Answer a request to one of them; 404 for any other, 405 for a wrong method."""
        posted, got = (table.get(request.endpoint) for table in (self._posted, self._got))
        if request.method == "POST" and (posted or request.endpoint == "authorization"):
            return (posted or self._authorize)(request)
        if request.method in {"GET", "HEAD"} and got:
            return got(request)
        if posted or got:
            return Answer(405, (("Allow", "POST" if posted else "GET"),))
        return Answer.error(404, "not_found")

    def _registered(self, name: str) -> Callable[[RecordedRequest], Answer]:
        def answer(request: RecordedRequest) -> Answer:
            made: Answer = self._issuer.create_endpoint_response(name, request)
            return made

        return answer

    def _metadata(self, request: RecordedRequest) -> Answer:
        if not self._site.has_metadata_at(request.path):
            return Answer.error(404, "not_found")
        return Answer.of_json(metadata_document(self._site))

    def _authorize(self, request: RecordedRequest) -> Answer:
        """Consent at once, and send the browser back with a code and `iss` (RFC 9207)."""
        issuer, wrapped = self._issuer, self._issuer.create_oauth2_request(request)
        try:
            if request_uri := wrapped.form.get("request_uri"):
                pushed = self._state.pull(request_uri, wrapped.form.get("client_id"))
                if pushed is None:
                    raise InvalidRequestError("request_uri is unknown, used or expired")
                wrapped = IssuerRequest(request, pushed)
            elif self._site.require_pushed_authorization_requests:
                raise InvalidRequestError("the authorization request must be pushed")
            grant = self._checked(wrapped)
            answer: Answer = issuer.create_authorization_response(wrapped, self._site.login, grant)
        except OAuth2Error as error:
            answer = issuer.handle_error_response(wrapped, error)
        location = dict(answer.headers).get("Location")
        if location is None:
            return answer
        in_fragment = "#" in location
        location = add_params_to_uri(location, [("iss", self._site.issuer)], in_fragment)
        return Answer(answer.status, (("Location", location), ("Cache-Control", "no-store")))

    def _checked(self, request: IssuerRequest) -> Any:
        """The grant of a valid authorization request."""
        try:
            request.check_no_repetition()
            return self._issuer.get_consent_grant(request, self._site.login)
        except ValueError:
            # Authlib quotes the request in its error, which must be of plain characters.
            raise InvalidRequestError("the authorization request is malformed") from None

    def _push(self, request: RecordedRequest) -> Answer:
        return with_nonce(self._site, self._state, request, "token", self._pushed(request))

    def _pushed(self, request: RecordedRequest) -> Answer:
        """Keep an authorization request, for its client to refer to (RFC 9126).

        A proof that comes with it is as good as `dpop_jkt` (RFC 9449 section 10.1).
        """
        wrapped = self._issuer.create_oauth2_request(request)
        try:
            wrapped.check_no_repetition()
            client = self._issuer.authenticate_client(wrapped)
            if "request_uri" in wrapped.form:
                raise InvalidRequestError("request_uri cannot be pushed")
            pairs = [pair for pair in wrapped.pairs if not pair[0].startswith("client_")]
            pairs.append(("client_id", client.client_id))
            if key := proof_key(self._site, self._state, request, "token"):
                if wrapped.form.get("dpop_jkt", key) != key:
                    raise InvalidRequestError("dpop_jkt is not the key of the proof")
                pairs = [*(pair for pair in pairs if pair[0] != "dpop_jkt"), ("dpop_jkt", key)]
            self._checked(IssuerRequest(request, pairs))
        except OAuth2Error as error:
            error.redirect_uri = None
            refusal: Answer = self._issuer.handle_error_response(wrapped, error)
            return refusal
        request_uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(16)}"
        self._state.pushed_requests[request_uri] = time.time() + PUSHED_LIFETIME, pairs
        return Answer.of_json({"request_uri": request_uri, "expires_in": PUSHED_LIFETIME}, 201)

    def _verify_device(self, request: RecordedRequest) -> Answer:
        """Let the user who is logged in approve a device (RFC 8628 section 3.3)."""
        device = self._state.device_of_user(dict(request.query).get("user_code", ""))
        if device is None or self._site.login is None:
            return Answer(404, (("Content-Type", "text/plain"),), b"no device waits for this code")
        device.subject = self._site.login
        return Answer(200, (("Content-Type", "text/plain"),), b"the device may go on")
