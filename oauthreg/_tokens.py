"""Tokens, and the arithmetic of their freshness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from oauthreg._flow import NOTHING
from oauthreg._masked import Masked
from oauthreg._secret_values import MASK

SAFETY_MARGIN = 10.0
SAFETY_SHARE = 0.10
RENEWAL_WINDOW = 20 * 60.0
RENEWAL_SHARE = 0.50
LONGEST_WINDOW_SHARE = 0.90
SPREAD = 0.20


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken(Masked):
    """An access token (RFC 6749 section 1.4).

    Attributes:
        token_value: The token itself.
        token_type: `Bearer` or `DPoP`.
        scopes: What was granted.
        issued_at: When its request was started, aware UTC.
        expires_at: When it ends by the server's word (or `default-lifetime`), aware UTC.
        api_uri: The address of the API that it is for, as the token answer named it.
        extra: The other fields of the token answer.
    """

    token_value: str = field(repr=False)
    token_type: str
    scopes: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    api_uri: str | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING, repr=False, hash=False)

    def __repr__(self) -> str:
        return (
            f"AccessToken({self.token_type} {MASK}, scopes={' '.join(self.scopes)!r}, "
            f"expires_at={self.expires_at:%Y-%m-%dT%H:%M:%SZ})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken(Masked):
    """A refresh token (RFC 6749 section 1.5).

    Attributes:
        token_value: The token itself.
        issued_at: When it was received, aware UTC.
    """

    token_value: str = field(repr=False)
    issued_at: datetime

    def __repr__(self) -> str:
        return f"RefreshToken({MASK})"


class Life(NamedTuple):
    """Seconds after the start of its request at which a token changes state."""

    stale_after: float
    expired_after: float


def life(
    lifetime: float,
    *,
    spread: float,
    refresh_before: float | None = None,
    refresh_in: float | None = None,
    minimum_life: float = 0.0,
) -> Life:
    """Return when a token goes stale and when it counts as expired.

    Args:
        lifetime: Seconds from the start of the token request to the server's expiry.
        spread: A number in [0, 1) drawn once per token, against renewals at one moment.
        refresh_before: The registration's own window in seconds; 0 renews expired tokens only.
        refresh_in: Seconds after which the server wants it renewed, if that is before this rule.
        minimum_life: Seconds that a token must have left to be of use; it does not count where
            hardly any would remain.
    """
    if minimum_life < LONGEST_WINDOW_SHARE * lifetime:
        lifetime -= minimum_life
    expired = lifetime - min(SAFETY_MARGIN, SAFETY_SHARE * lifetime)
    if refresh_before is None:
        window = min(RENEWAL_SHARE * lifetime, RENEWAL_WINDOW)
    else:
        window = min(refresh_before, LONGEST_WINDOW_SHARE * lifetime)
    stale = min(lifetime - window * (1 - SPREAD * spread), expired)
    if refresh_in is not None and refresh_before is None:
        stale = min(stale, max(refresh_in, (1 - LONGEST_WINDOW_SHARE) * lifetime))
    return Life(stale, expired)
