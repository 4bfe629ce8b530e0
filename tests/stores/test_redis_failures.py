"""What becomes of a store when its server does: restarts, passwords, replicas, memory, networks."""

from __future__ import annotations

import time
from pathlib import Path

import certifi
import pytest

from oauthreg import ConfigurationError, StoreError
from oauthreg._secret_values import LiteralSecret, Secret, SecretReadError
from oauthreg.stores._config import StoreConfig
from oauthreg.stores._redis import RedisStore

TIMEOUT = 1.0


class Changing:
    """An address that may change, as a file does."""

    reference, local = "vault:url", False

    def __init__(self, url):
        self.url = url

    def read(self):
        if not self.url:
            raise SecretReadError("vault:url is away")
        return Secret(self.url)


@pytest.fixture
def store_at():
    """`store_at(url)`: a store that is closed after the test."""
    stores = []

    def connect(url, **how):
        source = LiteralSecret(Secret(url)) if isinstance(url, str) else url
        stores.append(RedisStore(source, **{"prefix": "p", "timeout": TIMEOUT} | how))
        return stores[-1]

    yield connect
    for store in stores:
        store.close()


def failure(call):
    with pytest.raises(StoreError) as caught:
        call()
    assert caught.value.__cause__ is None
    return str(caught.value)


def save(store, name="a", generation=1, **how):
    return store.save(name, b"x", generation=generation, ttl=60, **how)


def test_every_key_has_a_ttl_one_hash_tag_and_the_prefix(shared_valkey, store_at):
    store = store_at(shared_valkey.url(3), prefix="app.1")
    save(store)
    store.take_lease("a", "one", 30)
    with shared_valkey.client(db=3) as client:
        ttls = {key: client.pttl(key) for key in client.keys("*")}
    assert set(ttls) == {b"{app.1}:a", b"{app.1}:lease:a"}
    assert 30_000 < ttls[b"{app.1}:a"] <= 60_000
    assert 0 < ttls[b"{app.1}:lease:a"] <= 30_000


def test_a_flushed_script_cache_is_filled_again(shared_valkey, store_at):
    store = store_at(shared_valkey.url())
    save(store, "flushed")
    with shared_valkey.client() as client:
        client.script_flush()
    assert store.load(["flushed"]).entries
    assert save(store, "flushed", 2)


def test_a_server_that_was_restarted_is_used_again(valkey, store_at):
    server = valkey()
    store = store_at(server.url())
    save(store)
    server.kill()
    assert server.socket.name in failure(lambda: store.load(["a"]))
    server.start()
    assert store.load(["a"]).entries == {}
    assert save(store)


def test_a_server_that_hangs_is_waited_for_the_timeout(valkey, store_at):
    server = valkey()
    store = store_at(server.url(), timeout=0.3)
    save(store)
    with server.frozen():
        begun = time.monotonic()
        assert "imeout" in failure(lambda: store.load(["a"]))
        assert time.monotonic() - begun < 10
    assert store.load(["a"]).entries


def test_a_network_that_was_cut_is_used_again(valkey, store_at, proxy):
    between = proxy(str(valkey().socket))
    store = store_at(f"redis://127.0.0.1:{between.port}")
    save(store)
    between.cut_off()
    assert str(between.port) in failure(lambda: store.load(["a"]))
    assert str(between.port) in failure(lambda: save(store, generation=2))
    between.cut = False
    assert store.load(["a"]).entries["a"].generation == 1


def test_a_password_that_is_rotated_is_read_anew(valkey, store_at):
    server = valkey("--requirepass", "first-pw")
    url = Changing(f"unix://:first-pw@{server.socket}")
    store = store_at(url)
    save(store)
    with server.client(password="first-pw") as client:
        client.config_set("requirepass", "second-pw")
        client.client_kill_filter(_type="normal", skipme=True)
    url.url = f"unix://:second-pw@{server.socket}"
    store._clients.clear()  # as after any failure
    assert store.load(["a"]).entries
    with server.client(password="second-pw") as client:
        client.config_set("requirepass", "third-pw")
        client.client_kill_filter(_type="normal", skipme=True)
    url.url = f"unix://:third-pw@{server.socket}"
    assert store.load(["a"]).entries, "with the old address in hand"


@pytest.mark.parametrize("password", ["", ":wrong-pw@", "nobody:wrong-pw@"])
def test_a_wrong_password_is_an_error_that_does_not_show_it(valkey, store_at, password):
    server = valkey("--requirepass", "right-pw")
    store = store_at(f"unix://{password}{server.socket}")
    text = failure(lambda: store.load(["a"]))
    assert "password" in text
    assert "-pw" not in text
    assert "password" in failure(lambda: save(store))


def test_a_user_without_the_rights_is_told_which_he_needs(valkey, store_at):
    server = valkey()
    with server.client() as client:
        client.acl_setuser("app", enabled=True, passwords=["+pw"], commands=["+ping"], keys=["*"])
    text = failure(lambda: store_at(f"unix://app:pw@{server.socket}").load(["a"]))
    assert "needs eval, evalsha" in text
    assert "User ********** has no permissions" in text


def test_the_rights_that_are_named_are_enough(valkey, store_at):
    server = valkey()
    commands = (
        "eval",
        "evalsha",
        "get",
        "set",
        "del",
        "pttl",
        "pexpire",
        "hget",
        "hset",
        "hmget",
        "time",
    )
    with server.client() as client:
        client.acl_setuser(
            "app",
            enabled=True,
            passwords=["+pw"],
            keys=["{p}:*"],
            commands=[f"+{command}" for command in commands],
        )
    assert "also select" in failure(
        lambda: store_at(f"unix://app:pw@{server.socket}?db=3").load([])
    )
    store = store_at(f"unix://app:pw@{server.socket}")
    assert save(store)
    assert store.take_lease("a", "one", 1).taken
    store.give_back("a", "one")
    assert store.load(["a"]).entries
    assert store.delete("a", generation=1)


def test_a_full_memory_is_an_error_and_what_stands_is_read(valkey, store_at):
    server = valkey("--maxmemory-policy", "noeviction")
    store = store_at(server.url())
    save(store)
    store.take_lease("a", "one", 60)
    with server.client() as client:
        client.config_set("maxmemory", "1")
    assert "memory is full" in failure(lambda: save(store, generation=2))
    assert "memory is full" in failure(lambda: store.take_lease("b", "one", 60))
    assert store.load(["a"], lease="a").entries["a"].generation == 1
    store.give_back("a", "one")
    assert store.load([], lease="a").lease_left == 0


def test_a_value_of_another_program_is_an_error(valkey, store_at):
    server = valkey()
    with server.client() as client:
        client.set("{p}:a", "not ours")
        client.hset("{p}:b", "other", "x")
    store = store_at(server.url())
    assert "WRONGTYPE" in failure(lambda: store.load(["a"]))
    assert store.load(["b"]).entries == {}
    assert save(store, "b")


def test_an_address_that_is_wrong_at_load_is_a_problem():
    for url, words in (("http://h", "must begin with"), ("redis://h/x", "by its number")):
        config = StoreConfig(type="redis", url=LiteralSecret(Secret(url)))
        with pytest.raises(ConfigurationError, match=words):
            RedisStore.from_config(config)
    with pytest.raises(ConfigurationError, match="redis://host:6379/0"):
        RedisStore.from_config(StoreConfig(type="redis"))


def test_an_address_that_is_wrong_later_is_an_error(store_at):
    url = Changing("")
    store = store_at(url)
    assert "vault:url is away" in failure(lambda: store.load(["a"]))
    url.url = "http://user:s3cret@host"
    text = failure(lambda: store.load(["a"]))
    assert "must begin with" in text
    assert "s3cret" not in text


def test_the_settings_reach_the_store():
    config = StoreConfig(
        type="redis",
        url=LiteralSecret(Secret("rediss://127.0.0.1:1")),
        prefix="x",
        timeout=7,
        ca_bundle=Path(certifi.where()),
    )
    store = RedisStore.from_config(config)
    assert (store._timeout, store._tag) == (7, "{x}:")
    assert store._ca_bundle == certifi.where()
    assert store.purge() == 0
    store.close()


def test_roots_that_would_not_be_used_are_a_problem():
    for url in ("redis://h", "unix:///run/x.sock", "redis+cluster://h"):
        with pytest.raises(ConfigurationError, match="with rediss:// only"):
            RedisStore(LiteralSecret(Secret(url)), prefix="p", timeout=1, ca_bundle="ca.pem")
    store = RedisStore(Changing("redis://h"), prefix="p", timeout=1, ca_bundle="ca.pem")
    assert "with rediss:// only" in failure(lambda: store.load(["a"]))


def test_a_host_that_is_no_name_is_an_error(store_at):
    assert "label" in failure(lambda: store_at("redis://h..x").load(["a"]))


@pytest.mark.parametrize(
    "url",
    [
        "redis+cluster://127.0.0.1:1",
        "redis+sentinel://127.0.0.1:1/mine",
        "rediss+sentinel://:s3cret@127.0.0.1:1/mine?sentinel_password=s3cret",
        "rediss://:s3cret@127.0.0.1:1",
        "redis://:s3cret@127.0.0.1:1",
    ],
)
def test_what_cannot_be_reached_is_an_error(store_at, url):
    text = failure(lambda: store_at(url).load(["a"]))
    assert "127.0.0.1:1" in text
    assert "s3cret" not in text
    assert "redis.client" not in text


def test_a_second_refusal_is_an_error(valkey, store_at):
    server = valkey("--requirepass", "right-pw")
    url = Changing(f"unix://:one-pw@{server.socket}")
    store = store_at(url)
    store._client()
    url.url = f"unix://:two-pw@{server.socket}"
    assert "password" in failure(lambda: store.load(["a"]))
