"""redis-py's clients for each kind of address; apart, since redis-py leaves some of it untyped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry
from redis.sentinel import Sentinel

if TYPE_CHECKING:
    from oauthreg.stores._redis_url import RedisAddress

MOST_CONNECTIONS = 16


def connect(address: RedisAddress, *, timeout: float, ca_bundle: str | None) -> Any:
    """Return a client, which repeats nothing by itself.

    Args:
        address: Where to.
        timeout: Seconds to connect, and to wait for an answer.
        ca_bundle: A PEM file of further roots that are trusted.

    Raises:
        RedisError: a cluster did not say who belongs to it. Others connect when they are used.
    """
    common: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": MOST_CONNECTIONS,
    }
    if address.tls:
        common |= {"ssl": True, "ssl_check_hostname": True, "ssl_ca_certs": ca_bundle}
    service = {**common, "username": address.username, "password": address.password}
    if address.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in address.hosts]  # type: ignore[no-untyped-call]
        return RedisCluster(startup_nodes=nodes, **service)
    service["db"] = address.database
    if address.kind == "sentinel":
        user = {"username": address.sentinel_username, "password": address.sentinel_password}
        sentinels = Sentinel(address.hosts, sentinel_kwargs={**common, **user})  # type: ignore[no-untyped-call]
        return sentinels.master_for(address.service, **service)  # type: ignore[no-untyped-call]
    if address.path is not None:
        return Redis(unix_socket_path=address.path, **service)
    ((host, port),) = address.hosts
    return Redis(host=host, port=port, **service)
