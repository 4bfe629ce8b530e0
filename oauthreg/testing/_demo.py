"""`python -m oauthreg.testing._demo`: one client authorized, shared, renewed, through trouble.

Starts an authorization server and an API in this process, and reads `settings.example.toml`.
Every line that it prints is checked first: the program fails where one would not be true.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from oauthreg._errors import OAuthRegError
from oauthreg._manager.sync_manager import AuthorizedClientManager
from oauthreg.testing._server import AuthorizationServer

if TYPE_CHECKING:
    from collections.abc import Callable

ID = "my-client"
SECRET = "a secret of the demo"
THREADS = 200
DEADLINE = 10.0
SHORT_LIFE = 6
"""Seconds: such a token gets stale after one or two, and can be used for three more."""


class Failure(Exception):  # noqa: N818 - not for others to catch
    """The demo did not do what it says."""


def main() -> None:
    """Run every step; exit 1 at the first that does not do what it says."""
    parser = argparse.ArgumentParser(prog="python -m oauthreg.testing._demo", description=__doc__)
    parser.add_argument("settings", nargs="?", default="settings.example.toml")
    path = parser.parse_args().settings
    for name in [name for name in os.environ if name.startswith("OAUTHREG_")]:
        del os.environ[name]  # the demo is the same on every machine
    logging.getLogger("oauthreg").addHandler(logging.NullHandler())
    try:
        with AuthorizationServer() as server:
            server.add_client(ID, SECRET)
            with AuthorizedClientManager.from_settings(path, arguments=_laid_over(server)) as it:
                Demo(server, it, path).run()
    except (Failure, OAuthRegError, OSError) as error:
        sys.exit(f"The demo failed. {error}")


def _laid_over(server: AuthorizationServer) -> dict[str, object]:
    """What differs from the file: the server's address, the secret, and an early renewal."""
    return {
        "provider": {"my-provider": {"issuer-uri": server.issuer}},
        "registration": {ID: {"client-secret": SECRET, "refresh-before": SHORT_LIFE}},
    }


class Demo:
    """The steps, in order."""

    def __init__(
        self, server: AuthorizationServer, manager: AuthorizedClientManager, path: str
    ) -> None:
        self._server = server
        self._manager = manager
        self._path = path

    def run(self) -> None:
        """Run every step."""
        _say("An authorization server and an API run in this process.")
        _say(f"Settings: {self._path}, with the server's address laid over.")
        self.authorize()
        self.share()
        self.renew()
        self.survive_an_outage()
        self.replay_a_401()
        _say("\nEvery line above was checked before it was printed.")

    def authorize(self) -> None:
        """Fetch a first token."""
        _head("1", f'manager.authorize("{ID}")')
        client = self._manager.authorize(ID)
        _check(self._server.token(client.access_token.token_value).live, "the token is live")
        self._counted(token=1, metadata=1)
        _say(f"    {client.access_token!r}".partition(", expires_at")[0] + ")")

    def share(self) -> None:
        """Let many threads want a token at once while there is none."""
        _head("2", f"{THREADS} threads, and no token yet")
        self._manager.invalidate(ID)
        ready = threading.Barrier(THREADS + 1)

        def ask() -> str:
            ready.wait(DEADLINE)
            return self._token()

        with ThreadPoolExecutor(THREADS) as pool, self._server.hold() as gate:
            asked = [pool.submit(ask) for _ in range(THREADS)]
            ready.wait(DEADLINE)
            gate.wait_for(1)
            gate.open()
            tokens = {one.result(DEADLINE) for one in asked}
        _check(len(tokens) == 1, "all threads got the same token")
        self._counted(token=1)
        _say(f"    all {THREADS} got the same token")

    def renew(self) -> None:
        """Serve a stale token while it is renewed."""
        _head(
            "3",
            f"a token that lives {SHORT_LIFE} s gets stale; its renewal is held up at the server",
        )
        old = self._stale_token()
        with self._server.hold() as gate:
            served = {self._token() for _ in range(THREADS)}
            gate.wait_for(1)
            served |= {self._token() for _ in range(THREADS)}
            _check(served == {old}, "the stale token was served while its renewal was held up")
        _until(lambda: self._token() != old, "the renewed token is served")
        self._counted(token=1)
        _say(f"    {2 * THREADS} calls got the old token without waiting, later ones the new one")

    def survive_an_outage(self) -> None:
        """Serve a valid token while the server is gone, and renew it when it is back."""
        _head("4", "the authorization server is stopped; the cached token gets stale")
        old = self._stale_token()
        self._server.stop()
        _check(self._token() == old, "the valid token was served without a server")
        _until(lambda: bool(self._state()["error"]), "the renewal failed")
        served = {self._token() for _ in range(THREADS)}
        _check(served == {old}, "the valid token was served after the renewal had failed")
        _say(f"    the renewal failed; {THREADS} calls got the valid token all the same")
        self._server.start()
        _until(lambda: self._token() != old, "the token was renewed after the outage")
        self._counted(token=1)
        _say("    the server is back: renewed, and no call failed")

    def replay_a_401(self) -> None:
        """Have a token refused by the API."""
        _head("5", "the token is revoked behind our back; the API answers 401")
        self._server.token_lifetime = 300
        self._manager.invalidate(ID)
        self._server.revoke(self._token())
        self._server.reset_counters()
        with self._manager.session(ID) as session:
            session.trust_env = False
            status = session.get(self._server.api_uri, timeout=DEADLINE).status_code
        _check(status == 200, f"the API answered {status}")  # noqa: PLR2004 - OK
        self._counted(token=1, api=2)
        _say("    the program saw one answer: 200")

    def _token(self) -> str:
        return self._manager.authorize(ID).access_token.token_value

    def _state(self) -> dict[str, object]:
        return dict(self._manager.status()[ID])

    def _stale_token(self) -> str:
        """Wait for a token of a few seconds to get stale."""
        self._server.token_lifetime = SHORT_LIFE
        self._manager.invalidate(ID)
        token = self._token()
        _until(lambda: self._state()["state"] == "stale", "the token got stale")
        self._server.reset_counters()
        return token

    def _counted(self, **expected: int) -> None:
        """Check and tell what reached the server since the last time."""
        names = {"metadata": "metadata request", "token": "token request", "api": "API request"}
        found = {name: len(self._server.requests_to(name)) for name in names}
        self._server.reset_counters()
        told = [
            f"{count} {names[name]}{'s' if count > 1 else ''}"
            for name, count in found.items()
            if count
        ]
        line = ", ".join(told)
        _check(found == dict.fromkeys(names, 0) | expected, f"{line} reached the server")
        _say(f"    -> {line}")


def _check(true: bool, statement: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not true:
        raise Failure(f"Not as it should be: {statement}.")


def _until(holds: Callable[[], bool], statement: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        _check(time.monotonic() < deadline, f"not within {DEADLINE:g} s: {statement}")
        time.sleep(0.02)


def _head(number: str, line: str) -> None:
    _say(f"\n{number}. {line}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
