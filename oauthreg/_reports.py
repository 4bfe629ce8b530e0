"""What managers report: mappings whose keys type checkers know."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Required, TypedDict

TokenState = Literal["fresh", "stale", "rejected", "none"]


class StoreStatus(TypedDict):
    """What is known of a manager's store, without asking it.

    Attributes:
        type: `store.type`.
        failure: Why its last call failed, so that each process fetches for itself; None if it is
            in use.
        retry_after: Seconds until it is tried again; 0 if it is in use.
    """

    type: str
    failure: str | None
    retry_after: float


class RegistrationStatus(TypedDict):
    """The state of one registration's own token, without the token.

    Attributes:
        state: `fresh`, `stale` (served while it is renewed), `rejected` by an API, or `none`.
        seconds_left: Seconds of life left by the server's expiry; None without a token.
        renewing: Whether a token request is in progress.
        error: Why the last attempt failed, while it is not repeated yet; else None.
        retry_after: Seconds until it is repeated; else None.
        store: The store that the token is shared by; None for one that stays in this process.
    """

    state: TokenState
    seconds_left: float | None
    renewing: bool
    error: str | None
    retry_after: float | None
    store: StoreStatus | None


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


class Health(TypedDict):
    """The health of one registration, or of the store.

    Attributes:
        state: `ready`: nothing failed since the last success; also never asked, or ended unused.
            `degraded`: there is a valid token, but renewals fail. `down`: the last attempt failed,
            and there is no valid token.
        reason: Why it is not ready, without any credential; None if it is.
        since: When the first failure since the last success happened (UTC); None if it is ready.
    """

    state: Literal["ready", "degraded", "down"]
    reason: str | None
    since: datetime | None
