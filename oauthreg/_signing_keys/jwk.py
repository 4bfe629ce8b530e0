"""Private keys as JSON: a JWK or a set of them (RFC 7517); a vendor's document is refused."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography import x509
from joserfc.jwk import ECKey, OKPKey, RSAKey

from oauthreg._signing_keys.certificates import public_bytes
from oauthreg._signing_keys.found import Found

_KINDS: Mapping[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_PUBLIC = ("kty", "crv", "n", "e", "x", "y")
_MEMBERS = (*_PUBLIC, "d", "p", "q", "dp", "dq", "qi")
_DEEPEST = 8


def from_json(text: str, key_id: str | None) -> Found:
    """Return the private key of a JWK, or of a JWK set.

    Args:
        text: The JSON.
        key_id: Which key of a set.

    Raises:
        ValueError: there is no such key, or it is not for signing; the text says which.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is no valid JSON, which a JWK has to be") from None
    if isinstance(document, list):
        document = {"keys": document}
    if isinstance(document.get("keys"), list):
        document = _chosen([key for key in document["keys"] if isinstance(key, dict)], key_id)
    if "kty" not in document:
        raise ValueError(_refusal(document))
    return _found(document)


def _chosen(keys: list[dict[str, Any]], key_id: str | None) -> dict[str, Any]:
    """Return the key of a set that is named, or the only one that can sign."""
    signing = [key for key in keys if "d" in key and _unfit(key) is None]
    fitting = [key for key in signing if key_id is None or key.get("kid") == key_id]
    if not fitting and len(signing) == 1 and "kid" not in signing[0]:
        fitting = signing
    if len(fitting) == 1:
        return fitting[0]
    if not signing:
        raise ValueError("it is a JWK set without a private key for signatures")
    names = ", ".join(repr(key.get("kid")) for key in signing)
    if fitting and key_id is None:
        raise ValueError(f"it is a JWK set of several private keys: choose by key-id from {names}")
    count = "two keys" if fitting else "no key"
    raise ValueError(f"it is a JWK set with {count} of the key-id {key_id!r}; it has {names}")


def _found(fields: dict[str, Any]) -> Found:
    unfit = _unfit(fields)
    if unfit is not None:
        raise ValueError(unfit)
    try:
        members = {name: fields[name] for name in _MEMBERS if name in fields}
        key = _KINDS[fields["kty"]].import_key(members)
        chain = tuple(
            x509.load_der_x509_certificate(b64decode(der)) for der in fields.get("x5c", ())
        )
    except Exception:  # noqa: BLE001 - whatever is wrong with it, its text is not for showing
        raise ValueError("it is no valid RSA, EC or OKP key as a JWK") from None
    stated = _KINDS[fields["kty"]].import_key({n: members[n] for n in _PUBLIC if n in members})
    private: Any = key.private_key
    if public_bytes(stated.public_key) != public_bytes(private.public_key()):
        raise ValueError("its public part does not belong to its private part")
    return Found(private, chain, _text(fields.get("alg")), _text(fields.get("kid")))


def _unfit(fields: Mapping[str, Any]) -> str | None:
    """Return why a JWK is not one that signs, as far as its members say so (section 4)."""
    kind, use, operations = fields.get("kty"), fields.get("use"), fields.get("key_ops")
    if kind == "oct":
        return (
            "it is a symmetric key: RSA, EC or OKP is needed (client_secret_jwt has client-secret)"
        )
    if kind not in _KINDS:
        return f"it is a JWK of the kind {kind!r}: RSA, EC and OKP are supported"
    if "d" not in fields:
        return "it is a public key; a private one is needed"
    if use is not None and use != "sig":
        return f"it is a JWK for another use than signatures: use is {use!r}"
    if operations is not None and "sign" not in operations:
        return f"it is a JWK for another use than signatures: key_ops is {operations!r}"
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _refusal(document: Mapping[str, Any]) -> str:
    """Return what to do with a document that is no JWK, by where its key is."""
    place = next(_places(document, (), _DEEPEST), None)
    if place is None:
        return "it is JSON, but neither a JWK nor a JWK set"
    owner, renamed = "a vendor's document", ""
    if document.get("type") == "service_account":
        owner = "a service account file of Google"
        renamed = (
            "; its private_key_id is the key-id, and its client_email the client-id (the provider "
            "google reads it whole, as credentials-file)"
        )
    elif document.get("type") in {"serviceaccount", "application"} and "keyId" in document:
        owner = "a key file of Zitadel"
        client = "userId" if "userId" in document else "clientId"
        renamed = f"; its keyId is the key-id, and its {client} the client-id"
    return (
        f"it is {owner}, not a key: put its field {'.'.join(place)} into a PEM file of its own, "
        f"and name that{renamed}"
    )


def _places(
    document: Mapping[str, Any], path: tuple[str, ...], deepest: int
) -> Iterator[tuple[str, ...]]:
    """Find the fields with a private key in them."""
    for name, value in document.items():
        if isinstance(value, str) and "PRIVATE KEY-----" in value:
            yield (*path, name)
        elif isinstance(value, dict) and deepest:
            yield from _places(value, (*path, name), deepest - 1)
