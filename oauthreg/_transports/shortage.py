"""What this process has run out of, which is no fault of the server's."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_BY_NUMBER = {
    errno.EMFILE: "file descriptors",
    errno.ENFILE: "file descriptors",
    errno.ENOMEM: "memory",
    errno.ENOBUFS: "memory",
    errno.EAGAIN: "threads",  # as starting one is reported by `lookup`
}


def shortage(causes: Iterable[BaseException]) -> str | None:
    """Return what was missing, if that is behind an error."""
    for cause in causes:
        if isinstance(cause, MemoryError):
            return "memory"
        if isinstance(cause, socket.gaierror):  # which tells a shortage from nothing else
            return _shortage_of_sockets()
        if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError):
            found = _BY_NUMBER.get(cause.errno or 0)
            if found:
                return found
    return None


def _shortage_of_sockets() -> str | None:
    try:
        socket.socket().close()
    except OSError as error:
        return _BY_NUMBER.get(error.errno or 0)
    return None
