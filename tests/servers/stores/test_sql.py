from __future__ import annotations

import hashlib

import pytest

from oauthreg._secret_values import LiteralSecret, Secret
from oauthreg.stores._sql import SqlStore
from oauthreg.testing import StoreTests


@pytest.fixture(scope="session", params=["postgres", "pgbouncer", "mariadb"])
def database(request):
    return request.getfixturevalue(f"shared_{request.param}")


class TestSqlStore(StoreTests):
    @pytest.fixture(autouse=True)
    def server(self, database):
        self.url = database.url()

    def connect(self, place):
        prefix = hashlib.sha256(str(place).encode()).hexdigest()[:16]
        return SqlStore(LiteralSecret(Secret(self.url)), prefix=prefix, timeout=5)
