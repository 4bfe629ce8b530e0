"""What an HTTP library makes of `.netrc`, to tell that from a header of the caller's."""

from __future__ import annotations

import netrc
import os
from base64 import b64encode
from pathlib import Path


def authorization(host: str) -> str | None:
    """Return the Authorization header by `.netrc` for a host, or None. Reads the file."""
    try:
        path = os.environ.get("NETRC") or Path.home() / ("_netrc" if os.name == "nt" else ".netrc")
        entry = netrc.netrc(str(path)).authenticators(host)
        if entry is None:
            return None
        login, account, password = entry
        pair = f"{login or account or ''}:{password or ''}".encode("latin-1")
    except (OSError, RuntimeError, ValueError, netrc.NetrcParseError):  # nothing to be read
        return None
    return f"Basic {b64encode(pair).decode('ascii')}"
