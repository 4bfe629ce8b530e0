"""Break the code in many small ways, and list what no test notices.

A sample of all mutants of the modules below; each is made in a copy of the tree, where the tests
of its module are run. The mutants that survive are written to .build/mutants.txt: each is a
missing test, or changes nothing that matters.

    python tests/mutants/generated.py [--count N] [--seed N] [--only WORD]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path

from operators import mutants
from run import FAILED_TESTS, ROOT, copied

SURVIVORS = ROOT / ".build" / "mutants.txt"


@dataclass(frozen=True)
class Aim:
    """Modules of the package, and the tests that are to notice a fault in them."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]

    def files(self):
        """Return the files of the modules."""
        paths = [ROOT / module for module in self.modules]
        return sorted(chain(*(path.rglob("*.py") if path.is_dir() else [path] for path in paths)))

    def mutants(self):
        """Return all mutants of its modules."""
        found = [(file.relative_to(ROOT).as_posix(), file.read_bytes()) for file in self.files()]
        return [mutant for path, source in found for mutant in mutants(path, source)]


AIMS = (
    Aim("renewal", ("oauthreg/_renewal",), ("tests/renewal", "tests/sharing", "tests/manager")),
    Aim("manager", ("oauthreg/_manager",), ("tests/manager", "tests/sharing")),
    Aim(
        "protocol", ("oauthreg/_protocol",), ("tests/protocol", "tests/grants", "tests/end_to_end")
    ),
    Aim(
        "token key",
        ("oauthreg/_token_key.py",),
        (
            "tests/renewal/test_token_key.py",
            "tests/renewal/test_token_key_fields.py",
            "tests/end_to_end/test_users_apart.py",
        ),
    ),
    Aim(
        "store",
        (
            "oauthreg/_shared",
            "oauthreg/_renewal/shared_failures.py",
            "oauthreg/_renewal/shared_login.py",
            "oauthreg/_renewal/shared_tokens.py",
            "oauthreg/_renewal/sharing.py",
            "oauthreg/_renewal/store_access.py",
            "oauthreg/_renewal/store_looks.py",
            "oauthreg/stores/_redis.py",
            "oauthreg/stores/_sqlite.py",
        ),
        ("tests/sharing", "tests/shared", "tests/stores"),
    ),
    Aim(
        "addresses",
        ("oauthreg/_addresses.py", "oauthreg/_urls.py", "oauthreg/_transports/address.py"),
        (
            "tests/test_addresses.py",
            "tests/transports/test_addresses.py",
            "tests/auth/test_urls.py",
        ),
    ),
)


def sample(aims, count, seed):
    """Return `count` mutants with their aims, in turn from each, the same ones for one seed."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    rows = []
    for aim in aims:
        found = aim.mutants()
        chance.shuffle(found)
        rows.append([(aim, mutant) for mutant in found])
    in_turn = (pair for row in zip_longest(*rows) for pair in row if pair)
    return list(islice(in_turn, count)), sum(map(len, rows))


def run(tree, tests, seconds):
    """Run tests in a tree: pytest's exit code, None if it hung."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command,
        cwd=tree,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def baseline(tree, aims):
    """Return the seconds that each aim's tests take; they must pass without a mutant."""
    took = {}
    for aim in aims:
        begun = time.monotonic()
        code = run(tree, aim.tests, 600)
        if code:
            sys.exit(f"the tests of {aim.name} fail without a mutant (pytest said {code})")
        took[aim] = time.monotonic() - begun
    return took


def survives(tree, mutant, tests, seconds):
    """Whether no test notices a mutant."""
    file = tree / mutant.path
    source = file.read_bytes()
    file.write_bytes(mutant.applied(source))
    try:
        code = run(tree, tests, seconds)
    finally:
        file.write_bytes(source)
    if code not in {0, FAILED_TESTS, None}:
        return False  # it cannot even be imported
    return code == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", metavar="WORD", help="aims whose name has the word")
    options = parser.parse_args()
    aims = [aim for aim in AIMS if options.only in aim.name]
    chosen, everything = sample(aims, options.count, options.seed)
    survivors = []
    with tempfile.TemporaryDirectory(prefix="oauthreg-mutants-") as folder:
        tree = Path(folder)
        copied(tree)
        took = baseline(tree, dict(chosen).keys())
        longest = sum(2 * took[aim] + 10 for aim, _ in chosen)
        print(
            f"{len(chosen)} of {everything} mutants, seed {options.seed}: {longest:.0f} s at most"
        )
        for aim, mutant in chosen:
            alive = survives(tree, mutant, aim.tests, 2 * took[aim] + 10)
            line = f"{mutant.path}:{mutant.line}: {mutant.was!r} became {mutant.becomes!r}"
            print("SURVIVED" if alive else "killed  ", line, flush=True)
            survivors += [line] * alive
    SURVIVORS.parent.mkdir(exist_ok=True)
    SURVIVORS.write_text("".join(f"{line}\n" for line in sorted(survivors)))
    print(f"{len(survivors)} of {len(chosen)} survived: {SURVIVORS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
