"""Proofs of possession (RFC 9449): checked as section 4.3 says, at the server and at the API."""
# mypy: allow-subclassing-any
# Authlib carries no types.

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import OAuth2Error
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, import_key

from oauthreg.testing._authentication import BadAssertionError, QuietRegistry, peek
from oauthreg.testing._metadata import KEY_PAIR_ALGORITHMS
from oauthreg.testing._state import LEEWAY

if TYPE_CHECKING:
    from joserfc.jwk import Key

    from oauthreg.testing._records import Answer, RecordedRequest
    from oauthreg.testing._site import Site
    from oauthreg.testing._state import Role, State

DEFAULT_PORTS = {"http": 80, "https": 443}


class InvalidProofError(OAuth2Error):
    """A proof that proves nothing, or none where there must be one."""

    error = "invalid_dpop_proof"


class UseNonceError(OAuth2Error):
    """A proof without the server's nonce (section 8)."""

    error = "use_dpop_nonce"


def proof_key(
    site: Site, state: State, request: RecordedRequest, role: Role, token_value: str | None = None
) -> str | None:
    """The thumbprint of the key behind a request's proof; None if it carries none.

    With a token, which the API is shown, the proof must be made for this one.
    """
    proofs = request.headers.get_all("DPoP", [])
    if not proofs:
        return None
    if len(proofs) > 1:
        raise InvalidProofError("there is more than one proof")
    key, claims = _verified(proofs[0])
    if claims.get("htm") != request.method:
        raise InvalidProofError("htm is not the method of the request")
    if _plain_uri(claims.get("htu")) != _plain_uri(site.address_of(request)):
        raise InvalidProofError("htu is not the address of the request")
    if token_value is not None and claims.get("ath") != digest(token_value.encode()):
        raise InvalidProofError("ath is not the hash of the access token")
    issued_at, proof_id = claims.get("iat"), claims.get("jti")
    now = time.time()
    if not (isinstance(issued_at, (int, float)) and abs(issued_at - now) <= LEEWAY):
        raise InvalidProofError("iat is not about now")
    if not isinstance(proof_id, str) or not proof_id:
        raise InvalidProofError("the proof has no jti")
    if site.require_dpop_nonce and claims.get("nonce") not in state.nonces[role]:
        raise UseNonceError("the proof does not have the nonce of this server")
    thumbprint = key.thumbprint()
    if not state.is_first_use(f"proof {thumbprint}", proof_id, now + LEEWAY):
        raise InvalidProofError("the proof was used before")
    return thumbprint


def with_nonce(
    site: Site, state: State, request: RecordedRequest, role: Role, answer: Answer
) -> Answer:
    """`answer` with the newest nonce, if proofs need one and the request had a proof."""
    if not site.require_dpop_nonce or "DPoP" not in request.headers:
        return answer
    return replace(answer, headers=(*answer.headers, ("DPoP-Nonce", state.nonces[role][0])))


def digest(content: bytes) -> str:
    """SHA-256 as thumbprints and hashes in JWTs have it: base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def _verified(proof: str) -> tuple[Key, dict[str, Any]]:
    """The key and the claims of a proof, once its form and its signature are good."""
    try:
        header, claims = peek(proof)
        if header.get("typ") != "dpop+jwt":
            raise InvalidProofError("typ is not dpop+jwt")
        jwk = header.get("jwk")
        key = import_key(jwk) if isinstance(jwk, dict) else None
        if key is None or isinstance(key, OctKey) or key.is_private:
            raise InvalidProofError("jwk is not a public key")
        jwt.decode(proof, key, registry=QuietRegistry(algorithms=KEY_PAIR_ALGORITHMS))
    except (BadAssertionError, JoseError, ValueError, TypeError, LookupError):
        raise InvalidProofError("the proof is not a JWT signed by its jwk") from None
    return key, claims


def _plain_uri(uri: object) -> tuple[object, ...]:
    """What of a URI is compared: neither query nor fragment nor a port that goes without saying."""
    try:
        parts = urlsplit(str(uri))
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return (uri,)
    return parts.scheme, parts.hostname, port, parts.path or "/"
