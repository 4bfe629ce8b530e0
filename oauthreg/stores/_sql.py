"""A store in PostgreSQL, MySQL or MariaDB, for any number of machines (extra `sql`).

One row per name holds both the value and the lease. Each statement stands for itself, in
autocommit: nothing is kept in a session, so that a pooler may give each one another connection.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, SQLAlchemyError

from oauthreg._errors import ConfigurationError, Problem, StoreError
from oauthreg._secret_values import MASK, SecretReadError
from oauthreg.stores._protocol import Entry, Lease, Loaded, Reading
from oauthreg.stores._sql_dialects import DIALECTS, FREED, Dialect, driver_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import URL, Engine, TextClause
    from sqlalchemy.pool import ConnectionPoolEntry

    from oauthreg._secret_values import SecretSource
    from oauthreg.stores._config import StoreConfig

PURGE_CHANCE = 1 / 128
CONNECTIONS = 4
IDLE_SECONDS = 1.0
USED = "oauthreg used until"
AHEAD = 1.0
ATTEMPTS = 3
EXAMPLE = "postgresql://user:password@host/database"
TAKE = """
UPDATE oauthreg_store
SET owner = :owner, lease_begins = {now}, lease_ends = {now} + :seconds
WHERE name = :name AND (owner IS NULL OR owner = :owner OR lease_ends <= {now}
    OR lease_begins > {now} + 1)
"""
GIVE_BACK = """
UPDATE oauthreg_store SET owner = NULL, lease_ends = 0 WHERE name = :name AND owner = :owner
"""
SAVE = """
UPDATE oauthreg_store AS r
SET generation = :generation, value = :value, ends = {now} + :ttl, {freed}
WHERE r.name = :name AND {condition}
"""
LATER = "(r.ends <= {now} OR r.generation < :generation)"
FIRST = "r.ends <= {now}"
AFTER = "r.ends > {now} AND r.generation = :after AND r.generation < :generation"
DELETE = """
UPDATE oauthreg_store SET value = NULL, ends = 0
WHERE name = :name AND generation = :generation AND ends > {now}
"""
PURGE = """
DELETE FROM oauthreg_store
WHERE substr(name, 1, :length) = :prefix AND ends <= {now} AND lease_ends <= {now}
"""
LOAD = """
SELECT moment.reading, r.name, r.generation, r.value, r.ends, r.lease_begins, r.lease_ends
FROM (SELECT {now} AS reading) moment LEFT JOIN oauthreg_store r ON r.name IN ({names})
"""


@dataclass(slots=True)
class _Database:
    """One database, and the connections of one process to it."""

    url: str = field(repr=False)
    engine: Engine
    dialect: Dialect
    closed: bool = False

    def close(self) -> None:
        """Close its connections; those that are in use, when they are not any more."""
        self.closed = True
        self.engine.dispose()


class SqlStore:
    """Keeps everything in one table of a database.

    Args:
        url: Where its address is read from, again whenever a connection fails.
        prefix: What the names of its rows begin with.
        timeout: Seconds to connect and, where the driver can, to wait for an answer.
        ca_bundle: A PEM file of the roots that are trusted.

    Raises:
        ConfigurationError: the address is none, or of a database that cannot be used.
    """

    def __init__(
        self, url: SecretSource, *, prefix: str, timeout: float, ca_bundle: str | None = None
    ) -> None:
        self._url = url
        self._prefix = f"{prefix}:"
        self._timeout = timeout
        self._ca_bundle = ca_bundle
        self._databases: dict[int, _Database] = {}
        self._closed = False
        if url.local:
            try:
                self._database()
            except StoreError as error:
                message = str(error).removeprefix("store.url ")
                raise ConfigurationError([Problem("store.url", message)]) from None

    @classmethod
    def from_config(cls, config: StoreConfig) -> SqlStore:
        """Return the store that the settings describe.

        Raises:
            ConfigurationError: as the constructor.
        """
        if config.url is None:
            remedy = f"Set store.url, url-file or url-ref, as {EXAMPLE}."
            raise ConfigurationError([Problem("store.url", "is missing", remedy=remedy)])
        bundle = str(config.ca_bundle) if config.ca_bundle is not None else None
        return cls(config.url, prefix=config.prefix, timeout=config.timeout, ca_bundle=bundle)

    @property
    def schema(self) -> str:
        """The statement that makes the table, for somebody who has the right to."""
        return self._database().dialect.table

    def load(self, names: Sequence[str], *, lease: str | None = None) -> Loaded:
        """Return what stands under these names."""
        asked = {*names, lease} if lease is not None else {*names}
        keys = {f"n{number}": self._prefix + name for number, name in enumerate(asked)}
        marks = ", ".join(f":{key}" for key in keys) or "NULL"
        rows, _ = self._execute(LOAD.replace("{names}", marks), keys)
        now, left, entries = float(rows[0][0]), 0.0, {}
        for _, row, generation, value, ends, begins, lease_ends in rows:
            name = (row or "").removeprefix(self._prefix)
            if row is not None and name in names and ends > now:
                entries[name] = Entry(generation, bytes(value))
            if row is not None and name == lease and begins <= now + AHEAD:
                left = max(0.0, lease_ends - now)
        return Loaded(Reading(now), entries, left)

    def take_lease(self, name: str, owner: str, seconds: float) -> Lease:
        """Take the lease of a name, if nobody else has it."""
        values = {"owner": owner, "seconds": seconds}
        statement = self._database().dialect.take
        if not statement:
            taken = self._update(TAKE, name, values)
            loaded = self.load([name], lease=name)
            entry = loaded.entries.get(name) if taken else None
            return Lease(taken=taken, left=loaded.lease_left, now=loaded.now, entry=entry)
        rows, _ = self._execute(statement, {**values, "name": self._prefix + name})
        now, ends, generation, value, entry_ends, begins, others_ends = rows[0]
        reading = Reading(float(now))
        if ends is not None:
            left = min(max(0.0, ends - now), seconds)  # the clock was read before and after
            entry = Entry(generation, bytes(value)) if entry_ends > now else None
            return Lease(taken=True, left=left, now=reading, entry=entry)
        known = begins is not None and begins <= now + AHEAD  # else it came at this very moment
        left = max(0.0, others_ends - now) if known else 0.0
        return Lease(taken=False, left=left, now=reading, entry=None)

    def give_back(self, name: str, owner: str) -> None:
        """Free the lease of a name, if this owner has it."""
        self._execute(GIVE_BACK, {"name": self._prefix + name, "owner": owner})

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
        values = {"generation": generation, "value": value, "ttl": ttl, "owner": owner}
        row = {"name": self._prefix + name}
        condition = LATER if after is None else FIRST
        statement = self._database().dialect.save
        if after:
            changing = SAVE.replace("{condition}", AFTER)
            saved = self._changed(changing, {**values, **row, "after": after}) == 1
        elif statement:
            saving = statement.replace("{condition}", condition)
            saved = self._changed(saving, {**values, **row}) == 1
        else:
            saved = self._update(SAVE.replace("{condition}", condition), name, values)
        if random.random() < PURGE_CHANCE:  # noqa: S311 - housekeeping
            with contextlib.suppress(StoreError):
                self.purge()
        return saved

    def delete(self, name: str, *, generation: int) -> bool:
        """Remove what stands under a name if it has this generation."""
        row = {"name": self._prefix + name, "generation": generation}
        return self._changed(DELETE, row) == 1

    def purge(self) -> int:
        """Remove the rows in which nothing stands any more, and no lease is taken."""
        values = {"prefix": self._prefix, "length": len(self._prefix)}
        return self._changed(PURGE, values)

    def close(self) -> None:
        """Close this process's connections."""
        self._closed = True
        database = self._databases.get(os.getpid())
        if database is not None:
            database.close()

    # Statements

    def _update(self, statement: str, name: str, values: Mapping[str, Any]) -> bool:
        """Change the row of a name, which is made if it is not there; return whether it changed."""
        row = {"name": self._prefix + name}
        if self._changed(statement, {**values, **row}) == 1:
            return True
        made = self._changed(self._database().dialect.placeholder, row) == 1
        return made and self._changed(statement, {**values, **row}) == 1

    def _changed(self, statement: str, values: Mapping[str, Any]) -> int:
        """Return how many rows a statement changed.

        Raises:
            StoreError: it failed.
        """
        return self._execute(statement, values)[1]

    def _execute(self, statement: str, values: Mapping[str, Any]) -> tuple[Sequence[Any], int]:
        """Return the rows of a statement, and how many it changed.

        Raises:
            StoreError: it failed.
        """
        database = self._database()
        for _ in range(ATTEMPTS - 1):
            try:
                return _once(database, statement, values)
            except SQLAlchemyError as error:
                failure = error
            database = self._mended(database, failure)
        try:
            return _once(database, statement, values)
        except SQLAlchemyError as error:
            raise self._failure(database, error) from None

    def _mended(self, database: _Database, error: SQLAlchemyError) -> _Database:
        """Return the database in which a statement that failed may be sent again.

        Raises:
            StoreError: there is nothing that can be done about it here.
        """
        code = _code(error)
        if code in database.dialect.no_table:
            self._make_table(database)
            return database
        if code in database.dialect.again:
            return database
        url = self._read_url()
        if url == database.url:
            raise self._failure(database, error)
        database.close()
        self._databases[os.getpid()] = changed = self._opened(url)
        return changed

    def _make_table(self, database: _Database) -> None:
        try:
            _once(database, database.dialect.table, {})
        except SQLAlchemyError as error:
            if _code(error) not in database.dialect.again:  # else another process made it
                raise StoreError(
                    f"{self._failure(database, error)}. Its table oauthreg_store is missing: let "
                    "somebody make it who may, by what `oauthreg store schema` prints"
                ) from None

    def _failure(self, database: _Database, error: SQLAlchemyError) -> StoreError:
        url = make_url(database.url)
        message = _words(error)
        for secret in (url.password, database.url):
            if secret:
                message = message.replace(secret, MASK)
        if _code(error) in database.dialect.other_table:
            message += (
                ". The table oauthreg_store is of another version of oauthreg, or not its own"
            )
        if "certificate verify failed" in message.lower():
            message += ". Name the roots that vouch for it in store.ca-bundle"
        host = url.host or url.query.get("host") or "localhost"
        return StoreError(f"{url.get_backend_name()} at {host}: {message}")

    # The connections

    def _database(self) -> _Database:
        """Return the database of this process; what a fork inherited is left to its parent."""
        if self._closed:
            raise StoreError("the store is closed")
        known = self._databases.get(os.getpid())
        if known is not None:
            return known
        return self._databases.setdefault(os.getpid(), self._opened(self._read_url()))

    def _read_url(self) -> str:
        try:
            return self._url.read().get_secret_value()
        except SecretReadError as error:
            raise StoreError(f"store.url cannot be read: {error}") from None

    def _opened(self, text_of_url: str) -> _Database:
        try:
            url = make_url(text_of_url)
        except (ArgumentError, ValueError):
            raise StoreError(f"store.url is no address: write it as {EXAMPLE}") from None
        dialect = DIALECTS.get(url.drivername.partition("+")[0])
        if dialect is None:
            raise StoreError("store.url must be of PostgreSQL, MySQL or MariaDB, as " + EXAMPLE)
        database = _Database(text_of_url, self._engine(url, dialect), dialect)
        _watch_connections(database)
        return database

    def _engine(self, url: URL, dialect: Dialect) -> Engine:
        backend, _, driver = url.drivername.partition("+")
        driver = driver or dialect.driver
        backend = {"postgres": "postgresql"}.get(backend, backend)
        options = driver_options(driver, timeout=self._timeout, ca_bundle=self._ca_bundle)
        given = {name: value for name, value in options.items() if name not in url.query}
        extra = {"use_native_hstore": False} if driver.startswith("psycopg") else {}
        try:
            engine = create_engine(
                url.set(drivername=f"{backend}+{driver}"),
                isolation_level="AUTOCOMMIT",
                connect_args=given,
                hide_parameters=True,
                pool_size=CONNECTIONS,
                max_overflow=CONNECTIONS,
                pool_timeout=self._timeout,
                pool_reset_on_return=None,
                **extra,
            )
        except (ImportError, SQLAlchemyError) as error:
            package = dialect.package if driver == dialect.driver else driver
            raise StoreError(
                f"store.url needs the driver {driver}: pip install '{package}'"
            ) from error
        if engine.dialect.is_async:
            raise StoreError(f"store.url names {driver}, which is for asyncio only: leave it out")
        if driver == "psycopg":
            from oauthreg.stores import _psycopg  # noqa: PLC0415 - of this driver alone

            event.listen(
                engine,
                "do_connect",
                lambda _dialect, _record, _args, options: _psycopg.connect(self._timeout, options),
            )
        return engine


def _watch_connections(database: _Database) -> None:
    """Let a connection that was idle for a while say first that it is still there."""

    def checkin(_connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[USED] = time.monotonic()
        if database.closed:
            entry.invalidate()

    def checkout(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        if time.monotonic() - entry.info.get(USED, math.inf) > IDLE_SECONDS:
            try:
                database.engine.dialect.do_ping(connection)
            except Exception:  # noqa: BLE001 - each driver raises its own
                raise DisconnectionError from None

    event.listen(database.engine, "checkin", checkin)
    event.listen(database.engine, "checkout", checkout)


@lru_cache(maxsize=64)
def _prepared(statement: str, now: str) -> TextClause:
    return text(statement.replace("{freed}", FREED).replace("{now}", now))


def _once(
    database: _Database, statement: str, values: Mapping[str, Any]
) -> tuple[Sequence[Any], int]:
    with database.engine.connect() as connection:
        result = connection.execute(_prepared(statement, database.dialect.now), dict(values))
        return (result.all() if result.returns_rows else ()), result.rowcount


def _code(error: SQLAlchemyError) -> object:
    """Return the code of a database's error: PostgreSQL's SQLSTATE, MySQL's number."""
    original = error.orig if isinstance(error, DBAPIError) else None
    number = original.args[0] if original is not None and original.args else None
    if isinstance(number, int):
        return number
    return getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)


def _words(error: SQLAlchemyError) -> str:
    original = error.orig if isinstance(error, DBAPIError) else None
    if original is None:
        return type(error).__name__
    message = original.args[-1] if original.args else type(original).__name__
    return " ".join(str(message).split("\n")[0].split())
