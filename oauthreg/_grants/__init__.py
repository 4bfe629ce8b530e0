"""One flow per grant: a generator that decides and never does I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from oauthreg._grants.client_credentials import client_credentials
from oauthreg._grants.device_code import DEVICE_CODE
from oauthreg._grants.jwt_bearer import JWT_BEARER, jwt_bearer
from oauthreg._grants.password import password
from oauthreg._grants.refresh_token import refresh_token
from oauthreg._grants.token_exchange import TOKEN_EXCHANGE, token_exchange

if TYPE_CHECKING:
    from oauthreg._flow import Flow, Granted
    from oauthreg._protocol.context import Hooks, PluginContext

Grant = Callable[["PluginContext", "Hooks"], "Flow[Granted]"]

GRANTS: Mapping[str, Grant] = {
    "client_credentials": client_credentials,
    "refresh_token": refresh_token,
    "authorization_code": refresh_token,
    DEVICE_CODE: refresh_token,
    "implicit": refresh_token,
    "password": password,
    JWT_BEARER: jwt_bearer,
    TOKEN_EXCHANGE: token_exchange,
}
"""What gets and renews a token, by `authorization-grant-type`: after a login, its refresh token."""

LOGIN_GRANTS = frozenset({"authorization_code", DEVICE_CODE, "implicit"})
"""Grants that begin with a login: nothing is granted to a principal who has not logged in."""

INSECURE_GRANTS: Mapping[str, str] = {
    "password": "authorization_code or device_code, which never show the password to a program",
    "implicit": "authorization_code, which never puts a token in an address",
}
"""Grants that must be allowed by name (RFC 9700 section 2), and what to use instead."""

SHORT_NAMES: Mapping[str, str] = {
    "device_code": DEVICE_CODE,
    "jwt-bearer": JWT_BEARER,
    "token-exchange": TOKEN_EXCHANGE,
}


def canonical_grant(name: str) -> str:
    """Return a grant's registered name for any spelling that means it: `client-credentials`."""
    folded = name.strip().lower()
    for short, registered in SHORT_NAMES.items():
        if folded.replace("_", "-") in (short.replace("_", "-"), registered.replace("_", "-")):
            return registered
    return folded if ":" in folded else folded.replace("-", "_")
