"""The identity under which a token is shared: equal keys may share, different ones never do.

A key is made of every field of the registration and of its provider, less those named below. So a
field that somebody adds makes tokens too separate at worst, and never shared by mistake.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

from oauthreg._dpop import Prover
from oauthreg._flow import ClientCertificate
from oauthreg._grants.table import GRANTS
from oauthreg._registration import ClientRegistration, ProviderDetails
from oauthreg._secret_values import ChainedToken, LiteralSecret, Secret, SourcedSecret, TokenOf
from oauthreg._signing_keys.sources import KeySource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from oauthreg._protocol.context import Hooks

EXEMPT: Mapping[type, Mapping[str, str]] = {
    ClientRegistration: {
        "registration_id": "a name of ours: two registrations of one client share its tokens",
        "client_name": "shown to people",
        "urls": "where adapters may send the token: each registration keeps its own list",
        "eager": "when the first token is fetched",
        "principal": "the default of a call's principal, which enters by itself",
        "http": "how a request travels, not what it asks for: time limits, proxy, trusted roots",
    },
    ProviderDetails: {
        "name": "a name of ours",
        "chosen_by": "why this provider was chosen",
        "user_name_attribute": "about user info, which is asked for with the token",
        "user_info_authentication_method": "likewise",
        "api_headers": "about requests to APIs, which carry the token",
        "api_uri": "likewise",
        "api_hosts": "likewise: each process judges by its own",
        "settling": "likewise",
    },
}
"""The fields that change neither the request for a token nor the token, and why."""

UNORDERED = frozenset({"scopes", "resource"})
"""The fields whose order and repetitions mean nothing."""

_THIS_PROCESS = secrets.token_bytes(16)


def request_principal(
    registration: ClientRegistration, hooks: Hooks, principal: str | None
) -> str | None:
    """Return the principal that a request may depend on, as plugins see it.

    The call's, else the registration's. None for a grant without a user, whose tokens all callers
    share, unless the plugin says `uses_principal`.
    """
    acts_for_user = GRANTS[registration.authorization_grant_type].acts_for_user
    if not (acts_for_user or hooks.uses_principal):
        return None
    return registration.principal if principal is None else principal


def token_key(
    registration: ClientRegistration,
    *,
    fingerprint_key: bytes,
    key_of: Callable[[str], str],
    principal: str | None = None,
    subject_token: Secret | TokenOf | None = None,
    actor_token: Secret | TokenOf | None = None,
) -> str:
    """Return the key of the token that this registration, with these options, would be granted.

    A literal secret enters by a keyed fingerprint, any other by its reference: computing the key
    reads nothing and reveals nothing. What is at its default does not enter, so that a new
    setting changes no key.

    Args:
        registration: The registration, with the call's options in it.
        fingerprint_key: The key of the fingerprints.
        key_of: Gives the token key of another registration, whose token is the subject's.
        principal: What `request_principal` gives.
        subject_token: The token to be exchanged.
        actor_token: The acting party's token.
    """
    encoder = _Encoder(fingerprint_key, key_of)
    call = {"principal": principal, "subject_token": subject_token, "actor_token": actor_token}
    given = {name: value for name, value in call.items() if value is not None}
    return hashlib.sha256(encoder.encode([registration, given])).hexdigest()


class _Encoder:
    """Encodes values so that equal ones, and only these, have equal bytes."""

    def __init__(self, fingerprint_key: bytes, key_of: Callable[[str], str]) -> None:
        self._fingerprint_key = fingerprint_key
        self._key_of = key_of

    def encode(self, value: Any) -> bytes:  # noqa: PLR0911 - one for each kind of value
        """Return the bytes of a value: its kind, and its parts with their lengths."""
        match value:
            case None | bool():
                return str(value).encode()
            case str():
                return _framed(b"text", value.encode(errors="surrogatepass"))
            case int() | float():
                whole = isinstance(value, float) and value.is_integer()
                return _framed(b"number", repr(int(value) if whole else value).encode())
            case list() | tuple():
                return _framed(b"list", *map(self.encode, value))
            case set() | frozenset():
                return _framed(b"set", *sorted(map(self.encode, value)))
            case Mapping():
                pairs = ((self.encode(name), self.encode(item)) for name, item in value.items())
                return _framed(b"table", *(part for pair in sorted(pairs) for part in pair))
            case BaseModel():
                return self.encode(dict(value))
        return self._credential(value) or self._other(value)

    def _credential(self, value: Any) -> bytes | None:  # noqa: PLR0911 - likewise
        """Return the bytes of a secret, a key, or what names one."""
        match value:
            case TokenOf() | ChainedToken():
                return _framed(b"token of", self._key_of(value.registration_id).encode())
            case LiteralSecret():
                return self.encode(value.value)
            case SourcedSecret():
                return self.encode(value.source)
            case KeySource():
                return _framed(b"key", value.identity.encode())
            case Prover():
                return _framed(b"key", value.thumbprint.encode())
            case ClientCertificate(thumbprint=str(thumbprint)):
                return _framed(b"certificate", thumbprint.encode())
        if hasattr(value, "get_secret_value"):
            content = self.encode(value.get_secret_value())
            digest = hmac.digest(self._fingerprint_key, content, hashlib.sha256)
            return _framed(b"secret", digest)
        reference = getattr(value, "reference", None)
        return _framed(b"reference", reference.encode()) if isinstance(reference, str) else None

    def _other(self, value: Any) -> bytes:
        kind = type(value).__qualname__.encode()
        if is_dataclass(value):
            given = self._fields(value)
            return _framed(b"fields", *(part for pair in given for part in pair))
        try:
            return _framed(b"a " + kind, self.encode(to_jsonable_python(value)))
        except PydanticSerializationError:  # nothing tells what it is: it equals itself alone
            return _framed(b"a " + kind, _THIS_PROCESS, b"%d" % id(value))

    def _fields(self, value: object) -> Iterable[tuple[bytes, bytes]]:
        """Give name and value of each field that counts and is not at its default."""
        cls: Any = type(value)
        for name, default, encoded_default in _counting(cls):
            item = getattr(value, name)
            if item is default:
                continue
            encoded = self.encode(set(item) if name in UNORDERED else item)
            if encoded != encoded_default:
                yield name.encode(), encoded


@cache
def _counting(cls: type) -> tuple[tuple[str, Any, bytes | None], ...]:
    """Return the fields that count by their names, each with its default, plain and encoded."""
    exempt = {name for base in cls.__mro__ for name in EXEMPT.get(base, ())}
    encoder = _Encoder(b"", str)
    found = []
    for name, field in sorted((each.name, each) for each in fields(cls)):
        if name not in exempt:
            make = field.default_factory
            default: Any = field.default if make is MISSING else make()
            plain = set(default) if name in UNORDERED and default is not MISSING else default
            encoded = None if default is MISSING else encoder.encode(plain)
            found.append((name, default, encoded))
    return tuple(found)


def _framed(kind: bytes, *parts: bytes) -> bytes:
    return b"".join((kind, b"(", *(b"%d:%b" % (len(part), part) for part in parts), b")"))
