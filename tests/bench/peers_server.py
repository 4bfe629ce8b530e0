"""The embedded authorization server in a process of its own, told by lines what to do.

Its threads then take nothing from the library that is measured. `serve()` starts it; run as a
script, it is that process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager

from oauthreg.testing import AuthorizationServer, Fault

LATENCY = 0.1


class RemoteServer:
    """The server's addresses, and its knobs.

    Attributes:
        issuer: Its issuer.
        token_uri: Its token endpoint.
    """

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process
        addresses = json.loads(process.stdout.readline())
        self.issuer = addresses["issuer"]
        self.token_uri = addresses["token"]

    @property
    def token_requests(self) -> int:
        """How many requests reached the token endpoint since the last `reset`."""
        return self._say("count")

    def reset(self) -> None:
        """Count from zero."""
        self._say("reset")

    def live(self, seconds: int) -> None:
        """Give tokens that live so long."""
        self._say("lifetime", seconds)

    def heal(self) -> None:
        """Answer well and at once."""
        self._say("heal")

    def slow(self) -> None:
        """Take some time for every answer."""
        self._say("slow", LATENCY)

    def fail(self) -> None:
        """Take as much time, and answer 503."""
        self._say("fail", LATENCY)

    def hang(self, seconds: float) -> None:
        """Hold every request back until so many seconds from now have passed."""
        self._say("hang", seconds)

    def _say(self, *words: object) -> int:
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def serve():
    """Run the server; give its knobs."""
    command = [sys.executable, __file__]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            yield RemoteServer(process)
        finally:
            process.terminate()


def obey(server: AuthorizationServer, word: str, value: float = 0.0) -> None:
    match word:
        case "reset":
            server.reset_counters()
        case "lifetime":
            server.token_lifetime = value
        case "heal":
            server.heal()
        case "slow":
            server.inject(Fault(delay=value))
        case "fail":
            server.inject(Fault(status=503, body={"error": "server_error"}, delay=value))
        case "hang":
            threading.Timer(value, server.hold().open).start()


def main() -> None:
    # A path before every address, as MSAL wants one.
    with AuthorizationServer(rotate_refresh_tokens=False, path_prefix="/tenant") as server:
        server.add_client("id", "a-secret")
        server.add_client("user", "a-secret", grants=("password", "refresh_token"))
        server.add_user("alice", "a-password")
        print(json.dumps({"issuer": server.issuer, "token": server.token_uri}), flush=True)
        for line in sys.stdin:
            obey(server, *json.loads(line))
            print(server.token_requests, flush=True)


if __name__ == "__main__":
    main()
