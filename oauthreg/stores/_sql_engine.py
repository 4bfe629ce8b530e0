"""The connections of an sql store: by which driver, with which time limits, from which pool."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, SQLAlchemyError

from oauthreg._errors import StoreError
from oauthreg.stores._address import ENCODING, check_form
from oauthreg.stores._sql_dialects import DIALECTS, Dialect, driver_options

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine
    from sqlalchemy.pool import ConnectionPoolEntry

CONNECTIONS = 4
IDLE_SECONDS = 1.0
USED = "oauthreg used until"
EXAMPLE = "postgresql://user:password@host/database"
LOG = "oauthreg"
LOGS = (f"sqlalchemy.engine.Engine.{LOG}", f"sqlalchemy.pool.impl.QueuePool.{LOG}")
UNCHECKED = frozenset({"disable", "allow", "prefer"})
"""What `sslmode` says where nobody is checked by any roots."""


@dataclass(slots=True)
class Database:
    """One database, and the connections of one process to it."""

    url: str = field(repr=False)
    engine: Engine = field(repr=False)
    dialect: Dialect
    closed: bool = False

    def close(self) -> None:
        """Close its connections; those that are in use, when they are not any more."""
        self.closed = True
        self.engine.dispose()


def opened(text: str, *, timeout: float, ca_bundle: str | None) -> Database:
    """Return the database that an address names; nothing is connected yet.

    Args:
        text: The address.
        timeout: Seconds to connect and, where the driver can, to wait for an answer.
        ca_bundle: A PEM file of the roots that are trusted.

    Raises:
        StoreError: it is no address, or of something that cannot be used.
    """
    url = _parsed(text)
    backend, _, driver = url.drivername.partition("+")
    dialect = DIALECTS.get(backend)
    if dialect is None:
        raise StoreError("store.url must be of PostgreSQL, MySQL or MariaDB, as " + EXAMPLE)
    driver = driver or next(iter(dialect.drivers))
    if driver not in dialect.drivers:
        known = " or ".join(dialect.drivers)
        raise StoreError(f"store.url names another driver than {known}: leave it out")
    if ca_bundle is not None:
        _check_that_roots_count(url, driver)
    backend = {"postgres": "postgresql"}.get(backend, backend)
    url = url.set(drivername=f"{backend}+{driver}")
    options = driver_options(driver, timeout=timeout, ca_bundle=ca_bundle)
    given = {name: value for name, value in options.items() if name not in url.query}
    database = Database(text, _engine(url, driver, given, timeout, dialect), dialect)
    _watch_connections(database)
    return database


def _parsed(text: str) -> URL:
    try:
        check_form(text)
    except ValueError as error:
        raise StoreError(f"store.url {error}") from None
    scheme, colon, rest = text.partition(":")
    try:
        url = make_url(f"{scheme.lower()}{colon}{rest}")
    except (ArgumentError, ValueError):
        raise StoreError(f"store.url is no address: write it as {EXAMPLE}") from None
    if "@" in (url.host or ""):
        raise StoreError(f"store.url has more than one @: {ENCODING}")
    return url


def _check_that_roots_count(url: URL, driver: str) -> None:
    if url.query.get("sslmode") in UNCHECKED:
        raise StoreError("store.url has an sslmode by which store.ca-bundle is of no use")
    if driver == "pymysql" and _version(driver) < (1, 2):
        raise StoreError("store.ca-bundle needs pymysql 1.2: older ones may go on without TLS")


def _version(package: str) -> tuple[int, ...]:
    try:
        return tuple(map(int, metadata.version(package).split(".")[:2]))
    except metadata.PackageNotFoundError:
        return (1, 2)  # the engine will say that it is missing


def _engine(
    url: URL, driver: str, options: dict[str, Any], timeout: float, dialect: Dialect
) -> Engine:
    extra = {"use_native_hstore": False} if driver.startswith("psycopg") else {}
    try:
        engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            connect_args=options,
            hide_parameters=True,
            pool_size=CONNECTIONS,
            max_overflow=CONNECTIONS,
            pool_timeout=timeout,
            pool_reset_on_return=None,
            logging_name=LOG,
            pool_logging_name=LOG,
            **extra,
        )
    except (ImportError, SQLAlchemyError) as error:
        package = dialect.drivers[driver]
        raise StoreError(f"store.url needs the driver {driver}: pip install '{package}'") from error
    except ValueError:
        raise StoreError("store.url has a parameter whose value is none") from None
    for log in LOGS:
        logging.getLogger(log).addFilter(_drop)
    if driver == "psycopg":
        from oauthreg.stores import _psycopg  # noqa: PLC0415 - of this driver alone

        event.listen(
            engine,
            "do_connect",
            lambda _dialect, _record, _args, options: _psycopg.connect(timeout, options),
        )
    return engine


def _drop(_record: logging.LogRecord) -> bool:
    """Log nothing: at DEBUG it would be each row, and each connection with its user."""
    return False


def _watch_connections(database: Database) -> None:
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
