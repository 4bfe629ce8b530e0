"""The plain records of the test server: requests, answers, clients, tokens.

They carry the few methods by which Authlib asks its questions (`check_grant_type`,
`is_expired`), so they need no Authlib themselves. No repr shows a secret or a token.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any, Final, Literal, final
from urllib.parse import parse_qsl

BasicDecoding = Literal["form", "unquote", "raw"]
TokenKind = Literal["access_token", "refresh_token"]

RESPONSE_TYPES = {"code": "authorization_code", "token": "implicit"}
FORM = "application/x-www-form-urlencoded"


@final
class Delete:
    """The type of `DELETE`."""

    def __repr__(self) -> str:
        return "DELETE"


DELETE: Final = Delete()
"""As a value of `extra_fields` or `metadata_overrides`: leave this field out."""


def merged(fields: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """`fields` with `changes` over them; those changed to `DELETE` are left out."""
    return {name: value for name, value in {**fields, **changes}.items() if value is not DELETE}


@dataclass(frozen=True)
class RecordedRequest:
    """One HTTP request as it reached the server."""

    method: str
    path: str
    """Without the query, percent-encoding as sent."""
    headers: Message = field(repr=False)
    """`headers["authorization"]` in any case; None if absent."""
    body: bytes = field(repr=False)
    endpoint: str
    """`token`, `metadata`, `api`, ...; empty for a path that is no endpoint."""
    raw_query: str = field(default="", repr=False)
    at: float = 0.0
    """`time.monotonic()` when it had been read, in seconds."""
    reused: bool = False
    """Whether its connection had carried an earlier request."""
    client_certificate: bytes | None = field(default=None, repr=False)
    """The TLS client certificate (DER), if one was asked for and shown."""

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """The decoded parameters of the query, in order."""
        return parse_qsl(self.raw_query, keep_blank_values=True)

    @cached_property
    def form(self) -> list[tuple[str, str]]:
        """The decoded parameters of a form body, in order, repeated ones repeated."""
        if self.headers.get_content_type() != FORM:
            return []
        return parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer before it is written."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def of_json(
        cls, value: object, status: int = 200, headers: Iterable[tuple[str, str]] = ()
    ) -> Answer:
        """An `application/json` answer with `value` as its body."""
        body = json.dumps(value).encode()
        return cls(status, (("Content-Type", "application/json"), *headers), body)

    @classmethod
    def error(cls, status: int, code: str, description: str = "") -> Answer:
        """An OAuth2 error answer (RFC 6749 section 5.2)."""
        text = {"error_description": description} if description else {}
        return cls.of_json({"error": code, **text}, status, (("Cache-Control", "no-store"),))


@dataclass(eq=False)
class Client:
    """A client registered at the server; its fields are those of `add_client`."""

    client_id: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    client_authentication_methods: tuple[str, ...] = ("client_secret_basic", "client_secret_post")
    grants: tuple[str, ...] = ("client_credentials",)
    scopes: tuple[str, ...] = ()
    default_scopes: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    public_keys: Mapping[str, Any] | None = field(default=None, repr=False)
    certificate_subject: str | None = None
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    """DER."""
    certificate_bound: bool = False
    dpop_bound: bool = False
    basic_decoding: BasicDecoding = "form"
    enabled: bool = True

    def get_client_id(self) -> str:
        """Its id."""
        return self.client_id

    def check_client_secret(self, secret: str) -> bool:
        """Whether `secret` is one of its live secrets."""
        given = secret.encode()
        return any(hmac.compare_digest(given, known.encode()) for known in self.secrets)

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it may use this grant."""
        return grant_type in self.grants

    def check_response_type(self, response_type: str) -> bool:
        """Whether it may ask the authorization endpoint for this."""
        return RESPONSE_TYPES.get(response_type) in self.grants

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether the browser may be sent there: exactly one of those registered."""
        return redirect_uri in self.redirect_uris

    def get_default_redirect_uri(self) -> str | None:
        """The only redirect URI registered, if it is the only one."""
        return self.redirect_uris[0] if len(self.redirect_uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What is granted when `scope` is asked; None if that is not to be had."""
        asked = list(dict.fromkeys((scope or "").split())) or self.default_scopes
        return " ".join(asked) if set(asked) <= {*self.scopes, *self.default_scopes} else None


@dataclass(eq=False, kw_only=True)
class Target:
    """What a token is for, and which key its user must have; codes and devices know it before."""

    audience: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    """RFC 9396."""
    cnf: Mapping[str, str] = field(default_factory=dict)
    """`jkt` (RFC 9449 section 6), `x5t#S256` (RFC 8705 section 3.1), or nothing."""


@dataclass(eq=False)
class TokenRecord(Target):
    """A token that was issued. Instants are `time.time()` seconds."""

    value: str = field(repr=False)
    kind: TokenKind
    client_id: str
    grant_type: str
    scope: str = ""
    subject: str | None = None
    actor: str | None = None
    issued_at: float = field(default_factory=time.time)
    expires_at: float | None = None
    """None: until revoked."""
    revoked: bool = False
    family: str = field(default="", repr=False)
    """What a refresh token and every token issued from it have in common."""

    @property
    def live(self) -> bool:
        """Neither expired nor revoked."""
        return not (self.revoked or self.is_expired())

    @property
    def purpose(self) -> tuple[object, ...]:
        """Two tokens of equal purpose may stand for each other."""
        whose = self.client_id, self.subject, self.actor, dict(self.cnf)
        return *whose, self.scope, self.audience, self.resources, self.authorization_details

    @property
    def token_type(self) -> str:
        """The scheme under which it is sent to an API."""
        return "DPoP" if "jkt" in self.cnf else "Bearer"

    def check_client(self, client: Client) -> bool:
        """Whether it was issued to this client."""
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        """Its scopes, separated by spaces."""
        return self.scope

    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= time.time()

    def is_revoked(self) -> bool:
        """Whether somebody ended it."""
        return self.revoked


@dataclass(eq=False)
class CodeRecord(Target):
    """An authorization code that waits to be redeemed (RFC 6749 section 4.1.2)."""

    code: str = field(repr=False)
    client_id: str
    redirect_uri: str | None
    scope: str
    subject: str
    nonce: str | None
    """For the ID token."""
    code_challenge: str | None
    code_challenge_method: str | None
    expires_at: float

    def get_redirect_uri(self) -> str | None:
        """The redirect URI of the authorization request, which the token request must repeat."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Its scopes, separated by spaces."""
        return self.scope


@dataclass(eq=False)
class DeviceRecord(Target):
    """A device that waits for its user (RFC 8628)."""

    device_code: str = field(repr=False)
    user_code: str
    client_id: str
    scope: str
    expires_at: float
    interval: float
    """Seconds the device has to leave between two polls."""
    polled_at: float = float("-inf")
    subject: str | None = None
    denied: bool = False

    def get_client_id(self) -> str:
        """The client that the device is."""
        return self.client_id

    def get_scope(self) -> str:
        """Its scopes, separated by spaces."""
        return self.scope

    def get_user_code(self) -> str:
        """What the user types in."""
        return self.user_code

    def is_expired(self) -> bool:
        """Whether the user came too late."""
        return self.expires_at <= time.time()

    def polled_too_early(self) -> bool:
        """Note a poll; one inside the interval makes the interval 5 s longer (section 3.5)."""
        now = time.monotonic()
        early = now - self.polled_at < self.interval
        self.polled_at = now
        self.interval += 5 if early else 0
        return early
