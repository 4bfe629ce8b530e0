"""Client authentication at the test server: the methods of RFC 6749, RFC 7523 and RFC 8705.

Authlib's own reads Basic in one way only and would check an assertion against any key.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from oauthreg.testing import _mtls as mtls
from oauthreg.testing._metadata import KEY_PAIR_ALGORITHMS
from oauthreg.testing._state import LEEWAY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from joserfc.jwa import JWSAlgModel

    from oauthreg.testing._records import BasicDecoding, Client, RecordedRequest
    from oauthreg.testing._site import Site
    from oauthreg.testing._state import State

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BASIC_DECODERS: Mapping[BasicDecoding, Callable[[str], str]] = {
    "form": unquote_plus,
    "unquote": unquote,
    "raw": str,
}
STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
HMAC_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


class Credentials(Protocol):
    """The part of a request that authentication reads."""

    recorded: RecordedRequest

    @property
    def form(self) -> Mapping[str, str]:
        """Its parameters."""


class BadAssertionError(Exception):
    """Why an assertion is refused."""


class ClientAuthenticator:
    """Finds out who sends a request, and whether it is true."""

    def __init__(self, site: Site, state: State) -> None:
        self._site = site
        self._state = state

    def authenticate(self, request: Credentials) -> tuple[Client, str]:
        """The client and the name of the method it used; otherwise an OAuth2Error."""
        header = request.recorded.headers.get("Authorization")
        form = request.form
        shown = [header is not None, "client_secret" in form, "client_assertion" in form]
        if sum(shown) > 1 and self._site.one_client_authentication:
            raise InvalidRequestError("more than one client authentication method")
        if header is not None:
            client, method = self._by_basic(header), "client_secret_basic"
        elif "client_assertion" in form:
            try:
                client, method = self._by_assertion(form)
            except BadAssertionError as error:
                raise refused(str(error)) from None
        elif "client_secret" in form:
            client, method = self._by_secret(form), "client_secret_post"
        else:
            client = self._state.live_client(form.get("client_id", ""))
            method = self._by_certificate(client, request.recorded) if client else ""
        if client is None:
            raise refused("client authentication failed")
        if form.get("client_id", client.client_id) != client.client_id:
            raise refused("client_id is not the client that authenticates")
        if method not in client.client_authentication_methods:
            raise refused(f"the client may not authenticate by {method}")
        return client, method

    def _by_basic(self, header: str) -> Client | None:
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            raise refused("the authentication scheme is not Basic")
        try:
            pair = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise refused("the Basic credentials are malformed") from None
        client_id, _, secret = pair.partition(":")
        for decoding, decode in BASIC_DECODERS.items():
            client = self._state.live_client(decode(client_id))
            if client and client.basic_decoding == decoding:
                if decoding == "form" and STRAY_PERCENT.search(pair):
                    raise InvalidRequestError("the Basic credentials are not form-encoded")
                return client if client.check_client_secret(decode(secret)) else None
        return None

    def _by_secret(self, form: Mapping[str, str]) -> Client | None:
        client = self._state.live_client(form.get("client_id", ""))
        return client if client and client.check_client_secret(form["client_secret"]) else None

    def _by_certificate(self, client: Client, request: RecordedRequest) -> str:
        """The method for which the client's certificate is good; `none` if it has no such one."""
        methods = mtls.METHODS.intersection(client.client_authentication_methods)
        if not methods:
            return "none"
        certificate = self._site.certificate_of(request)
        if certificate is None:
            raise refused("the client shows no certificate")
        if "self_signed_tls_client_auth" in methods and certificate in client.certificates:
            return "self_signed_tls_client_auth"
        authority, subject = self._state.authority, client.certificate_subject
        if authority and subject and authority.vouches_for(certificate, subject):
            return "tls_client_auth"
        raise refused("the certificate is not the client's")

    def _by_assertion(self, form: Mapping[str, str]) -> tuple[Client | None, str]:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise BadAssertionError("client_assertion_type is not jwt-bearer")
        assertion = form["client_assertion"]
        header, claims = peek(assertion)
        client = self._state.live_client(str(claims.get("sub")))
        if client is None:
            return None, ""
        if claims.get("iss") != client.client_id:
            raise BadAssertionError("iss and sub of the assertion differ")
        if "jti" not in claims:
            raise BadAssertionError("the assertion has no jti")
        algorithm = str(header.get("alg"))
        if algorithm in HMAC_DIGESTS:
            method = "client_secret_jwt"
            verify_by_secret(assertion, algorithm, client.secrets)
        else:
            method = "private_key_jwt"
            verify(assertion, client.public_keys)
        self._check_claims(claims)
        return client, method

    def check(self, assertion: str, public_keys: Mapping[str, Any] | None) -> dict[str, Any]:
        """The claims of an assertion that is good for this server; else BadAssertionError."""
        _, claims = peek(assertion)
        verify(assertion, public_keys)
        self._check_claims(claims)
        return claims

    def _check_claims(self, claims: dict[str, Any]) -> None:
        """Check the claims by RFC 7523 section 3: `aud` is this server, a `jti` is used once."""
        audiences = [self._site.issuer, self._site.token_uri]
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True},
            sub={"essential": True},
            aud={"essential": True, "values": audiences},
            exp={"essential": True},
        )
        try:
            rules.validate(claims)
        except JoseError as error:
            raise BadAssertionError(plain(error.description)) from None
        if "jti" in claims and not self._state.is_first_use(
            claims["iss"], str(claims["jti"]), claims["exp"]
        ):
            raise BadAssertionError("the jti of the assertion was used before")


def refused(why: str) -> InvalidClientError:
    """The error for a client that did not prove who it is (RFC 6749 section 5.2)."""
    return InvalidClientError(description=why, status_code=401)


def plain(text: str) -> str:
    """`text` in the characters that an error description may have (RFC 6749 section 5.2)."""
    return re.sub(r"[^ !#-\[\]-~]", "'", text)


def peek(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWT that is not verified yet."""
    try:
        unverified = jws.extract_compact(assertion.encode(), registry=QuietRegistry())
        claims = json.loads(unverified.payload)
    except (JoseError, ValueError):
        raise BadAssertionError("the assertion is not a JWT") from None
    if not isinstance(claims, dict):
        raise BadAssertionError("the assertion has no claims")
    return unverified.headers(), claims


def verify_by_secret(assertion: str, algorithm: str, secrets: Collection[str]) -> None:
    """Check the signature of a JWT by any of these secrets.

    Not by joserfc, which warns of short keys: in tests, secrets are short and warnings errors.
    """
    signed, _, signature = assertion.encode().rpartition(b".")
    for secret in secrets:
        digest = hmac.digest(secret.encode(), signed, HMAC_DIGESTS[algorithm])
        if hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"="), signature):
            return
    raise BadAssertionError("the signature of the assertion is bad")


class QuietRegistry(jws.JWSRegistry):
    """joserfc's algorithms, without its warning of EdDSA, whose successor few servers know."""

    max_header_length = 16_384  # `jwk` and `x5c` take more than its 512

    def get_alg(self, name: str) -> JWSAlgModel:
        """The algorithm of this name."""
        return self.algorithms[name] if name == "EdDSA" else super().get_alg(name)


def verify(assertion: str, public_keys: Mapping[str, Any] | None) -> None:
    """Check the signature of a JWT by a key of this JWK set."""
    try:
        keys = KeySet.import_key_set({"keys": (public_keys or {}).get("keys", [])})
        jwt.decode(assertion, keys, registry=QuietRegistry(algorithms=KEY_PAIR_ALGORITHMS))
    except (JoseError, ValueError):
        raise BadAssertionError("the signature of the assertion is bad") from None
