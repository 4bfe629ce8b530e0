"""Measures other libraries doing the same work, simulates a fleet, and writes docs/comparison.md.

Every measurement runs in a process of its own against a server in another one, so that what goes
wrong in one of them is one cell of the table. Run it by `make bench-peers`: it takes a while.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import peers_document
import plots
from peers_drivers import DRIVERS
from peers_measures import MEASURES
from simulation import Naive, Shipped, outage, requests_per_hour

if TYPE_CHECKING:
    from peers_drivers import Driver

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "comparison.md"
BY_HAND = "\n## What a store saves and costs"
"""From here on the document is written by hand, from `make bench` and `make soak`."""
HIT_TURNS = 5
LIMIT = 400.0
BUSY = 0.5
NO_PROXY = {"NO_PROXY": "*", "no_proxy": "*"}

Figures = dict[str, Any]


def measured(kind: type[Driver], measure: str) -> Figures:
    """Measure in a child process; what goes wrong there is the figure `error`."""
    command = [sys.executable, str(HERE / "peers_measures.py"), kind.name, measure]
    run = partial(subprocess.run, capture_output=True, text=True, check=False)
    try:
        done = run(command, timeout=LIMIT, env={**os.environ, **NO_PROXY})
    except subprocess.TimeoutExpired:
        return {"error": f"over {LIMIT:.0f} s"}
    if done.returncode:
        return {"error": done.stderr.strip().rpartition("\n")[2].partition(":")[0] or "died"}
    return json.loads(done.stdout)


def best_hit(kind: type[Driver], before: Figures | None) -> Figures:
    """Return the better of two measurements: other work on the machine only ever adds."""
    now = measured(kind, "hit")
    if before is None or "error" in before or "error" in now:
        return before if before is not None and "error" in now else now
    return min(before, now, key=lambda one: one["nanoseconds"])


def compared() -> dict[str, dict[str, Figures]]:
    """Measure everything; hits in turns, so that what else the machine does hits all alike."""
    found: dict[str, dict[str, Figures]] = {kind.name: {} for kind in DRIVERS}
    for _ in range(HIT_TURNS):
        for kind in DRIVERS:
            figures = found[kind.name]
            figures["hit"] = best_hit(kind, figures.get("hit"))
    for measure in MEASURES:
        for kind in DRIVERS:
            figures = found[kind.name]
            if measure not in figures:
                figures[measure] = measured(kind, measure)
            print(f"{measure:12} {kind.name:36} {figures[measure]}", flush=True)
    return found


def simulated() -> dict[str, Figures]:
    """Simulate a fleet with the shipped policy and with a naive one."""
    found: dict[str, Figures] = {}
    for name, policy in (("oauthreg", Shipped), ("naive", Naive)):
        found[name] = {
            "per hour": {life: requests_per_hour(policy, life) for life in (60, 300, 3600)},
            "outage": {life: outage(policy, life) for life in (300, 3600)},
        }
        print(name, found[name], flush=True)
    return found


def machine() -> str:
    """Say in neutral words where this ran."""
    cores = os.cpu_count() or 1
    python = f"{platform.python_implementation()} {platform.python_version()}"
    words = f"{cores} cores, {python} on {platform.system()} {platform.machine()}"
    load = os.getloadavg()[0]
    if load > BUSY:
        words += f"; other work ran beside it (load {load:.1f} when it began)"
    return words


def main() -> None:
    logging.disable()  # flights that fail on purpose
    place = machine()
    versions = {kind.distribution: version(kind.distribution) for kind in DRIVERS}
    text = peers_document.text(
        date=datetime.now(UTC).date().isoformat(),
        machine=place,
        versions=versions,
        compared=compared(),
        simulated=simulated(),
    )
    before = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    _, mark, by_hand = before.partition(BY_HAND)
    DOCUMENT.write_text(text + mark + by_hand, encoding="utf-8")
    plots.main()
    print(text)


if __name__ == "__main__":
    main()
