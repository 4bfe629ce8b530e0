"""What the sql store finds wrong before it connects to anything."""

from __future__ import annotations

import sys
from pathlib import Path

import certifi
import pytest

from oauthreg import ConfigurationError, StoreError
from oauthreg._secret_values import LiteralSecret, Secret, SecretReadError
from oauthreg.stores import _sql_engine as sql_engine
from oauthreg.stores._config import StoreConfig
from oauthreg.stores._sql import SqlStore
from oauthreg.stores._sql_dialects import MYSQL, POSTGRESQL, driver_options


def made(url, **how):
    return SqlStore(LiteralSecret(Secret(url)), **{"prefix": "p", "timeout": 1.5} | how)


def engine_of(store):
    return store._database().engine


@pytest.mark.parametrize(
    ("url", "driver", "dialect"),
    [
        ("postgresql://u:pw@h/db", "postgresql+psycopg", POSTGRESQL),
        ("postgres://h/db", "postgresql+psycopg", POSTGRESQL),
        ("PostgreSQL://h/db", "postgresql+psycopg", POSTGRESQL),
        ("mysql://h/db", "mysql+pymysql", MYSQL),
        ("mariadb://h/db", "mariadb+pymysql", MYSQL),
        ("mysql+pymysql://h/db", "mysql+pymysql", MYSQL),
    ],
)
def test_an_address_names_a_database_and_maybe_a_driver(url, driver, dialect):
    store = made(url)
    assert engine_of(store).url.drivername == driver
    assert store.schema == dialect.table
    store.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("no address", "is no address"),
        ("", "is no address"),
        ("http://u:s3cret@h", "must be of PostgreSQL, MySQL or MariaDB"),
        ("sqlite:///file.db", "must be of PostgreSQL"),
        ("postgresql+unknown://u:s3cret@h/db", "another driver than psycopg or psycopg2"),
        ("postgresql+asyncpg://u:s3cret@h/db", "another driver than psycopg or psycopg2"),
        ("postgresql+psycopg_async://u:s3cret@h/db", "another driver"),
        ("postgresql+psycopg2://u:s3cret@h/db", "pip install 'psycopg2-binary'"),
        ("mysql+mysqldb://u:s3cret@h/db", "another driver than pymysql"),
        ("mysql://s3/cret:s3cret@h/db", "%2F"),
        ("mysql://u:s3cret/@h/db", "%2F"),
        ("postgresql://u:s3cret?x@h/db", "%3F"),
        ("postgresql://u:s3cret#x@h/db", "%23"),
        ("postgresql://u:p@s3cret@h/db", "more than one @"),
        ("postgresql://u:s3cret@h:s3cret/db", "is no address"),
        ("postgresql://u:s3cret@[h/db", "is no address"),
        ("postgresql://u:s3\0cret@h/db", "invisible character U+0000"),
        ("mysql://u:s3cret@h/db?read_timeout=s3cret", "a parameter whose value is none"),
    ],
)
def test_what_cannot_be_used_is_a_problem_and_not_shown(url, words):
    config = StoreConfig(type="sql", url=LiteralSecret(Secret(url)))
    with pytest.raises(ConfigurationError) as caught:
        SqlStore.from_config(config)
    (problem,) = caught.value.problems
    assert problem.path == "store.url"
    assert words in problem.message
    assert "s3cret" not in str(problem)


def test_a_store_without_an_address_is_a_problem():
    with pytest.raises(ConfigurationError, match="postgresql://user:password@host/database"):
        SqlStore.from_config(StoreConfig(type="sql"))


def test_an_address_that_cannot_be_read_is_a_store_error():
    class Away:
        reference, local = "vault:url", False

        def read(self):
            raise SecretReadError("vault:url is away")

    store = SqlStore(Away(), prefix="p", timeout=1)
    with pytest.raises(StoreError, match=r"store\.url cannot be read: vault:url is away"):
        store.load(["a"])


def test_the_settings_reach_the_store():
    store = SqlStore.from_config(
        StoreConfig(
            type="sql",
            url=LiteralSecret(Secret("postgresql://h/db")),
            prefix="x",
            timeout=7,
            ca_bundle=Path(certifi.where()),
        )
    )
    assert (store._prefix, store._timeout) == ("x:", 7)
    assert store._ca_bundle == certifi.where()


def test_drivers_are_told_the_time_limit_and_the_roots():
    assert driver_options("psycopg", timeout=1.5, ca_bundle="ca.pem") == {
        "connect_timeout": 2,
        "tcp_user_timeout": 1500,
        "prepare_threshold": None,
        "sslmode": "verify-full",
        "sslrootcert": "ca.pem",
    }
    assert "prepare_threshold" not in driver_options("psycopg2", timeout=1, ca_bundle=None)
    assert driver_options("pymysql", timeout=1.5, ca_bundle="ca.pem") == {
        "connect_timeout": 2,
        "read_timeout": 2,
        "write_timeout": 2,
        "ssl": {"ca": "ca.pem"},
    }
    assert driver_options("pymysql", timeout=3, ca_bundle=None)["read_timeout"] == 3
    assert driver_options("mysqldb", timeout=1, ca_bundle="ca.pem") == {}


def test_what_the_address_says_of_tls_counts(monkeypatch):
    given = []
    real = sql_engine.create_engine
    monkeypatch.setattr(
        sql_engine, "create_engine", lambda url, **how: given.append(how) or real(url, **how)
    )
    made("postgresql://h/db?sslmode=require", ca_bundle="ca.pem")
    assert "sslmode" not in given[0]["connect_args"]
    assert given[0]["connect_args"]["sslrootcert"] == "ca.pem"


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_roots_that_would_not_be_used_are_a_problem(mode):
    with pytest.raises(ConfigurationError, match=r"store\.ca-bundle is of no use"):
        made(f"postgresql://h/db?sslmode={mode}", ca_bundle="ca.pem")


def test_a_pymysql_that_may_go_on_without_tls_is_a_problem(monkeypatch):
    monkeypatch.setattr(sql_engine.metadata, "version", lambda _package: "1.1.10")
    with pytest.raises(ConfigurationError, match=r"store\.ca-bundle: needs pymysql 1\.2"):
        made("mysql://h/db", ca_bundle="ca.pem")
    monkeypatch.setattr(sql_engine.metadata, "version", lambda _package: "1.10.0")
    made("mysql://h/db", ca_bundle="ca.pem").close()


def test_a_missing_driver_is_told_how_to_install_even_with_roots(monkeypatch):
    def missing(package):
        raise sql_engine.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(sql_engine.metadata, "version", missing)
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(ConfigurationError, match="pip install 'pymysql'"):
        made("mysql://h/db", ca_bundle="ca.pem")


def test_an_error_names_every_host():
    store = made("postgresql://me:s3cret@/db?host=127.0.0.1:1&host=127.0.0.1:2")
    with pytest.raises(StoreError, match=r"^postgresql at 127\.0\.0\.1:1, 127\.0\.0\.1:2: "):
        store.load(["a"])


def test_nothing_is_connected_before_it_is_used():
    made("postgresql://127.0.0.1:1/db").close()
