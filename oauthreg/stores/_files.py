"""The files of a store on this machine: who may read them, and where they may lie.

A file is judged by `lstat` only: opening and closing a database drops the locks that SQLite has
on it in this process.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

from oauthreg._errors import ConfigurationError, Problem

OTHERS = 0o077
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
ELSEWHERE = 'Use a folder on this machine, or store.type = "sql" or "redis".'
NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"smb3", "smbfs", "virtiofs", "vboxsf"}
)
ESCAPED = re.compile(r"\\(\d{3})")
MOUNTS = Path("/proc/self/mountinfo")


def default_path() -> Path:
    """Return `$XDG_STATE_HOME/oauthreg/tokens.db`, by default in `~/.local/state`.

    Raises:
        ConfigurationError: this program's user has no home.
    """
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    try:
        state = named if named.is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:
        raise problem("this user has no home folder", "Set store.path.") from None
    return state / "oauthreg" / "tokens.db"


def key_path(path: Path) -> Path:
    """Return the file of a store's own key."""
    return path.with_name(f"{path.name}.key")


def check(path: Path, *, allow_readable: bool) -> None:
    """Check a store's file and folder, as far as they are there.

    Raises:
        ConfigurationError: others can read one of them, it is of a wrong kind or place, or there
            is no such folder.
    """
    folder = path.parent
    if not is_there(folder) and path != default_path():
        raise problem(f"there is no folder {folder}", f"mkdir -m {PRIVATE_FOLDER:o} {folder}")
    _check_one(folder, "folder", allow_readable=allow_readable)
    for file in (path, key_path(path)):
        _check_one(file, "file", allow_readable=allow_readable)
    system = file_system(folder)
    if system in NETWORK or system.startswith("fuse."):
        raise problem(f"{folder} lies on a network file system ({system})", ELSEWHERE)


def is_there(path: Path) -> bool:
    """Whether something has this name, as far as this program may know."""
    return os.path.lexists(path)


def size(path: Path) -> int:
    """Return the size of a file; 0 if it is not there."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def make_folder(path: Path) -> None:
    """Make the folder of a store at the default path, and those above it, for their owner alone.

    Raises:
        OSError: that is not possible.
    """
    if not is_there(path.parent) and path == default_path():
        for folder in reversed([above for above in path.parents if not is_there(above)]):
            folder.mkdir(PRIVATE_FOLDER, exist_ok=True)


def make_file(path: Path, content: bytes = b"") -> bool:
    """Make a file for its owner alone, whole from the first moment; False if it is there already.

    Raises:
        OSError: that is not possible.
    """
    if not content:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
        except FileExistsError:
            return False
        return True
    draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def file_system(folder: Path) -> str:
    """Return the type of the file system that a folder lies on; empty if it cannot be known."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    while not is_there(folder):
        folder = folder.parent
    folder = folder.resolve()
    best, found = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), before.split()[4]))
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), after.split()[0]
    return found


def problem(message: str, remedy: str = "") -> ConfigurationError:
    """Return the error that one problem with the store's place is."""
    return ConfigurationError([Problem("store.path", message, remedy=remedy)])


def _check_one(path: Path, kind: str, *, allow_readable: bool) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise problem(f"{path}: {error.strerror}") from None
    if stat.S_ISLNK(found.st_mode):
        raise problem(f"{path} is a symbolic link", f"Name the {kind} itself.")
    if not (stat.S_ISDIR if kind == "folder" else stat.S_ISREG)(found.st_mode):
        raise problem(f"{path} is no {kind}")
    if sys.platform == "win32":
        return
    owners = {os.geteuid(), 0} if kind == "folder" else {os.geteuid()}
    if found.st_uid not in owners:
        raise problem(
            f"{path} belongs to another user ({found.st_uid}, and this program runs as "
            f"{os.geteuid()})",
            "Run this program as that user, or name a file of its own.",
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & OTHERS and not allow_readable:
        wanted = PRIVATE_FOLDER if kind == "folder" else PRIVATE_FILE
        shared = mode & stat.S_ISVTX or path == path.parent  # as /tmp, which must stay as it is
        own = f"Name a {kind} of its own" if shared else f"chmod {wanted:o} {path}, or name another"
        raise problem(
            f"{path} is open to other users (mode {mode:04o})",
            f"{own}, or set store.allow-readable = true.",
        )
