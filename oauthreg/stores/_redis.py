"""A store in Redis or Valkey, for any number of machines (extra `redis`).

Every operation is one script, so that nothing comes between its steps; all keys have one hash
tag, so that a cluster keeps them together, and a TTL. Nothing is sent twice by itself: the caller
decides. The server's own eviction must be off (`maxmemory-policy noeviction`).
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, Any

from redis.exceptions import (
    AuthenticationError,
    ClusterCrossSlotError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
)

from oauthreg._errors import ConfigurationError, Problem, StoreError
from oauthreg._secret_values import SecretReadError
from oauthreg.stores._address import checked_bundle, masked, tls_hint
from oauthreg.stores._protocol import Entry, Lease, Loaded, Reading
from oauthreg.stores._redis_client import connect
from oauthreg.stores._redis_url import RedisAddress, parsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oauthreg._secret_values import SecretSource
    from oauthreg.stores._config import StoreConfig

FAILURES = (RedisError, RedisClusterException, OSError, UnicodeError)
DIGITS = 19
"""Generations are compared as text of one length: a script's numbers are exact to 2**53 only."""
NOTHING = "0" * DIGITS
MICROSECONDS = 1e-6
LOAD = """
local now = redis.call('TIME')
local answer = {now[1], now[2], redis.call('PTTL', KEYS[#KEYS])}
for i = 1, #KEYS - 1 do answer[i + 3] = redis.call('HMGET', KEYS[i], 'g', 'v') end
return answer
"""
TAKE = """
local now = redis.call('TIME')
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
    return {now[1], now[2], redis.call('PTTL', KEYS[1]), 0}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {
    now[1], now[2], redis.call('PTTL', KEYS[1]), 1, redis.call('HMGET', KEYS[2], 'g', 'v')
}
"""
GIVE_BACK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
SAVE = f"""
local standing = redis.call('HGET', KEYS[1], 'g') or '{NOTHING}'
if standing >= ARGV[1] or (ARGV[4] ~= '' and ARGV[4] ~= standing) then return 0 end
redis.call('HSET', KEYS[1], 'g', ARGV[1], 'v', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if ARGV[5] ~= '' and redis.call('GET', KEYS[2]) == ARGV[5] then redis.call('DEL', KEYS[2]) end
return 1
"""
DELETE = """
if redis.call('HGET', KEYS[1], 'g') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
SHAS = {
    script: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
    for script in (LOAD, TAKE, GIVE_BACK, SAVE, DELETE)
}
CLUSTER = "It is a cluster: write redis+cluster:// in the address"
HINTS: dict[type[Exception], str] = {
    AuthenticationError: "It refuses the user or the password of the address",
    NoPermissionError: "Its user needs eval, evalsha, get, set, del, pttl, pexpire, hget, hset, "
    "hmget and time, on the keys {prefix}:*; in a cluster also command and cluster|slots, for "
    "another database than 0 also select",
    OutOfMemoryError: "Its memory is full",
    ReadOnlyError: "It is a replica: nothing can be written to it",
    MovedError: CLUSTER,
    ClusterCrossSlotError: CLUSTER,
}
NO_CLUSTER = "Cluster mode is not enabled"
ONE_SERVER = "Write redis:// if it is one server; else its user needs cluster|slots"
CLIENT = re.compile(r"<redis\.client.*?>\)>\)> - ")
"""How an error of redis-py shows a sentinel, between what it says of it."""


class RedisStore:
    """Keeps everything in Redis or Valkey.

    Args:
        url: Where its address is read from, at each new connection.
        prefix: What all its keys begin with.
        timeout: Seconds to connect, and to wait for an answer.
        ca_bundle: A PEM file of further roots that are trusted.

    Raises:
        ConfigurationError: the address is none.
    """

    def __init__(
        self, url: SecretSource, *, prefix: str, timeout: float, ca_bundle: str | None = None
    ) -> None:
        self._url = url
        self._tag = f"{{{prefix}}}:"
        self._timeout = timeout
        self._ca_bundle = ca_bundle
        self._clients: dict[int, tuple[RedisAddress, Any]] = {}
        self._closed = False
        if url.local:
            try:
                self._address(url.read().get_secret_value())
            except (SecretReadError, ValueError) as error:
                raise ConfigurationError([Problem("store.url", str(error))]) from None

    @classmethod
    def from_config(cls, config: StoreConfig) -> RedisStore:
        """Return the store that the settings describe.

        Raises:
            ConfigurationError: as the constructor.
        """
        if config.url is None:
            remedy = "Set store.url, url-file or url-ref, as redis://host:6379/0."
            raise ConfigurationError([Problem("store.url", "is missing", remedy=remedy)])
        bundle = checked_bundle(config.ca_bundle)
        return cls(config.url, prefix=config.prefix, timeout=config.timeout, ca_bundle=bundle)

    def load(self, names: Sequence[str], *, lease: str | None = None) -> Loaded:
        """Return what stands under these names."""
        keys = [*map(self._key, names), self._lease_key(lease or "")]
        seconds, micros, left, *found = self._run(LOAD, keys)
        entries = {
            name: entry
            for name, fields in zip(names, found, strict=True)
            if (entry := _entry(*fields)) is not None
        }
        return Loaded(_reading(seconds, micros), entries, max(left, 0) / 1000)

    def take_lease(self, name: str, owner: str, seconds: float) -> Lease:
        """Take the lease of a name, if nobody else has it."""
        keys, arguments = [self._lease_key(name), self._key(name)], (owner, _milliseconds(seconds))
        now, micros, left, taken, *found = self._run(TAKE, keys, *arguments)
        entry = _entry(*found[0]) if found else None
        reading = _reading(now, micros)
        return Lease(taken=bool(taken), left=max(left, 0) / 1000, now=reading, entry=entry)

    def give_back(self, name: str, owner: str) -> None:
        """Free the lease of a name, if this owner has it."""
        self._run(GIVE_BACK, [self._lease_key(name)], owner)

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
        before = _digits(after) if after is not None else ""
        arguments = (_digits(generation), value, _milliseconds(ttl), before, owner or "")
        return bool(self._run(SAVE, [self._key(name), self._lease_key(name)], *arguments))

    def delete(self, name: str, *, generation: int) -> bool:
        """Remove what stands under a name if it has this generation."""
        return bool(self._run(DELETE, [self._key(name)], _digits(generation)))

    def purge(self) -> int:
        """Remove nothing: the server removes what has ended by itself."""
        self._client()
        return 0

    def close(self) -> None:
        """Close this process's connections."""
        self._closed = True
        _, client = self._clients.pop(os.getpid(), (None, None))
        if client is not None:
            client.close()

    # The connection

    def _key(self, name: str) -> str:
        return f"{self._tag}{name}"

    def _lease_key(self, name: str) -> str:
        return f"{self._tag}lease:{name}"

    def _run(self, script: str, keys: list[str], *arguments: str | bytes) -> Any:
        address, client = self._client()
        try:
            return _evaluate(client, script, keys, arguments)
        except AuthenticationError as error:
            again = self._reconnected(address)
            if again is None:
                raise self._failure(address, error) from None
            address, client = again
        except FAILURES as error:
            self._clients.pop(os.getpid(), None)
            raise self._failure(address, error) from None
        try:  # with the password as it is now: the first one was refused before anything was done
            return _evaluate(client, script, keys, arguments)
        except FAILURES as error:
            raise self._failure(address, error) from None

    def _reconnected(self, old: RedisAddress) -> tuple[RedisAddress, Any] | None:
        self._clients.pop(os.getpid(), None)
        new = self._client()
        return new if new[0] != old else None

    def _client(self) -> tuple[RedisAddress, Any]:
        """Return the client of this process; one that a fork inherited is left to its parent."""
        if self._closed:
            raise StoreError("the store is closed")
        known = self._clients.get(os.getpid())
        if known is not None:
            return known
        try:
            address = self._address(self._url.read().get_secret_value())
        except SecretReadError as error:
            raise StoreError(f"store.url cannot be read: {error}") from None
        except ValueError as error:
            raise StoreError(f"store.url {error}") from None
        try:
            client = connect(address, timeout=self._timeout, ca_bundle=self._ca_bundle)
        except FAILURES as error:
            raise self._failure(address, error) from None
        return self._clients.setdefault(os.getpid(), (address, client))

    def _address(self, url: str) -> RedisAddress:
        address = parsed(url)
        if self._ca_bundle is not None and not address.tls:
            raise ValueError("goes without TLS: store.ca-bundle is of use with rediss:// only")
        return address

    def _failure(self, address: RedisAddress, error: Exception) -> StoreError:
        text = CLIENT.sub("", str(error).partition("\n")[0]) or type(error).__name__
        text = masked(text, address.url).strip(" .")
        hint = _hint(error) or _hint(error.__cause__) or tls_hint(text, self._ca_bundle)
        if NO_CLUSTER in text:
            hint = ONE_SERVER
        return StoreError(f"redis at {address.place}: {text}{f'. {hint}' if hint else ''}")


def _hint(error: BaseException | None) -> str:
    return next((hint for kind, hint in HINTS.items() if isinstance(error, kind)), "")


def _evaluate(client: Any, script: str, keys: list[str], arguments: tuple[str | bytes, ...]) -> Any:
    try:
        return client.evalsha(SHAS[script], len(keys), *keys, *arguments)
    except NoScriptError:  # the server was started anew, or is another one
        return client.eval(script, len(keys), *keys, *arguments)


def _entry(generation: bytes | None, value: bytes | None) -> Entry | None:
    return Entry(int(generation), value) if generation is not None and value is not None else None


def _digits(generation: int) -> str:
    return f"{generation:0{DIGITS}d}"


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))


def _reading(seconds: Any, micros: Any) -> Reading:
    return Reading(int(seconds) + int(micros) * MICROSECONDS)
