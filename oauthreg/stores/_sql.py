"""A store in PostgreSQL, MySQL or MariaDB, for any number of machines (extra `sql`).

One row per name holds both the value and the lease. Each statement stands for itself, in
autocommit: nothing is kept in a session, so that a pooler may give each one another connection.
"""

from __future__ import annotations

import contextlib
import os
import random
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from oauthreg._errors import ConfigurationError, Problem, StoreError
from oauthreg._secret_values import SecretReadError
from oauthreg.stores._address import checked_bundle, masked, tls_hint
from oauthreg.stores._protocol import Entry, Lease, Loaded, Reading
from oauthreg.stores._sql_dialects import FREED
from oauthreg.stores._sql_engine import EXAMPLE, Database, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import TextClause

    from oauthreg._secret_values import SecretSource
    from oauthreg.stores._config import StoreConfig

PURGE_CHANCE = 1 / 128
AHEAD = 1.0
ATTEMPTS = 3
OTHER_TABLE = "The table oauthreg_store is of another version of oauthreg, or not its own"
MISSING_TABLE = (
    "Its table oauthreg_store is missing: let somebody make it who may, by what "
    "`oauthreg store schema` prints"
)
RIGHTS = "Its user needs SELECT, INSERT, UPDATE and DELETE on the table oauthreg_store"
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
        self._databases: dict[int, Database] = {}
        self._closed = False
        if url.local:
            try:
                self._database()
            except StoreError as error:
                where, _, message = str(error).partition(" ")
                raise ConfigurationError([Problem(where, message)]) from None

    @classmethod
    def from_config(cls, config: StoreConfig) -> SqlStore:
        """Return the store that the settings describe.

        Raises:
            ConfigurationError: as the constructor.
        """
        if config.url is None:
            remedy = f"Set store.url, url-file or url-ref, as {EXAMPLE}."
            raise ConfigurationError([Problem("store.url", "is missing", remedy=remedy)])
        bundle = checked_bundle(config.ca_bundle)
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
        with _our_columns():
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
        with _our_columns():
            return _lease(rows[0], seconds)

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
            except Exception as error:  # noqa: BLE001 - drivers raise more than their own
                failure = error
            database = self._mended(database, failure)
        try:
            return _once(database, statement, values)
        except Exception as error:  # noqa: BLE001 - likewise
            raise self._failure(database, error) from None

    def _mended(self, database: Database, error: Exception) -> Database:
        """Return the database in which a statement that failed may be sent again.

        After any other failure all is connected anew: it may be another server by then.

        Raises:
            StoreError: there is nothing that can be done about it here.
        """
        code = _code(error)
        if code in database.dialect.no_table:
            self._make_table(database)
            return database
        if code in database.dialect.again:
            return database
        database.close()
        if self._databases.get(os.getpid()) is database:
            del self._databases[os.getpid()]
        changed = self._database()
        if changed.url == database.url:
            raise self._failure(database, error)
        return changed

    def _make_table(self, database: Database) -> None:
        try:
            _once(database, database.dialect.table, {})
        except Exception as error:  # noqa: BLE001 - likewise
            if _code(error) not in database.dialect.again:  # else another process made it
                raise self._failure(database, error, MISSING_TABLE) from None

    def _failure(self, database: Database, error: Exception, hint: str = "") -> StoreError:
        url, code = make_url(database.url), _code(error)
        message = masked(_words(error), database.url).rstrip(".")
        if code in database.dialect.other_table:
            hint = hint or OTHER_TABLE
        elif code in database.dialect.no_rights:
            hint = hint or RIGHTS
        hint = hint or tls_hint(message, self._ca_bundle)
        hosts = url.host or url.query.get("host") or "localhost"
        host = hosts if isinstance(hosts, str) else ", ".join(hosts)
        text = f"{message}. {hint}" if hint else message
        return StoreError(f"{url.get_backend_name()} at {host}: {text}")

    # The connections

    def _database(self) -> Database:
        """Return the database of this process; what a fork inherited is left to its parent."""
        if self._closed:
            raise StoreError("the store is closed")
        known = self._databases.get(os.getpid())
        if known is not None:
            return known
        try:
            url = self._url.read().get_secret_value()
        except SecretReadError as error:
            raise StoreError(f"store.url cannot be read: {error}") from None
        database = opened(url, timeout=self._timeout, ca_bundle=self._ca_bundle)
        return self._databases.setdefault(os.getpid(), database)


@lru_cache(maxsize=64)
def _prepared(statement: str, now: str) -> TextClause:
    return text(statement.replace("{freed}", FREED).replace("{now}", now))


def _once(
    database: Database, statement: str, values: Mapping[str, Any]
) -> tuple[Sequence[Any], int]:
    with database.engine.connect() as connection:
        result = connection.execute(_prepared(statement, database.dialect.now), dict(values))
        return (result.all() if result.returns_rows else ()), result.rowcount


def _lease(row: Sequence[Any], seconds: float) -> Lease:
    now, ends, generation, value, entry_ends, begins, others_ends = row
    reading = Reading(float(now))
    if ends is not None:
        left = min(max(0.0, ends - now), seconds)  # the clock was read before and after
        entry = Entry(generation, bytes(value)) if entry_ends > now else None
        return Lease(taken=True, left=left, now=reading, entry=entry)
    known = begins is not None and begins <= now + AHEAD  # else it came at this very moment
    left = max(0.0, others_ends - now) if known else 0.0
    return Lease(taken=False, left=left, now=reading, entry=None)


@contextlib.contextmanager
def _our_columns() -> Iterator[None]:
    """Read rows whose columns may be of other types than ours."""
    try:
        yield
    except (TypeError, ValueError):
        raise StoreError(OTHER_TABLE) from None


def _code(error: Exception) -> object:
    """Return the code of a database's error: PostgreSQL's SQLSTATE, MySQL's number."""
    original = error.orig if isinstance(error, DBAPIError) else None
    number = original.args[0] if original is not None and original.args else None
    if isinstance(number, int):
        return number
    return getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)


def _words(error: Exception) -> str:
    if isinstance(error, SQLAlchemyError) and not isinstance(error, DBAPIError):
        return type(error).__name__
    original = error.orig if isinstance(error, DBAPIError) else error
    message = original.args[-1] if original is not None and original.args else ""
    words = " ".join(str(message).split("\n")[0].split())
    return words or type(original).__name__
