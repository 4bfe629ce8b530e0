"""Eight processes over one store while all goes wrong: `python tests/soak/fleet.py sqlite 300`.

One token request in five and one call of the store in ten fails, a process is killed every few
seconds, and tokens live for 6 s; `valkey` and `postgres` are killed twice themselves. Nobody may be
given an expired token or wait longer than a lease and a request; no refresh token may be sent again
after it was answered, or more than twice; and the server may be asked hardly more often than by one
process. `none`: the same without a store, to compare.
"""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from fleet_server import REDIRECT
from server import LIFETIME

from oauthreg import AuthorizedClientManager, OAuthRegError
from oauthreg._shared.seal import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
PROCESSES = 8
PLAIN = [f"plain-{number}" for number in range(4)]
USERS = [f"user-{number}" for number in range(3)]
TOTAL, MARGIN = 2.0, 1.0
LEASE = 2 * TOTAL
KILL_EVERY = 5.0
STORE_AWAY = 3.0
STALE_SHARE = 0.55
MOST_FAILING = 0.01
MOST_ASKED = 1.2
RESENT_WITHIN = TOTAL + LEASE


class Worker:
    """One process, started anew whenever it was killed."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number, self.incarnation = folder, number, 0
        self.start()

    def start(self) -> None:
        self.incarnation += 1
        status = self.folder / f"status-{self.number}-{self.incarnation}"
        seed = str(self.number * 1000 + self.incarnation)
        command = [sys.executable, HERE / "fleet_worker.py", self.folder / "settings", status, seed]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()


class Fleet:
    """One run."""

    def __init__(self, folder: Path, store: dict[str, Any], server: subprocess.Popen[str]) -> None:
        self.folder, self.server = folder, server
        assert server.stdout is not None
        facts = json.loads(server.stdout.readline())
        self.settings = settings(facts, store)
        self.manager = AuthorizedClientManager.from_settings(self.settings)
        self.users = USERS if store["type"] != "memory" else []
        (folder / "settings").write_text(
            json.dumps({**self.settings, "plain": PLAIN, "users": self.users})
        )
        self.kills: list[float] = []
        self.logins = 0
        self.problems: list[str] = []
        for user in self.users:
            self.log_in(user)

    def run(self, seconds: float, broken_store: Any) -> None:
        """Let everybody call, kill and start anew."""
        chance = random.Random(3)  # noqa: S311
        workers = [Worker(self.folder, number) for number in range(PROCESSES)]
        while not all(self.status(worker)["counts"] for worker in workers):
            time.sleep(0.1)
        begun = time.monotonic()
        before = self.ask()
        due = begun + KILL_EVERY
        away = [(begun + seconds * share, broken_store) for share in (0.33, 0.66) if broken_store]
        while time.monotonic() < begun + seconds:
            time.sleep(0.25)
            if time.monotonic() > due:
                due += KILL_EVERY
                one = chance.choice(workers)
                self.kills.append(time.time())
                one.kill()
                one.start()
            if away and time.monotonic() > away[0][0]:
                away.pop(0)
                broken_store.kill()
                time.sleep(STORE_AWAY)
                broken_store.start()
            for user in {user for worker in workers for user in self.status(worker)["logged_out"]}:
                self.log_in(user)
        self.seconds = time.monotonic() - begun
        self.told = self.ask()
        self.asked = sum(self.told["asked"].values()) - sum(before["asked"].values())
        for worker in workers:
            worker.kill()

    def status(self, worker: Worker) -> dict[str, Any]:
        path = self.folder / f"status-{worker.number}-{worker.incarnation}"
        empty: dict[str, Any] = {"logged_out": [], "counts": {}}
        return json.loads(path.read_text()) if path.exists() else empty

    def ask(self) -> dict[str, Any]:
        """Return what the server saw."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        print(file=self.server.stdin, flush=True)
        told: dict[str, Any] = json.loads(self.server.stdout.readline())
        return told

    def log_in(self, user: str) -> None:
        """Log a user in, as in a shell."""
        with contextlib.suppress(OAuthRegError):
            request = self.manager.authorization_request("web")
            answer = requests.get(request.url, allow_redirects=False, timeout=5)
            location = answer.headers["Location"]
            self.manager.complete("web", location, request=request, principal=user)
            self.logins += 1

    def report(self, *, outages: int) -> list[str]:
        """Print what happened; return what must not be."""
        found = [json.loads(path.read_text()) for path in self.folder.glob("status-*-*[0-9]")]
        counts: Counter[str] = Counter()
        for one in found:
            counts.update(one["counts"])
            self.problems += one["problems"]
        longest = max(one["longest"] for one in found)
        store_failures = sum(one["store_failures"] for one in found)
        failing = sum(counts[name] for name in counts if name.endswith("Error"))
        lost = counts["LoginRequiredError"]
        asked = self.asked
        windows = self.seconds / (LIFETIME * STALE_SHARE) * (len(PLAIN) + len(self.users))
        alone = outages * PROCESSES * (len(PLAIN)) * 2
        ideal = windows + self.told["faults"] + store_failures + len(self.kills) + alone
        again, most = self.sent_again()
        print(
            f"{self.seconds:.0f} s, {counts['calls']:,} calls, {failing / counts['calls']:.3%} "
            f"failing ({lost} of them for want of a login), longest {longest:.1f} s;\n"
            f"{len(self.kills)} kills, {store_failures} failed store calls, "
            f"{self.told['faults']} failed token requests;\n"
            f"{asked} token requests, {asked / ideal:.2f} times the ideal {ideal:.0f} "
            f"({windows:.0f} without any failure);\n"
            f"{len(self.told['sent'])} refresh tokens, none sent more than {most} times, "
            f"{again} again after an answer; {self.logins - len(self.users)} logins made anew"
        )
        for name, count in counts.most_common(45):
            print(f"    {count:>8} {name}")
        if failing - lost > MOST_FAILING * counts["calls"]:
            self.problems.append(f"{failing - lost} of {counts['calls']} calls failed")
        if longest > LEASE + TOTAL + MARGIN:
            self.problems.append(f"a call took {longest:.1f} s")
        if asked > MOST_ASKED * ideal:
            self.problems.append(f"{asked} token requests")
        return self.problems

    def sent_again(self) -> tuple[int, int]:
        """Return how many refresh tokens were sent after an answer, and the most uses of one.

        A status that uses up no token is no use. A process that was killed saved no answer.
        """
        again = most = 0
        for token, sent in self.told["sent"].items():
            uses = [(at, answer) for at, answer in sent if answer != "refused"]
            most = max(most, len(uses))
            if len(uses) > 2:
                self.problems.append(f"the refresh token {token} was sent {len(uses)} times")
            for at, answer in uses[:-1]:
                killed = any(at - 1 < kill < at + RESENT_WITHIN for kill in self.kills)
                if answer == "granted" and not killed:
                    again += 1
                    self.problems.append(f"the refresh token {token} was sent again: {sent}")
        return again, most


def settings(facts: dict[str, str], store: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of every process."""
    client = {"provider": "as", "client-secret": "secret", "scope": "read"}
    client["client-authentication-method"] = "client_secret_post"
    web = {**client, "client-id": "web", "authorization-grant-type": "authorization_code"}
    times = dict.fromkeys(("connect-timeout", "read-timeout", "total-timeout"), TOTAL)
    return {
        "registration": {
            **{name: {**client, "client-id": name} for name in PLAIN},
            "web": {**web, "redirect-uri": REDIRECT},
        },
        "provider": {"as": {"issuer-uri": facts["issuer"], "token-uri": facts["token_uri"]}},
        "http": {"default": times},
        "store": store,
    }


@contextlib.contextmanager
def stored(kind: str, folder: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """Run a store; give its settings, and what can be killed and started anew."""
    sys.path[:0] = [str(HERE.parent / "stores"), str(HERE.parent / "servers" / "stores")]
    if kind == "none":
        yield {"type": "memory"}, None
    elif kind == "sqlite":
        place = folder / "store"
        place.mkdir(mode=0o700)
        yield {"type": "sqlite", "path": str(place / "tokens.db")}, None
    elif kind == "valkey":
        import valkey_server

        with valkey_server.running("--appendonly", "yes", "--appendfsync", "always") as server:
            yield {"type": "redis", "url": server.url(), "keys": [new_key()]}, server
    else:
        import databases

        with databases.postgres() as server:
            yield {"type": "sql", "url": server.url(), "keys": [new_key()]}, server


def main() -> int:
    """Run, report, and return the exit code."""
    kind, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 300.0
    command = [sys.executable, HERE / "fleet_server.py", json.dumps([*PLAIN, "web"])]
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryDirectory(prefix="oauthreg-soak-") as name,
        stored(kind, Path(name)) as (store, broken_store),
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server,
    ):
        fleet = Fleet(Path(name), store, server)
        fleet.run(seconds, broken_store)
        problems = fleet.report(outages=2 if broken_store else 0)
        fleet.manager.close()
        assert server.stdin is not None
        server.stdin.close()
    for problem in problems[:20]:
        print(f"PROBLEM {problem}", file=sys.stderr)
    if problems:
        print(f"{len(problems)} problems", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
