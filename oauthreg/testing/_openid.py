"""OpenID Connect on top: ID tokens, and who the user of a token is."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import TYPE_CHECKING

from joserfc import jwt

from oauthreg.testing._api import RefusedError, protected
from oauthreg.testing._records import Answer, merged

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

    from oauthreg.testing._records import RecordedRequest, TokenRecord
    from oauthreg.testing._site import Site
    from oauthreg.testing._state import State

LIFETIME = 300


def id_token(site: Site, key: RSAKey, access: TokenRecord, nonce: str | None) -> str:
    """Say who logged in, for the client that got `access` (OpenID Connect Core section 2)."""
    now = int(time.time())
    half = hashlib.sha256(access.value.encode()).digest()[:16]
    claims = {
        "iss": site.issuer,
        "sub": access.subject,
        "aud": access.client_id,
        "iat": now,
        "auth_time": now,
        "exp": now + LIFETIME,
        "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        **({} if nonce is None else {"nonce": nonce}),
    }
    header = {"alg": "RS256", "kid": key.kid, "typ": "JWT"}
    token = jwt.encode(header, merged(claims, site.id_token_overrides), key)
    return _with_broken_signature(token) if site.wrong_id_token_signature else token


def answer_user_info(site: Site, state: State, request: RecordedRequest) -> Answer:
    """The claims about the user, for a token with the scope `openid` (section 5.3)."""

    def claims(token: TokenRecord) -> Answer:
        if "openid" not in token.scope.split():
            raise RefusedError(403, "insufficient_scope")
        user = {"sub": token.subject or token.client_id, "preferred_username": token.subject}
        return Answer.of_json(merged(user, site.user_info_overrides))

    return protected(site, state, request, claims)


def _with_broken_signature(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature.startswith('A') else 'A'}{signature[1:]}"
