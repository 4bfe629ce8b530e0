"""Reading files with a bound: regular files only, up to a size."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

SECRET_SIZE = 64 * 1024
SETTINGS_SIZE = 1024 * 1024
"""The largest secret, key or certificate, and the largest settings file, in bytes."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_file(path: str | Path, size: int) -> bytes:
    """Return the content of a regular file of at most `size` bytes.

    Pipes, devices and sockets are refused, because a read may never end; opening one does not
    block.

    Raises:
        OSError: it cannot be read; `strerror` says why.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except ValueError:  # a NUL character, or text that no file name can hold
        raise OSError(errno.EINVAL, "Not the path of a file") from None
    with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "Is a directory")
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "Not a regular file")
        content: bytes | None = file.read(size + 1)
    if content is None:  # some of /proc and /sys wait for more
        raise OSError(errno.EINVAL, "Not a regular file")
    if len(content) > size:
        raise OSError(errno.EFBIG, f"Larger than {size // 1024} KiB")
    return content


def working_directory() -> Path:
    """Return the working directory, from which relative paths start; it may have been deleted."""
    try:
        return Path.cwd()
    except OSError:
        return Path()
