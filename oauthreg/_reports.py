"""What managers report: mappings whose keys type checkers know."""

from __future__ import annotations

from typing import Any, Literal, Required, TypedDict

TokenState = Literal["fresh", "stale", "rejected", "none"]


class RegistrationStatus(TypedDict):
    """The state of one registration's own token, without the token.

    Attributes:
        state: `fresh`, `stale` (served while it is renewed), `rejected` by an API, or `none`.
        seconds_left: Seconds of life left by the server's expiry; None without a token.
        renewing: Whether a token request is in progress.
        error: Why the last attempt failed, while it is not repeated yet; else None.
        retry_after: Seconds until it is repeated; else None.
    """

    state: TokenState
    seconds_left: float | None
    renewing: bool
    error: str | None
    retry_after: float | None


class Introspection(TypedDict, total=False):
    """What an authorization server says of a token (RFC 7662 section 2.2); only `active` is sure.

    A server may add fields of its own. They are in the mapping, too.
    """

    active: Required[bool]
    scope: str
    client_id: str
    username: str
    token_type: str
    exp: int
    iat: int
    nbf: int
    sub: str
    aud: str | list[str]
    iss: str
    jti: str
    cnf: dict[str, Any]
    act: dict[str, Any]
    authorization_details: list[dict[str, Any]]
