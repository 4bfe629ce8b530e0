"""What grows with the number of registrations, tokens or listeners, and how far a call goes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
import timeit
from pathlib import Path
from typing import Any

from row import Row

from oauthreg import AuthorizedClientManager
from oauthreg.events import Failed, Renewed
from oauthreg.testing import AuthorizationServer

CALLS = 200_000
MANY, FEW = 100_000, 1_000
REGISTRATIONS = 10_000
FILES, FUNCTIONS = 32, 160
"""What a cold `authorize` passed before a manager was made of parts."""


def rows() -> list[Row]:
    """Measure them all."""
    return [listener(), rejections(), reload(), load(), path()]


def settings(token_uri: str, **registration: Any) -> dict[str, Any]:
    table = {"client-id": "id", "client-secret": "a-secret", "provider": "p", **registration}
    return {"registration": {"my-client": table}, "provider": {"p": {"token-uri": token_uri}}}


def listener() -> Row:
    """A hit, with a listener that does not ask for hits."""
    with AuthorizationServer() as server:
        server.add_client("id", "a-secret")
        timings = []
        for kinds in ((), (Renewed, Failed)):
            with AuthorizedClientManager.from_settings(settings(server.token_uri)) as manager:
                if kinds:
                    manager.subscribe(kinds, print)
                manager.authorize("my-client")
                best = min(
                    timeit.repeat('f("my-client")', globals={"f": manager.authorize}, number=CALLS)
                )
                timings.append(best / CALLS * 1e9)
    without, with_one = timings
    ratio = with_one / without
    what = "hit with a listener that asks for no hits"
    return Row(what, f"{with_one:.0f} ns", f"{without:.0f} ns", ratio, "<= 1.1x", ratio <= 1.1)


def rejections() -> Row:
    """A rejection among many cached tokens, against one among few."""
    script = """
import sys, time
from pydantic import SecretStr
from oauthreg import AuthorizedClientManager
manager = AuthorizedClientManager.from_settings({
    "registration": {"a": {"client-id": "c", "client-secret": "s", "provider": "p"}},
    "provider": {"p": {"token-uri": "https://auth.example.com/token"}},
})
core, spent = manager._core, []
resolved, now = core.registry.find("a"), core.clocks.now()
for number in range(int(sys.argv[1])):
    changed = resolved.registration.with_options(audience=str(number))
    fetch = core.fetch(resolved, changed)
    cached = fetch.fixed_token(SecretStr(f"token-{number}"), now)
    core.state.cache.put(core.state.cache.entry(fetch, now), cached)
for number in range(500):
    begun = time.perf_counter()
    manager.reject("a", f"token-{number}")
    spent.append(time.perf_counter() - begun)
print(sorted(spent)[250] * 1e6)
"""
    many, few = (
        float(
            subprocess.run(
                [sys.executable, "-c", script, str(count)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for count in (MANY, FEW)
    )
    ratio = many / few
    what = f"rejection among {MANY:,} tokens, against {FEW:,}"
    return Row(what, f"{many:.1f} us", f"{few:.1f} us", ratio, "as with few", ratio <= 1.5)


def reload() -> Row:
    """A reload in which every registration changed, against the load."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "settings.toml"
        file.write_text(many_registrations("read"))
        begun = time.perf_counter()
        with AuthorizedClientManager.from_settings(file) as manager:
            loaded = time.perf_counter() - begun
            for name in manager.registrations:
                manager.override(name, None)
            file.write_text(many_registrations("write"))
            begun = time.perf_counter()
            manager.reload()
            reloaded = time.perf_counter() - begun
    ratio = reloaded / loaded
    what = f"reload of {REGISTRATIONS:,} changed registrations, against the load"
    return Row(what, f"{reloaded:.2f} s", f"{loaded:.2f} s", ratio, "<= 1.2x", ratio <= 1.2)


def load() -> Row:
    """How long many registrations take to load, and what they weigh."""
    code = """
import sys, time, tracemalloc
from oauthreg import AuthorizedClientManager
AuthorizedClientManager.from_settings({}).close()
begun = time.perf_counter()
manager = AuthorizedClientManager.from_settings(sys.argv[1])
took = time.perf_counter() - begun
tracemalloc.start()
again = AuthorizedClientManager.from_settings(sys.argv[1])
print(took, tracemalloc.get_traced_memory()[0] / 2**20)
"""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "settings.toml"
        file.write_text(many_registrations("read"))
        done = subprocess.run(
            [sys.executable, "-c", code, str(file)], check=True, capture_output=True, text=True
        )
    seconds, megabytes = map(float, done.stdout.split())
    good = seconds <= 2 and megabytes <= 100
    measured = f"{seconds:.2f} s, {megabytes:.0f} MB"
    return Row(
        f"{REGISTRATIONS:,} registrations loaded", measured, "", None, "<= 2 s, 100 MB", good
    )


def path() -> Row:
    """How many files and functions of the package one cold `authorize` passes."""
    files: set[str] = set()
    functions: set[object] = set()

    def trace(frame: Any, event: str, _argument: Any) -> Any:
        code = frame.f_code
        inside = "/oauthreg/" in code.co_filename and "/testing/" not in code.co_filename
        if event == "call" and inside and not code.co_name.startswith("<"):
            files.add(code.co_filename)
            functions.add(code)

    with AuthorizationServer() as server:
        server.add_client("id", "a-secret")
        server.add_client("another", "a-secret")
        tables = settings(server.token_uri)
        first = tables["registration"]["my-client"] | {"client-id": "another"}
        tables["registration"]["first"] = first
        with AuthorizedClientManager.from_settings(tables) as manager:
            manager.authorize("first")  # imports what is imported when used
            threading.settrace(trace)
            sys.settrace(trace)
            try:
                manager.authorize("my-client")
            finally:
                sys.settrace(None)
                threading.settrace(None)  # type: ignore[arg-type]
    measured = f"{len(files)} files, {len(functions)} functions"
    good = len(files) <= FILES / 2 and len(functions) <= FUNCTIONS / 2
    what = "files and functions that a cold `authorize` passes"
    return Row(what, measured, f"{FILES}, {FUNCTIONS}", len(functions) / FUNCTIONS, "halved", good)


def many_registrations(scope: str) -> str:
    """Return a settings file with many registrations of this scope."""
    head = "[provider.p]\ntoken-uri = 'https://auth.example.com/token'\n"
    one = "[registration.client-{0}]\nclient-id = 'c{0}'\nclient-secret = 's{0}'\nscope = '{1}'\n"
    return head + "".join(one.format(number, scope) for number in range(REGISTRATIONS))
