"""A manager under everything at once, for as long as it is told: `python tests/soak/soak.py 300`.

Threads, tasks and short-lived loops call both facades of one core, while one answer in five of the
server goes wrong, secrets rotate, the settings are reloaded and the process forks. Nobody may ever
be given an expired token, another's token, or an exception of another kind; nothing may grow; and
the server may be asked hardly more often than without any of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from load import CHANGING, PLAIN, ROTATED, Load

from oauthreg import AuthorizedClientManager, OAuthRegError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS_TO_RECOVER = 25.0
WARM_UP = 0.3
"""The share of the time until the first measurement of what may not grow."""
STALE_SHARE = 0.55
"""The share of a token's lifetime at which it is renewed, on average."""
IDEAL = (0.7, 1.35)
EVERY = {"rotate": 3.0, "reload": 4.0, "fork": 5.0}
PAGE = os.sysconf("SC_PAGE_SIZE")


class Size(NamedTuple):
    """What may not grow."""

    threads: int
    fds: int
    megabytes: int
    entries: int
    backoffs: int

    def grown(self, later: Size) -> list[str]:
        """Return what grew."""
        allowed = Size(
            threads=self.threads + 12,
            fds=self.fds + 20,
            megabytes=int(self.megabytes * 1.15) + 8,
            entries=int(self.entries * 1.3) + 30,
            backoffs=int(self.backoffs * 1.5) + 60,
        )
        return [
            f"{name}: {before} -> {after}"
            for name, before, after, most in zip(self._fields, self, later, allowed, strict=True)
            if after > most
        ]


class Soak:
    """One run.

    Args:
        seconds: How long.
        folder: For the settings, and the secrets.
    """

    def __init__(self, seconds: float, folder: Path, server: subprocess.Popen[str]) -> None:
        self.seconds, self.folder, self.server = seconds, folder, server
        assert server.stdout is not None
        self.facts = json.loads(server.stdout.readline())
        self.generation = 0
        self.forks = 0
        for name in names("rotated"):
            (folder / name).write_text("first")
        self.write_settings()
        self.manager = AuthorizedClientManager.from_settings(folder / "settings.toml")
        self.load = Load(self.manager)
        self.sizes: list[Size] = []

    def run(self) -> list[str]:
        """Return everything that is wrong."""
        begun = time.monotonic()
        due = {name: begun + every for name, every in EVERY.items()}
        work: dict[str, Callable[[], None]] = {
            "rotate": self.rotate,
            "reload": self.reload,
            "fork": self.fork,
        }
        self.load.start()
        while time.monotonic() < begun + self.seconds:
            time.sleep(0.25)
            self.sizes.append(self.size())
            for name, do in work.items():
                if time.monotonic() >= due[name]:
                    due[name] += EVERY[name]
                    do()
        took = time.monotonic() - begun
        asked = self.tell()
        self.load.stop()
        return [*self.load.problems, *self.growth(), *self.economy(asked, took), *self.recovery()]

    def tell(self, **what: Any) -> dict[str, int]:
        """Tell the server something; return how often each client asked."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        print(json.dumps(what), file=self.server.stdin, flush=True)
        counts: dict[str, int] = json.loads(self.server.stdout.readline())
        return counts

    def write_settings(self) -> None:
        """Write the settings; the scope of what changes depends on the generation."""
        lines = [f'[provider.as]\ntoken-uri = "{self.facts["token_uri"]}"']
        lines.append("[http.default]\nconnect-timeout = 2\nread-timeout = 2\ntotal-timeout = 2")
        for name in all_names():
            scope = "read write" if name.startswith("changing") and self.generation % 2 else "read"
            secret = f'-file = "{name}"' if name.startswith("rotated") else ' = "first"'
            lines.append(
                f'[registration.{name}]\nprovider = "as"\nclient-id = "{name}"\nscope = "{scope}"\n'
                f'client-authentication-method = "client_secret_post"\nclient-secret{secret}'
            )
        path = self.folder / "settings.toml"
        (self.folder / "new").write_text("\n".join(lines))
        (self.folder / "new").rename(path)

    def rotate(self) -> None:
        """Change the secrets of some clients, as an administrator does."""
        new = f"secret-{time.monotonic_ns()}"
        for name in names("rotated"):
            path = self.folder / name
            self.tell(secrets={name: [path.read_text(), new]})
            path.write_text(new)
            self.tell(secrets={name: [new]})

    def reload(self) -> None:
        """Change some registrations, and reload by one facade or the other."""
        self.generation += 1
        self.write_settings()
        if self.generation % 2:
            self.manager.reload()
        else:
            coroutine = self.manager.as_async().reload()
            asyncio.run_coroutine_threadsafe(coroutine, self.load.loop).result(10)

    def fork(self) -> None:
        """Call from a forked child, by both facades."""
        self.forks += 1
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            os._exit(self.in_child())
        _, status = os.waitpid(pid, 0)
        if status:
            self.load.problems.append(f"a forked child ended with {status}")

    def in_child(self) -> int:
        """Return 0 if all went well in a child."""
        problems = Load(self.manager)
        for number in range(20):
            begun = time.time()
            name = "forked" if number % 2 else "rotated-0"
            try:
                if number == 7:
                    client = asyncio.run(self.manager.as_async().authorize("forked", force=True))
                else:
                    client = self.manager.authorize(name)
            except OAuthRegError:
                continue
            problems.check("forked" if number == 7 else name, {}, begun, client)
        for problem in problems.problems:
            print(f"in a child: {problem}", file=sys.stderr)
        return len(problems.problems)

    def size(self) -> Size:
        """Measure what may not grow."""
        state = self.manager._core.state
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
        return Size(
            threads=threading.active_count(),
            fds=len([*Path("/proc/self/fd").iterdir()]),
            megabytes=resident // 1_000_000,
            entries=len(state.cache.entries),
            backoffs=len(state.backoffs._by_scope),
        )

    def peaks(self) -> tuple[Size, Size]:
        """Return the largest sizes of an early and of a late part of the run."""
        part = max(1, int(len(self.sizes) * WARM_UP))
        early, late = self.sizes[part : 2 * part], self.sizes[-part:]
        return Size(*map(max, zip(*early, strict=True))), Size(*map(max, zip(*late, strict=True)))

    def growth(self) -> list[str]:
        """Return what grew."""
        early, late = self.peaks()
        return [f"growth of {one}" for one in early.grown(late)]

    def ratio(self, asked: dict[str, int], took: float) -> float:
        """Return how many requests plain registrations made, by those that are needed."""
        needed = took / (self.facts["lifetime"] * STALE_SHARE) * PLAIN
        return sum(asked.get(name, 0) for name in names("plain")) / needed

    def economy(self, asked: dict[str, int], took: float) -> list[str]:
        """Return whether the server was asked too often, or too seldom."""
        ratio = self.ratio(asked, took)
        print(f"token requests / needed without faults: {ratio:.2f}")
        return [] if IDEAL[0] <= ratio <= IDEAL[1] else [f"{ratio:.2f} times the needed requests"]

    def recovery(self) -> list[str]:
        """Return the registrations that have no token soon after the server is well again."""
        self.tell(heal=True)
        end = time.monotonic() + SECONDS_TO_RECOVER
        left = set(all_names())
        while left and time.monotonic() < end:
            for name in sorted(left):
                try:
                    self.manager.authorize(name, min_ttl=0.5)
                    left.discard(name)
                except OAuthRegError:
                    continue
            time.sleep(0.1)
        return [f"{name} has no token, though the server is well" for name in sorted(left)]


def names(kind: str) -> list[str]:
    """Return the registrations of a kind."""
    count = {"plain": PLAIN, "rotated": ROTATED, "changing": CHANGING}[kind]
    return [f"{kind}-{number}" for number in range(count)]


def all_names() -> list[str]:
    """Return all registrations."""
    return [*names("plain"), *names("rotated"), *names("changing"), "users", "loops", "forked"]


@contextmanager
def serving() -> Iterator[subprocess.Popen[str]]:
    """Run the server."""
    command = [sys.executable, Path(__file__).with_name("server.py"), json.dumps(all_names())]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()


def main() -> int:
    """Run, report, and return the exit code."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300.0
    logging.getLogger("oauthreg").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="oauthreg-soak-") as folder, serving() as server:
        soak = Soak(seconds, Path(folder), server)
        problems = soak.run()
        early, late = soak.peaks()
        print(f"{seconds:g} s, {soak.forks} forks, {soak.generation} reloads")
        print(f"early {early}\nlate  {late}")
        print(f"calls {dict(soak.load.counts)}")
        soak.manager.close()
    for problem in problems[:20]:
        print(f"PROBLEM {problem}", file=sys.stderr)
    if problems:
        print(f"{len(problems)} problems", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
