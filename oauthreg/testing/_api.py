"""The protected resource: an API that takes the test server's tokens.

Bearer tokens (RFC 6750), and those bound to a key (RFC 9449) or to a certificate (RFC 8705).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg.testing._dpop import (
    InvalidProofError,
    UseNonceError,
    digest,
    proof_key,
    with_nonce,
)
from oauthreg.testing._records import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg.testing._records import RecordedRequest, TokenRecord
    from oauthreg.testing._site import Site
    from oauthreg.testing._state import State

SCHEMES = {"bearer": "Bearer", "dpop": "DPoP"}


class RefusedError(Exception):
    """A token that is not good for this request: a status and an error code."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(status, error)
        self.status = status
        self.error = error


def answer_api(site: Site, state: State, request: RecordedRequest) -> Answer:
    """200 with what was sent and who sent it, for a live token in the Authorization header.

    `/api/forbidden` answers 403, `/api/always-401` refuses every token, and
    `/api/redirect?to=URL` sends on to any URL by a 307, without asking for a token.
    """
    below = site.below_api(request.path)
    if below == "/redirect":
        return Answer(307, (("Location", dict(request.query).get("to", site.api_uri)),))

    def report(token: TokenRecord) -> Answer:
        if below == "/always-401":
            raise RefusedError(401, "invalid_token")
        if below == "/forbidden":
            raise RefusedError(403, "insufficient_scope")
        return Answer.of_json(
            {
                "client": token.client_id,
                "subject": token.subject,
                "scope": token.scope,
                "method": request.method,
                "path": request.path,
                "body": request.body.decode(errors="replace"),
            }
        )

    return protected(site, state, request, report)


def protected(
    site: Site, state: State, request: RecordedRequest, answer: Callable[[TokenRecord], Answer]
) -> Answer:
    """What `answer` has for the holder of a token; anybody else is refused."""
    given, _, value = request.headers.get("Authorization", "").partition(" ")
    scheme = SCHEMES.get(given.lower())
    if request.endpoint == "user_info" and (posted := dict(request.form).get("access_token")):
        scheme, value = "Bearer", posted  # RFC 6750 section 2.2
    if scheme is None:
        return Answer(401, (("WWW-Authenticate", "Bearer"),))
    try:
        made = answer(_shown(site, state, request, scheme, value))
    except RefusedError as error:
        challenge = ("WWW-Authenticate", f'{scheme} error="{error.error}"')
        made = Answer.of_json({"error": error.error}, error.status, (challenge,))
    return with_nonce(site, state, request, "api", made)


def _shown(
    site: Site, state: State, request: RecordedRequest, scheme: str, value: str
) -> TokenRecord:
    """The live token that a request shows, and may show."""
    token = state.live_token(value)
    if token is None or token.token_type != scheme:
        raise RefusedError(401, "invalid_token")
    if thumbprint := token.cnf.get("jkt"):
        try:
            key = proof_key(site, state, request, "api", value)
        except (InvalidProofError, UseNonceError) as error:
            raise RefusedError(401, error.error) from None
        if key is None:
            raise RefusedError(401, "invalid_dpop_proof")
        if key != thumbprint:
            raise RefusedError(401, "invalid_token")
    certificate = site.certificate_of(request) or b""
    if token.cnf.get("x5t#S256", digest(certificate)) != digest(certificate):
        raise RefusedError(401, "invalid_token")
    return token
