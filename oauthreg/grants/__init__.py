"""One flow per grant: a generator that decides and never does I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from oauthreg.grants.client_credentials import client_credentials

if TYPE_CHECKING:
    from oauthreg.protocol.context import Hooks, PluginContext
    from oauthreg.wire import Flow, Granted

Grant = Callable[["PluginContext", "Hooks"], "Flow[Granted]"]

GRANTS: Mapping[str, Grant] = {
    "client_credentials": client_credentials,
}
"""Flows by the setting `authorization-grant-type`."""

LOGIN_GRANTS = frozenset({"authorization_code"})
"""Grants that begin with a user at a browser: no token without a login."""

SHORT_NAMES: Mapping[str, str] = {
    "device_code": "urn:ietf:params:oauth:grant-type:device_code",
    "jwt-bearer": "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "token-exchange": "urn:ietf:params:oauth:grant-type:token-exchange",
}


def canonical_grant(name: str) -> str:
    """Return a grant's registered name for any spelling that means it: `client-credentials`."""
    folded = name.strip().lower()
    for short, registered in SHORT_NAMES.items():
        if folded.replace("_", "-") in (short.replace("_", "-"), registered.replace("_", "-")):
            return registered
    return folded if ":" in folded else folded.replace("-", "_")
