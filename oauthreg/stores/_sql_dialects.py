"""What differs between the databases of a store: its table, its clock, its errors, its drivers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FREED = """
lease_ends = CASE WHEN r.owner = :owner THEN 0 ELSE r.lease_ends END,
owner = CASE WHEN r.owner = :owner THEN NULL ELSE r.owner END
"""
"""What frees the lease of a row, in the order in which MySQL changes columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One kind of database.

    Attributes:
        drivers: The drivers, and what installs each; the first where the address names none.
        now: Its clock, in seconds since the epoch, as an expression.
        table: The statement that makes the table.
        placeholder: The statement that makes a row in which nothing stands, if there is none.
        take: The statement that takes a lease and says how it stands; empty where that takes
            several.
        save: The statement that writes a value whether there is a row or not; likewise.
        no_table: The codes that say that there is no table.
        other_table: Those that say that it has other columns, or of other types.
        no_rights: Those that say what the user may not do.
        again: Those of a statement that may simply be sent again.
    """

    drivers: Mapping[str, str]
    now: str
    table: str
    placeholder: str
    no_table: frozenset[object]
    other_table: frozenset[object]
    no_rights: frozenset[object]
    again: frozenset[object]
    take: str = ""
    save: str = ""


POSTGRESQL = Dialect(
    drivers={"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary"},
    now="extract(epoch FROM clock_timestamp())::double precision",
    table="""CREATE TABLE IF NOT EXISTS oauthreg_store (
    name varchar(160) PRIMARY KEY,
    generation bigint NOT NULL DEFAULT 0,
    value bytea,
    ends double precision NOT NULL DEFAULT 0,
    owner varchar(100),
    lease_begins double precision NOT NULL DEFAULT 0,
    lease_ends double precision NOT NULL DEFAULT 0
)""",
    placeholder="INSERT INTO oauthreg_store (name) VALUES (:name) ON CONFLICT (name) DO NOTHING",
    take="""
WITH taken AS (
    INSERT INTO oauthreg_store AS r (name, owner, lease_begins, lease_ends)
    VALUES (:name, :owner, {now}, {now} + :seconds)
    ON CONFLICT (name) DO UPDATE
    SET owner = :owner, lease_begins = {now}, lease_ends = {now} + :seconds
    WHERE r.owner IS NULL OR r.owner = :owner OR r.lease_ends <= {now}
        OR r.lease_begins > {now} + 1
    RETURNING r.lease_ends, r.generation, r.value, r.ends
)
SELECT moment.reading, taken.lease_ends, taken.generation, taken.value, taken.ends,
    r.lease_begins, r.lease_ends
FROM (SELECT {now} AS reading) moment
    LEFT JOIN taken ON true LEFT JOIN oauthreg_store r ON r.name = :name
""",
    save="""
INSERT INTO oauthreg_store AS r (name, generation, value, ends)
VALUES (:name, :generation, :value, {now} + :ttl)
ON CONFLICT (name) DO UPDATE
SET generation = :generation, value = :value, ends = {now} + :ttl, {freed}
WHERE {condition}
""",
    no_table=frozenset({"42P01"}),
    other_table=frozenset(
        {"22001", "22003", "23502", "42703", "42804", "42809", "42883", "42P10", "55000"}
    ),
    no_rights=frozenset({"42501"}),
    again=frozenset({"40001", "40P01", "23505", "42710", "42P07"}),
)
MYSQL = Dialect(
    drivers={"pymysql": "pymysql"},
    now="(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000E0)",
    table="""CREATE TABLE IF NOT EXISTS oauthreg_store (
    name varchar(160) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,
    generation bigint NOT NULL DEFAULT 0,
    value mediumblob,
    ends double NOT NULL DEFAULT 0,
    owner varchar(100) CHARACTER SET ascii COLLATE ascii_bin,
    lease_begins double NOT NULL DEFAULT 0,
    lease_ends double NOT NULL DEFAULT 0
) ENGINE = InnoDB""",
    placeholder="INSERT IGNORE INTO oauthreg_store (name) VALUES (:name)",
    no_table=frozenset({1146}),
    other_table=frozenset({1048, 1054, 1264, 1265, 1364, 1366, 1406}),
    no_rights=frozenset({1044, 1142}),
    again=frozenset({1213, 1205, 1020, 1050}),
)
DIALECTS: Mapping[str, Dialect] = {
    "postgresql": POSTGRESQL,
    "postgres": POSTGRESQL,
    "mysql": MYSQL,
    "mariadb": MYSQL,
}


def driver_options(driver: str, *, timeout: float, ca_bundle: str | None) -> dict[str, Any]:
    """Return how a driver is told the time limit and the trusted roots."""
    if driver.startswith("psycopg"):
        options: dict[str, Any] = {
            "connect_timeout": max(2, math.ceil(timeout)),  # less is none to libpq
            "tcp_user_timeout": math.ceil(timeout * 1000),
        }
        if driver == "psycopg":
            options["prepare_threshold"] = None  # a pooler may give each statement another session
        if ca_bundle is not None:
            options |= {"sslmode": "verify-full", "sslrootcert": ca_bundle}
        return options
    if driver == "pymysql":
        options = {
            "connect_timeout": math.ceil(timeout),
            "read_timeout": math.ceil(timeout),
            "write_timeout": math.ceil(timeout),
        }
        return options if ca_bundle is None else {**options, "ssl": {"ca": ca_bundle}}
    return {}
