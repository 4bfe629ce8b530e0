from __future__ import annotations

import pytest

from oauthreg._secret_values import LiteralSecret, Secret
from oauthreg.stores._redis import RedisStore
from oauthreg.testing import StoreTests


def literal(url):
    return LiteralSecret(Secret(url))


class TestRedisStore(StoreTests):
    @pytest.fixture(autouse=True)
    def server(self, shared_valkey):
        self.url = shared_valkey.url()

    def connect(self, place):
        return RedisStore(literal(self.url), prefix=str(place), timeout=5)
