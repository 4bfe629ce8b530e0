"""The identity under which a token is shared: equal keys may share, different ones never do."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from oauthreg._grants.table import GRANTS
from oauthreg._secret_values import LiteralSecret, Secret, TokenOf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oauthreg._registration import ClientRegistration
    from oauthreg._secret_values import ChainedToken, SecretSource


def token_key(
    registration: ClientRegistration,
    *,
    fingerprint_key: bytes,
    principal: str | None = None,
    subject_token: Secret | TokenOf | None = None,
    actor_token: Secret | TokenOf | None = None,
) -> str:
    """Return the key of the token that this registration, with these options, would be granted.

    Every part is length-prefixed and the whole hashed, so that different parts never run
    together. A literal secret enters by a keyed fingerprint, any other by its reference:
    computing the key reads nothing and reveals nothing.

    Args:
        registration: The registration, with the call's options in it.
        fingerprint_key: The key of the fingerprints.
        principal: On whose behalf; it takes part only where the grant is a user's.
        subject_token: The token to be exchanged.
        actor_token: The acting party's token.
    """

    def fingerprint(secret: Secret | TokenOf | None) -> str:
        if secret is None:
            return ""
        kind = b"token of " if isinstance(secret, TokenOf) else b"text "
        value = kind + secret.get_secret_value().encode()
        return hmac.new(fingerprint_key, value, hashlib.sha256).hexdigest()

    def source(secret: SecretSource | ChainedToken | None) -> str:
        if isinstance(secret, LiteralSecret):
            return f"literal:{fingerprint(secret.value)}"
        return (secret.reference or "") if secret is not None else ""

    def plain(value: object) -> object:
        if hasattr(value, "get_secret_value"):
            return fingerprint(Secret(str(value.get_secret_value())))
        if isinstance(value, dict):
            return sorted((str(name), str(plain(item))) for name, item in value.items())
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    provider = registration.provider
    of_user = GRANTS[registration.authorization_grant_type].acts_for_user
    parts: Iterable[Iterable[str]] = (
        (provider.type, provider.issuer_uri or "", *_items(provider.endpoints)),
        _items({name: plain(value) for name, value in provider.settings.items()}),
        (registration.client_id, registration.client_authentication_method or ""),
        (registration.authorization_grant_type,),
        sorted(set(registration.scopes)),
        (registration.audience or "",),
        sorted(set(registration.resource)),
        _items(registration.parameters),
        _items(registration.headers),
        (registration.authorization_details or "", registration.username or ""),
        (fingerprint(subject_token), fingerprint(actor_token)),
        (principal or "",) if of_user else (),
        [source(secret) for secret in registration.client_secrets],
        [source(secret) for secret in _sources(registration)],
        _keys(registration),
        (
            str(registration.refresh_before),
            str(registration.default_lifetime),
            str(registration.max_lifetime),
        ),
    )
    digest = hashlib.sha256()
    for part in parts:
        texts = [text.encode() for text in part]
        digest.update(b"%d;" % len(texts))
        for text in texts:
            digest.update(b"%d:" % len(text) + text)
    return digest.hexdigest()


def _sources(registration: ClientRegistration) -> tuple[SecretSource | ChainedToken | None, ...]:
    return (
        registration.assertion,
        registration.password,
        registration.refresh_token,
        registration.subject_token,
    )


def _keys(registration: ClientRegistration) -> list[str]:
    """Return what tokens may be bound to, or were asked for with: keys and certificates."""
    key, certificate, prover = (
        registration.signing_key,
        registration.certificate,
        registration.prover,
    )
    return [
        key.identity if key is not None else "",
        str(certificate.thumbprint) if certificate is not None else "",
        prover.thumbprint if prover is not None else "",
    ]


def _items(mapping: Mapping[str, object]) -> list[str]:
    return [text for name, value in sorted(mapping.items()) for text in (name, str(value))]
