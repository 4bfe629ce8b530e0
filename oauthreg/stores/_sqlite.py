"""A store in one file, for the processes of one machine; no service and no extra is needed.

Nothing waits in SQLite: a database that another process writes to at this moment is a
`StoreBusyError`, and the caller pauses. Each process has one connection, which no fork inherits:
before a fork all of them are at rest and closed.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from oauthreg._errors import ConfigurationError, StoreError
from oauthreg.stores import _files as files
from oauthreg.stores._holder import boot, holder, is_dead, steady
from oauthreg.stores._process import ProcessLock
from oauthreg.stores._protocol import Entry, Lease, Loaded, Reading, StoreBusyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from oauthreg.stores._config import StoreConfig

APPLICATION_ID = 0x6F617574
VERSION = 1
PURGE_CHANCE = 1 / 128
FORK_WAIT = 1.0
AHEAD = 1.0
SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS entries (
    name TEXT PRIMARY KEY, generation INTEGER NOT NULL, value BLOB NOT NULL, ends REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, holder TEXT NOT NULL,
    begins REAL NOT NULL, ends REAL NOT NULL
) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""
SAVE_FIRST = """
INSERT INTO entries VALUES (:name, :generation, :value, :ends)
ON CONFLICT (name) DO UPDATE SET
    generation = excluded.generation, value = excluded.value, ends = excluded.ends
WHERE entries.ends <= :now OR (:later AND entries.generation < excluded.generation)
"""
SAVE_AFTER = """
UPDATE entries SET generation = :generation, value = :value, ends = :ends
WHERE name = :name AND generation = :after AND generation < :generation AND ends > :now
"""
TAKE = """
INSERT INTO leases VALUES (:name, :owner, :holder, :begins, :ends)
ON CONFLICT (name) DO UPDATE SET
    owner = excluded.owner, holder = excluded.holder,
    begins = excluded.begins, ends = excluded.ends
WHERE leases.owner = :seen_owner AND leases.ends = :seen_ends
"""
GIVE_BACK = "DELETE FROM leases WHERE name = ? AND owner = ?"


class SqliteStore:
    """Keeps everything in one SQLite file, which only its owner can read.

    Args:
        path: The file; it is made when it is first used.
        timeout: Seconds to wait for another thread of this process.
        allow_readable: Whether a file or folder that others can read is accepted.

    Raises:
        ConfigurationError: others can read the file, or it lies where SQLite cannot lock it.
    """

    def __init__(self, path: Path, *, timeout: float = 1.0, allow_readable: bool = False) -> None:
        self._path = path
        self._timeout = timeout
        self._allow_readable = allow_readable
        self._lock = ProcessLock()
        self._connection: sqlite3.Connection | None = None  # and while it is open, its _closer
        self._pid = 0
        self._inode = 0
        self._closed = False
        files.check(path, allow_readable=allow_readable)
        if files.size(path):  # what fails may be over when it is used; a wrong place is wrong now
            with contextlib.suppress(StoreError, sqlite3.Error, OSError):
                self._connect().close()
        _stores.add(self)

    @classmethod
    def from_config(cls, config: StoreConfig) -> SqliteStore:
        """Return the store that the settings describe.

        Raises:
            ConfigurationError: as the constructor.
        """
        assert config.path is not None  # noqa: S101 - the settings have a default
        return cls(config.path, timeout=config.timeout, allow_readable=config.allow_readable)

    def load(self, names: Sequence[str], *, lease: str | None = None) -> Loaded:
        """Return what stands under these names."""
        with self._open() as connection:
            now = time.time()
            held = self._lease(connection, lease) if lease is not None else None
            entries = _entries(connection, names, now)
        return Loaded(_reading(now), entries, held[1] if held else 0.0)

    def take_lease(self, name: str, owner: str, seconds: float) -> Lease:
        """Take the lease of a name, if nobody else on this machine has it and lives."""
        with self._open() as connection:
            seen = self._lease(connection, name)
            now, reading = _lease_clock(), _reading(time.time())
            if seen is not None and seen[1] and seen[0] != owner:
                return Lease(taken=False, left=seen[1], now=reading, entry=None)
            values = {
                "name": name,
                "owner": owner,
                "holder": holder(),
                "begins": now,
                "ends": now + seconds,
                "seen_owner": seen[0] if seen else "",
                "seen_ends": seen[2] if seen else -1.0,
            }
            if connection.execute(TAKE, values).rowcount != 1:
                raise StoreBusyError("another process took the lease at this moment")
            entry = _entries(connection, [name], time.time()).get(name)
        return Lease(taken=True, left=seconds, now=reading, entry=entry)

    def give_back(self, name: str, owner: str) -> None:
        """Free the lease of a name, if this owner has it."""
        with self._open() as connection:
            connection.execute(GIVE_BACK, (name, owner))

    def save(
        self,
        name: str,
        value: bytes,
        *,
        generation: int,
        ttl: float,
        after: int | None = None,
        owner: str | None = None,
    ) -> bool:
        """Write a value, if what stands allows it."""
        now = time.time()
        values = {
            "name": name,
            "generation": generation,
            "value": value,
            "ends": now + ttl,
            "now": now,
            "after": after,
            "later": after is None,
        }
        with self._open() as connection:
            statement = SAVE_AFTER if after else SAVE_FIRST
            connection.execute("BEGIN IMMEDIATE")
            with connection:  # it commits, or rolls back
                saved = connection.execute(statement, values).rowcount == 1
                if saved and owner is not None:
                    connection.execute(GIVE_BACK, (name, owner))
            if random.random() < PURGE_CHANCE:  # noqa: S311 - housekeeping
                with contextlib.suppress(sqlite3.Error):
                    _purge(connection)
        return saved

    def delete(self, name: str, *, generation: int) -> bool:
        """Remove what stands under a name if it has this generation."""
        with self._open() as connection:
            done = connection.execute(
                "DELETE FROM entries WHERE name = ? AND generation = ? AND ends > ?",
                (name, generation, time.time()),
            )
            return done.rowcount == 1

    def purge(self) -> int:
        """Remove what has ended."""
        with self._open() as connection:
            return _purge(connection)

    def close(self) -> None:
        """Close this process's connection."""
        self._closed = True
        if self._lock.acquire(timeout=self._timeout):
            try:
                self._disconnect()
            finally:
                self._lock.release()

    # The connection

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Give the connection of this process to one thread.

        Raises:
            StoreError: whatever SQLite or the file system says.
        """
        if not self._lock.acquire(timeout=self._timeout):
            raise StoreBusyError(f"{self._path}: another thread is waiting for the disk")
        try:
            yield self._connected()
        except sqlite3.Error as error:
            if _is_busy(error):
                raise StoreBusyError(f"{self._path}: another process is writing to it") from None
            self._disconnect()
            raise StoreError(f"{self._path}: {error}") from None
        except OSError as error:
            self._disconnect()
            raise StoreError(f"{self._path}: {error.strerror}") from None
        except ConfigurationError as error:
            raise StoreError(str(error.problems[0])) from None
        finally:
            self._lock.release()

    def _connected(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError("the store is closed")
        if self._connection is not None and (
            self._pid != os.getpid() or self._inode != _inode(self._path)
        ):  # a fork inherited it; or the file was removed, or another one put in its place
            self._disconnect()
        if self._connection is None:
            self._connection = self._connect()
            self._pid, self._inode = os.getpid(), _inode(self._path)
            self._closer = weakref.finalize(self, _close, self._connection, self._pid)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        """Return a new connection.

        Raises:
            ConfigurationError: the file is open to others, or in a wrong place.
            StoreError: it is another program's, or a newer version's.
            sqlite3.Error: what SQLite says.
            OSError: what the file system says.
        """
        files.make_folder(self._path)
        files.check(self._path, allow_readable=self._allow_readable)
        files.make_file(self._path)
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=rw",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        ours = _pragma(connection, "application_id")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if ours not in (0, APPLICATION_ID) or (not ours and tables - {"entries", "leases"}):
            raise StoreError(f"{self._path} is the database of another program")
        if ours and _pragma(connection, "user_version") > VERSION:
            raise StoreError(f"{self._path} was made by a newer version of oauthreg")
        mode = _pragma(connection, "journal_mode = wal")
        if mode != "wal":
            raise files.problem(
                f"{self._path} lies where SQLite has no write-ahead log (it says {mode!r})",
                files.ELSEWHERE,
            )
        connection.execute("PRAGMA synchronous = normal")
        if not ours:
            try:
                connection.executescript(SCHEMA)
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.rollback()
                raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._closer.detach()
            _close(connection, self._pid)

    def _lease(self, connection: sqlite3.Connection, name: str) -> tuple[str, float, float] | None:
        """Return a lease's owner, the seconds it is still taken, and its end."""
        row = connection.execute(
            "SELECT owner, holder, begins, ends FROM leases WHERE name = ?", (name,)
        ).fetchone()
        if row is None:
            return None
        owner, held_by, begins, ends = row
        now = _lease_clock()
        taken = begins - AHEAD <= now < ends and not is_dead(held_by)
        return owner, ends - now if taken else 0.0, ends

    # Forks

    def before_fork(self) -> bool:
        """Come to rest and close the connection; False if that takes too long."""
        if not self._lock.acquire(timeout=FORK_WAIT):
            return False
        self._disconnect()
        return True

    def after_fork(self) -> None:
        """Go on in the parent."""
        self._lock.release()


def _entries(connection: sqlite3.Connection, names: Sequence[str], now: float) -> dict[str, Entry]:
    marks = ",".join("?" * len(names))
    rows = connection.execute(
        f"SELECT name, generation, value FROM entries WHERE name IN ({marks}) AND ends > ?",  # noqa: S608 - question marks
        (*names, now),
    )
    return {name: Entry(generation, value) for name, generation, value in rows}


def _reading(now: float) -> Reading:
    return Reading(now, boot(), steady())


def _lease_clock() -> float:
    """Return the time by which leases run out: they mean nothing in another run of the machine."""
    return steady() or time.time()


def _purge(connection: sqlite3.Connection) -> int:
    connection.execute(
        "DELETE FROM leases WHERE ends <= ? OR (holder > '' AND holder NOT LIKE ?)",
        (_lease_clock(), f"{boot()}%"),
    )
    return connection.execute("DELETE FROM entries WHERE ends <= ?", (time.time(),)).rowcount


def _pragma(connection: sqlite3.Connection, text: str) -> Any:
    return connection.execute(f"PRAGMA {text}").fetchone()[0]


def _is_busy(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary one
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _inode(path: Path) -> int:
    try:
        return path.lstat().st_ino
    except OSError:
        return 0


def _close(connection: sqlite3.Connection, pid: int) -> None:
    """Close a connection, but never one that a fork inherited: its file and locks are the parent's.

    Called when the store disconnects, or when nobody has the store any more.
    """
    if pid == os.getpid():
        with contextlib.suppress(sqlite3.Error):
            connection.close()
    else:
        import ctypes  # noqa: PLC0415 - only after a fork that Python was not told of

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


_stores: weakref.WeakSet[SqliteStore] = weakref.WeakSet()
_resting: list[SqliteStore] = []


def _before_fork() -> None:
    _resting.extend(store for store in list(_stores) if store.before_fork())


def _after_fork() -> None:
    while _resting:
        _resting.pop().after_fork()


with contextlib.suppress(AttributeError):  # no fork on Windows
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_resting.clear
    )
