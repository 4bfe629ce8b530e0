"""The grants of the test server: Authlib's, wired to the state, and token exchange of its own."""
# mypy: allow-subclassing-any
# Authlib carries no types.

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from authlib.oauth2 import rfc6749, rfc7523, rfc8628
from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc7636 import CodeChallenge

from oauthreg.testing._authentication import BadAssertionError, peek, verify
from oauthreg.testing._records import Client, CodeRecord, DeviceRecord, TokenRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauthreg.testing._issuer import Issuer, TokenAnswer
    from oauthreg.testing._parameters import IssuerRequest

CODE_LIFETIME = 60
TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"
ACCESS_TOKEN_TYPES = {f"{TOKEN_TYPE}access_token", f"{TOKEN_TYPE}jwt"}


class S256Challenge(CodeChallenge):
    """PKCE by S256 alone, and required of public clients (RFC 7636)."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)


class TargetCheck:
    """The part of a grant that checks what an authorization request asks beyond RFC 6749."""

    request: IssuerRequest
    server: Issuer
    ERROR_RESPONSE_FRAGMENT: bool

    def validate_authorization_request(self) -> str:
        """Where to send the browser back to, if the request is valid."""
        redirect_uri: str = super().validate_authorization_request()  # type: ignore[misc]
        try:
            self.request.check_target(self.server.site)
        except OAuth2Error as error:
            error.redirect_uri = redirect_uri
            error.redirect_fragment = self.ERROR_RESPONSE_FRAGMENT
            raise
        return redirect_uri


class AuthorizationCode(TargetCheck, rfc6749.AuthorizationCodeGrant):
    """Authorization codes: short-lived, redeemed once (RFC 6749 section 4.1)."""

    def save_authorization_code(self, code: str, request: IssuerRequest) -> None:
        """Remember what a code stands for."""
        payload = request.form
        key = payload.get("dpop_jkt")
        self.server.state.codes[code] = CodeRecord(
            code=code,
            client_id=request.client.client_id,
            redirect_uri=payload.get("redirect_uri"),
            scope=request.scope,
            subject=request.user,
            nonce=payload.get("nonce"),
            code_challenge=payload.get("code_challenge"),
            code_challenge_method=payload.get("code_challenge_method"),
            expires_at=time.time() + CODE_LIFETIME,
            cnf={"jkt": key} if key else {},
            **request.target(),
        )

    def query_authorization_code(self, code: str, client: Client) -> CodeRecord | None:
        """The code, if it is this client's and still good."""
        record = self.server.state.codes.get(code)
        if record and record.client_id == client.client_id and record.expires_at > time.time():
            return record
        return None

    def delete_authorization_code(self, authorization_code: CodeRecord) -> None:
        """Use the code up."""
        del self.server.state.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: CodeRecord) -> str:
        """Who consented."""
        return authorization_code.subject


class Implicit(TargetCheck, rfc6749.ImplicitGrant):
    """A token straight from the authorization endpoint (RFC 6749 section 4.2)."""

    def authenticate_token_endpoint_client(self) -> Client:
        """The client, which only names itself here."""
        client = self.server.query_client(self.request.form.get("client_id", ""))
        if client is None:
            raise InvalidClientError(description="there is no such client")
        return client

    def save_token(self, token: TokenAnswer) -> None:
        """Fill in the answer, whose values must be texts to fit into an address."""
        super().save_token(token)
        texts = {name: value for name, value in token.items() if isinstance(value, str)}
        token.update({name: json.dumps(token[name]) for name in token.keys() - texts.keys()})


class Refresh(rfc6749.RefreshTokenGrant):
    """Refresh tokens, rotated unless the site says otherwise (RFC 6749 section 6)."""

    server: Issuer

    @property
    def INCLUDE_NEW_REFRESH_TOKEN(self) -> bool:  # noqa: N802 - as Authlib names it
        """Whether the next refresh token comes with the access token."""
        return self.server.site.rotate_refresh_tokens

    def authenticate_refresh_token(self, refresh_token: str) -> TokenRecord | None:
        """The refresh token, if it lives; a used one may end its whole family."""
        state = self.server.state
        known = state.tokens.get(refresh_token)
        if known and known.revoked and self.server.site.revoke_family_on_reuse:
            state.revoke_family(known.family)
        return state.live_token(refresh_token, "refresh_token")

    def authenticate_user(self, refresh_token: TokenRecord) -> str:
        """Who logged in at the beginning."""
        return refresh_token.subject or refresh_token.client_id

    def revoke_old_credential(self, refresh_token: TokenRecord) -> None:
        """End the refresh token that was used."""
        refresh_token.revoked = self.server.site.rotate_refresh_tokens


class Password(rfc6749.ResourceOwnerPasswordCredentialsGrant):
    """User name and password (RFC 6749 section 4.3)."""

    server: Issuer

    def authenticate_user(self, username: str, password: str) -> str:
        """The user, if the password is right (section 5.2 names the error)."""
        if self.server.state.users.get(username) != password:
            raise InvalidGrantError("wrong user name or password")
        return username


class DeviceCode(rfc8628.DeviceCodeGrant):
    """Polling for a device's token (RFC 8628 section 3.4)."""

    server: Issuer

    def query_device_credential(self, device_code: str) -> DeviceRecord:
        """The device that polls."""
        device = self.server.state.devices.get(device_code)
        if device is None:
            raise InvalidGrantError("device_code is unknown or was used")
        return device

    def query_user_grant(self, user_code: str) -> tuple[str | None, bool] | None:
        """What the user decided; None as long as nothing is decided."""
        device = self.server.state.device_of_user(user_code)
        if device and (device.denied or device.subject):
            return device.subject, not device.denied
        return None

    def should_slow_down(self, credential: DeviceRecord) -> bool:
        """Whether this poll came inside the interval."""
        return credential.polled_too_early()

    def create_token_response(self) -> tuple[int, object, list[tuple[str, str]]]:
        """Issue the token, for which the code can be used once."""
        answer: tuple[int, object, list[tuple[str, str]]] = super().create_token_response()
        del self.server.state.devices[self.request.credential.device_code]
        return answer


class JwtBearer(rfc7523.JWTBearerGrant):
    """An assertion for a token (RFC 7523 section 2.1).

    Its `iss` is a client with public keys, which needs no other authentication, or a trusted
    issuer: then the client authenticates itself.
    """

    server: Issuer

    def process_assertion_claims(self, assertion: str) -> dict[str, Any]:
        """The claims, once they have proved true."""
        try:
            issuer = str(peek(assertion)[1].get("iss"))
            client = self.server.query_client(issuer)
            keys = client.public_keys if client else self.server.state.trusted_issuers.get(issuer)
            return self.server.authenticator.check(assertion, keys)
        except BadAssertionError as error:
            raise InvalidGrantError(str(error)) from None

    def resolve_issuer_client(self, issuer: str) -> Client:
        """Who gets the token."""
        return self.server.query_client(issuer) or self.server.authenticate_client(self.request)

    def authenticate_user(self, subject: str) -> str:
        """The subject of the token."""
        return subject

    def has_granted_permission(self, *_: object) -> bool:
        """Every client may act for every user here."""
        return True


class TokenExchange(rfc6749.BaseGrant, rfc6749.TokenEndpointMixin):
    """A token for a token (RFC 8693).

    Takes this server's live access tokens, and JWTs of trusted issuers, as subject and actor.
    """

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
    server: Issuer

    def validate_token_request(self) -> None:
        """Check the client, the tokens it brings, and what it asks for (section 2.1)."""
        client = self.server.authenticate_client(self.request)
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError(f"the client may not use {self.GRANT_TYPE}")
        form = self.request.form
        if form.get("requested_token_type", f"{TOKEN_TYPE}access_token") not in ACCESS_TOKEN_TYPES:
            raise InvalidRequestError("requested_token_type is not supported")
        self.request.user, scope = self._party("subject_token", form)
        if form.keys() & {"actor_token", "actor_token_type"}:
            self.request.actor, _ = self._party("actor_token", form)
        # Without a scope of its own the new token has the old one's, if the client may have that.
        self.granted = form.get("scope") or (client.get_allowed_scope(scope) and scope)

    def create_token_response(self) -> tuple[int, object, list[tuple[str, str]]]:
        """Issue the token (section 2.2)."""
        token = self.generate_token(
            user=self.request.user, scope=self.granted, include_refresh_token=False
        )
        token["issued_token_type"] = f"{TOKEN_TYPE}access_token"
        self.save_token(token)
        return 200, token, self.TOKEN_RESPONSE_HEADER

    def _party(self, name: str, form: Mapping[str, str]) -> tuple[str, str]:
        """The subject of a token, and its scope."""
        value, kind = form.get(name, ""), form.get(f"{name}_type", "")
        if not value or not kind:
            raise InvalidRequestError(f"{name} and {name}_type are needed")
        if kind in ACCESS_TOKEN_TYPES and (token := self.server.state.live_token(value)):
            return token.subject or token.client_id, token.scope
        try:
            claims = peek(value)[1]
            verify(value, self.server.state.trusted_issuers.get(str(claims.get("iss"))))
        except BadAssertionError:
            raise InvalidRequestError(f"{name} is not valid") from None
        expires_at = claims.get("exp")
        if not isinstance(expires_at, (int, float)) or expires_at <= time.time():
            raise InvalidRequestError(f"{name} has expired")
        return str(claims.get("sub")), str(claims.get("scope", ""))


def register_grants(issuer: Issuer) -> None:
    """Make the server speak every grant."""
    issuer.register_grant(rfc6749.ClientCredentialsGrant)
    issuer.register_grant(AuthorizationCode, [S256Challenge(required=True)])
    for grant in (Implicit, Refresh, Password, DeviceCode, JwtBearer, TokenExchange):
        issuer.register_grant(grant)
