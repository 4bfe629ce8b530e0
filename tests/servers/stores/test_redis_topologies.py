"""Replicas, sentinels, clusters and TLS."""

from __future__ import annotations

import ssl
import time

import pytest

from oauthreg import StoreError
from oauthreg._secret_values import LiteralSecret, Secret
from oauthreg.stores._redis import RedisStore
from oauthreg.testing._certificates import CertificateAuthority

TIMEOUT = 1.0
ONE_SERVER = (
    *("+eval", "+evalsha", "+get", "+set", "+del", "+pttl", "+pexpire"),
    *("+hget", "+hset", "+hmget", "+time"),
)
"""What the user of one server may do."""


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


def test_a_replica_is_read_and_not_written(valkey, store_at):
    primary = valkey(on_port=True)
    save(store_at(primary.url()))
    replica = valkey("--replicaof", f"127.0.0.1 {primary.port}")
    store = store_at(replica.url())
    deadline = time.monotonic() + 30
    while not store.load(["a"]).entries:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "is a replica" in failure(lambda: save(store, generation=2))


# Sentinels and clusters


def test_sentinels_lead_to_the_new_primary(valkey, store_at):
    primary = valkey(on_port=True)
    replica = valkey("--replicaof", f"127.0.0.1 {primary.port}", on_port=True)
    watcher = valkey_sentinel(valkey, primary.port)
    store = store_at(f"redis+sentinel://127.0.0.1:{watcher.port}/mine")
    assert save(store)
    with replica.client() as client:
        until(lambda: client.info("replication")["master_link_status"] == "up")
        until(lambda: client.exists("{p}:a"))
    primary.kill()
    failure(lambda: store.load(["a"]))
    until(lambda: loads(store))
    assert save(store, generation=2)


def valkey_sentinel(valkey, port):
    lines = (
        f"sentinel monitor mine 127.0.0.1 {port} 1",
        "sentinel down-after-milliseconds mine 300",
        "sentinel failover-timeout mine 2000",
    )
    return valkey(on_port=True, sentinel="\n".join(lines))


def until(holds, seconds=40):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def loads(store):
    try:
        return bool(store.load(["a"]).entries)
    except StoreError:
        return False


def test_sentinels_that_refuse_the_password_say_so(valkey, store_at):
    watcher = valkey(on_port=True, sentinel="requirepass right-pw\n")
    url = f"redis+sentinel://127.0.0.1:{watcher.port}/mine?sentinel_password=wrong-pw"
    text = failure(lambda: store_at(url).load(["a"]))
    assert "No master found for 'mine' : " in text
    assert "AuthenticationError" in text
    assert "redis.client" not in text


def test_sentinels_that_know_nothing_are_an_error(valkey, store_at):
    watcher = valkey(on_port=True, sentinel="\n")
    store = store_at(f"redis+sentinel://127.0.0.1:{watcher.port}/mine")
    assert "mine" in failure(lambda: store.load(["a"]))


@pytest.fixture
def cluster(valkey):
    """One node that has all slots is a cluster."""
    server = valkey("--cluster-enabled", "yes", on_port=True)
    with server.client() as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        until(lambda: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"))
    return server


def test_a_cluster_is_used(cluster, store_at):
    store = store_at(f"redis+cluster://127.0.0.1:{cluster.port}")
    assert save(store)
    assert store.take_lease("a", "one", 60).taken
    loaded = store.load(["a", "b", "c"], lease="a")
    assert loaded.entries.keys() == {"a"}
    assert loaded.lease_left > 0
    with cluster.client() as client:
        client.script_flush()
    assert store.delete("a", generation=1)


def test_a_user_in_a_cluster_needs_two_rights_more(cluster, store_at):
    url = f"redis+cluster://app:pw@127.0.0.1:{cluster.port}"
    with cluster.client() as client:
        client.execute_command("ACL", "SETUSER", "app", "on", ">pw", "~{p}:*", *ONE_SERVER)
        assert "cluster|slots" in failure(lambda: store_at(url).load(["a"]))
        client.execute_command("ACL", "SETUSER", "app", "+command", "+cluster|slots")
    store = store_at(url)
    assert save(store)
    assert store.take_lease("a", "one", 60).taken
    store.give_back("a", "one")
    assert store.load(["a"], lease="a").lease_left == 0


def test_one_server_that_is_given_as_a_cluster_is_named(shared_valkey, store_at, proxy):
    port = proxy(str(shared_valkey.socket)).port
    text = failure(lambda: store_at(f"redis+cluster://127.0.0.1:{port}").load(["a"]))
    assert "redis:// if it is one server" in text


def test_a_cluster_that_is_given_as_one_server_is_named(valkey, store_at):
    servers = [valkey("--cluster-enabled", "yes", on_port=True) for _ in range(2)]
    for number, server in enumerate(servers):
        with server.client() as client:
            low, high = ((0, 8191), (8192, 16383))[number]
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", low, high)
    with servers[0].client() as client:
        client.execute_command("CLUSTER", "MEET", "127.0.0.1", servers[1].port)
    until(lambda: all(is_whole(server) for server in servers))
    stores = [store_at(f"redis://127.0.0.1:{server.port}") for server in servers]
    texts = [failure(lambda s=s: s.load(["a"])) for s in stores if not loads_anything(s)]
    assert len(texts) == 1, "one of them is right by chance"
    assert "redis+cluster://" in texts[0]
    assert save(store_at(f"redis+cluster://127.0.0.1:{servers[0].port}"))


def is_whole(server):
    with server.client() as client:
        said = client.execute_command("CLUSTER", "INFO")
    return b"cluster_state:ok" in said and b"cluster_known_nodes:2" in said


def loads_anything(store):
    try:
        store.load(["a"])
    except StoreError:
        return False
    return True


def test_a_cluster_that_cannot_be_reached_is_an_error(store_at):
    store = store_at("redis+cluster://127.0.0.1:1")
    assert "127.0.0.1:1" in failure(lambda: store.load(["a"]))


# TLS


def test_tls_is_checked_by_the_roots_that_are_named(shared_valkey, store_at, proxy, tmp_path):
    authority = CertificateAuthority()
    certificate, key = authority.issue("localhost", ["localhost"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    between = proxy(str(shared_valkey.socket), context)
    bundle = str(authority.ca_bundle)
    url = f"rediss://localhost:{between.port}"
    assert store_at(url, ca_bundle=bundle).load(["a"]).now.time
    assert "store.ca-bundle" in failure(lambda: store_at(url).load(["a"]))
    wrong = CertificateAuthority()
    text = failure(lambda: store_at(url, ca_bundle=str(wrong.ca_bundle)).load(["a"]))
    assert f"store.ca-bundle, {wrong.ca_bundle}" in text
    other = f"rediss://127.0.0.1:{between.port}"
    text = failure(lambda: store_at(other, ca_bundle=bundle).load(["a"]))
    assert "IP address mismatch" in text
    assert "store.ca-bundle" not in text
    for one in (authority, wrong):
        one.close()
