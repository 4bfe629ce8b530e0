"""The authorization server proper, on Authlib's server parts.

Authlib wants https, or plain http on a loopback address only, in the URI of a request, and asks
nothing else of it. So requests are handed over under an https URI, and `AUTHLIB_INSECURE_TRANSPORT`
stays unset: this server may be bound to any address, and other uses of Authlib in the process
keep their check.
"""
# mypy: allow-subclassing-any
# Authlib carries no types.

from __future__ import annotations

import secrets
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from authlib.oauth2.rfc6749 import AuthorizationServer as AuthlibServer
from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
)
from authlib.oauth2.rfc8628 import DeviceCodeGrant
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from oauthreg.testing._authentication import ClientAuthenticator
from oauthreg.testing._dpop import InvalidProofError, digest, proof_key, with_nonce
from oauthreg.testing._openid import id_token
from oauthreg.testing._parameters import IssuerRequest
from oauthreg.testing._records import Answer, Client, TokenRecord, merged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oauthreg.testing._records import RecordedRequest, Target
    from oauthreg.testing._site import Site
    from oauthreg.testing._state import State


class TokenAnswer(dict[str, object]):
    """A token answer whose repr shows no token, because Authlib logs it."""

    def __repr__(self) -> str:
        return f"TokenAnswer({', '.join(self)})"


class Issuer(AuthlibServer):
    """Issues tokens by the site's settings, and keeps them in the state."""

    def __init__(self, site: Site, state: State) -> None:
        super().__init__()
        self.site = site
        self.state = state
        self._signing_key = ECKey.generate_key("P-256", {"kid": "test-key", "use": "sig"})
        self.authenticator = ClientAuthenticator(site, state)

    def create_oauth2_request(self, request: RecordedRequest | IssuerRequest) -> IssuerRequest:
        """Hand a request to Authlib, which must not carry a parameter twice."""
        if isinstance(request, IssuerRequest):
            return request
        recorded = cast("RecordedRequest", request)
        pairs = recorded.form if recorded.method == "POST" else recorded.query
        return IssuerRequest(recorded, pairs)

    def handle_response(
        self, status: int, body: object, headers: Iterable[tuple[str, str]]
    ) -> Answer:
        """Take an answer over from Authlib."""
        if isinstance(body, dict):
            pairs = (pair for pair in headers if pair[0] != "Content-Type")
            return Answer.of_json(body, status, pairs)
        return Answer(status, tuple(headers), str(body).encode())

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Authlib tells of events; nobody listens."""

    def query_client(self, client_id: str) -> Client | None:
        """The client of this id, unless it is disabled."""
        return self.state.live_client(client_id)

    def authenticate_client(self, request: IssuerRequest, *_: object) -> Client:
        """Who sends this request, by one of the methods registered for the client.

        Authlib's own lists of methods per grant are not used: they leave out most.
        """
        client, request.auth_method = self.authenticator.authenticate(request)
        request.client = client
        return client

    def create_token_response(self, request: RecordedRequest) -> Answer:
        """The token endpoint (RFC 6749 section 3.2)."""
        return with_nonce(self.site, self.state, request, "token", self._token_response(request))

    def _token_response(self, request: RecordedRequest) -> Answer:
        wrapped = self.create_oauth2_request(request)
        try:
            wrapped.check_no_repetition()
            wrapped.check_target(self.site)
            wrapped.proof_key = proof_key(self.site, self.state, request, "token")
            if not wrapped.payload.grant_type:
                raise InvalidRequestError("grant_type is missing")
        except OAuth2Error as error:
            refusal: Answer = self.handle_error_response(wrapped, error)
            return refusal
        return cast("Answer", super().create_token_response(wrapped))

    def generate_token(
        self,
        *,
        client: Client,
        scope: str | None = None,
        include_refresh_token: bool = True,
        **_: object,
    ) -> TokenAnswer:
        """Begin a token answer; Authlib does not show the request here, so `save_token` ends it."""
        allowed = client.get_allowed_scope(scope)
        if allowed is None:
            raise InvalidScopeError
        token = TokenAnswer(access_token="", token_type="Bearer", scope=allowed)
        if include_refresh_token:
            token["refresh_token"] = ""
        return token

    def save_token(self, token: TokenAnswer, request: IssuerRequest) -> None:
        """Fill the values into a token answer and remember what they stand for."""
        record = self._access_token(str(token["scope"]), request)
        lifetime = self.site.token_lifetime
        old = self._same_again(record) if self.site.reissue else None
        if old:
            record = old
            if old.expires_at is not None:
                lifetime = int(old.expires_at - time.time())
        else:
            self._issue(record)
        token["access_token"] = record.value
        token["token_type"] = record.token_type
        if lifetime is not None:
            token["expires_in"] = lifetime
        if "refresh_token" in token:
            token["refresh_token"] = self._refresh_token(record, request).value
        if record.authorization_details:
            token["authorization_details"] = list(record.authorization_details)
        code = request.authorization_code
        on_device = request.payload.grant_type == DeviceCodeGrant.GRANT_TYPE
        if (code or on_device) and "openid" in record.scope.split():
            nonce = code.nonce if code else None
            token["id_token"] = id_token(self.site, self._id_token_key, record, nonce)
        fields = merged(token, self.site.extra_fields)
        token.clear()
        token.update(fields)

    def _access_token(self, scope: str, request: IssuerRequest) -> TokenRecord:
        origin = request.refresh_token or request.authorization_code or request.credential
        return TokenRecord(
            value=secrets.token_urlsafe(24),
            kind="access_token",
            client_id=request.client.client_id,
            grant_type=request.payload.grant_type or "implicit",
            scope=scope,
            subject=request.user,
            actor=request.actor,
            expires_at=expiry(self.site.token_lifetime),
            family=request.refresh_token.family if request.refresh_token else secrets.token_hex(8),
            cnf=self._confirmation(request, origin),
            **{**target_of(origin), **request.target()},
        )

    def _confirmation(self, request: IssuerRequest, origin: Target | None) -> dict[str, str]:
        """The keys that the token is bound to (RFC 7800 section 3.1)."""
        keys = {}
        if request.proof_key:
            keys["jkt"] = request.proof_key
        elif request.client.dpop_bound:
            raise InvalidProofError("the client must send a DPoP proof")
        if request.client.certificate_bound:
            certificate = self.site.certificate_of(request.recorded)
            if certificate is None:
                raise InvalidRequestError("the client must show a certificate")
            keys["x5t#S256"] = digest(certificate)
        if origin and not origin.cnf.items() <= keys.items():
            raise InvalidGrantError("what is redeemed is bound to another key")
        return keys

    def _same_again(self, record: TokenRecord) -> TokenRecord | None:
        fitting = self.state.access_tokens(lambda token: token.purpose == record.purpose)
        return next(fitting, None)

    def _issue(self, record: TokenRecord) -> None:
        if self.site.revoke_on_issue:
            for old in self.state.access_tokens(lambda token: token.client_id == record.client_id):
                old.revoked = True
        if self.site.jwt_access_tokens:
            record.value = self._signed(record)
        self.state.keep(record)

    def _refresh_token(self, access: TokenRecord, request: IssuerRequest) -> TokenRecord:
        """A refresh token, bound to the keys of its client if that has no other credentials."""
        token = TokenRecord(
            value=secrets.token_urlsafe(24),
            kind="refresh_token",
            client_id=access.client_id,
            grant_type=access.grant_type,
            scope=access.scope,
            subject=access.subject,
            expires_at=expiry(self.site.refresh_token_lifetime),
            family=access.family,
            cnf=access.cnf if request.auth_method == "none" else {},
            **target_of(access),
        )
        self.state.keep(token)
        return token

    def _signed(self, token: TokenRecord) -> str:
        """A JWT access token (RFC 9068) for a record."""
        claims = {**self.describe(token), "jti": token.value}
        claims.setdefault("exp", int(token.issued_at) + 3600)
        header = {"alg": "ES256", "kid": self._signing_key.kid, "typ": "at+jwt"}
        return jwt.encode(header, claims, self._signing_key)

    def describe(self, token: TokenRecord) -> dict[str, Any]:
        """What is known about a token, named as in RFC 7662 section 2.2 and RFC 9068."""
        audience = [*token.audience, *token.resources]
        fields: dict[str, Any] = {
            "iss": self.site.issuer,
            "client_id": token.client_id,
            "sub": token.subject or token.client_id,
            "scope": token.scope,
            "iat": int(token.issued_at),
        }
        if audience:
            fields["aud"] = audience[0] if len(audience) == 1 else audience
        if token.expires_at is not None:
            fields["exp"] = int(token.expires_at)
        if token.actor:
            fields["act"] = {"sub": token.actor}
        if token.cnf:
            fields["cnf"] = dict(token.cnf)
        if token.authorization_details:
            fields["authorization_details"] = list(token.authorization_details)
        return fields

    @cached_property
    def _id_token_key(self) -> RSAKey:
        """Made at the first use, because that takes a tenth of a second."""
        return RSAKey.generate_key(2048, {"kid": "test-id-token-key", "use": "sig", "alg": "RS256"})

    def public_keys(self) -> dict[str, Any]:
        """The JWK set by which JWT access tokens and ID tokens are verified."""
        keys = self._signing_key, self._id_token_key
        return {"keys": [key.as_dict(private=False) for key in keys]}


def target_of(origin: Target | None) -> dict[str, Any]:
    """What a code, a device or a token is for, to pass it on."""
    names = ("audience", "resources", "authorization_details")
    return {name: getattr(origin, name) for name in names} if origin else {}


def expiry(lifetime: object) -> float | None:
    """When a token of this `expires_in` ends, in `time.time()` seconds; None if it does not."""
    try:
        seconds = float(str(lifetime))
    except ValueError:
        return None
    return time.time() + seconds if seconds and seconds < float("inf") else None
