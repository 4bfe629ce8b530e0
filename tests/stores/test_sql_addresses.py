"""What the sql store finds wrong before it connects to anything."""

from __future__ import annotations

import pytest

from oauthreg import ConfigurationError, StoreError
from oauthreg._secret_values import LiteralSecret, Secret, SecretReadError
from oauthreg.stores import _sql as sql
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
        ("postgresql+unknown://u:s3cret@h/db", "needs the driver unknown"),
        ("postgresql+psycopg2://u:s3cret@h/db", "pip install 'psycopg2'"),
        ("postgresql+psycopg_async://u:s3cret@h/db", "asyncio only"),
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


def test_the_settings_reach_the_store(tmp_path):
    (tmp_path / "roots.pem").touch()
    store = SqlStore.from_config(
        StoreConfig(
            type="sql",
            url=LiteralSecret(Secret("postgresql://h/db")),
            prefix="x",
            timeout=7,
            ca_bundle=tmp_path / "roots.pem",
        )
    )
    assert (store._prefix, store._timeout) == ("x:", 7)
    assert store._ca_bundle == str(tmp_path / "roots.pem")


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
    real = sql.create_engine
    monkeypatch.setattr(
        sql, "create_engine", lambda url, **how: given.append(how) or real(url, **how)
    )
    made("postgresql://h/db?sslmode=require", ca_bundle="ca.pem")
    assert "sslmode" not in given[0]["connect_args"]
    assert given[0]["connect_args"]["sslrootcert"] == "ca.pem"


def test_nothing_is_connected_before_it_is_used():
    made("postgresql://127.0.0.1:1/db").close()
