"""Generated Spring files, as oauthreg reads them and as Spring Boot itself does.

Each is equal, or refused in words, or a failure that is shown with as few lines as still differ.
With WRITE_SPRING_VIEWS=1 the first of them are stored with Boot's answers, for `make test`.
"""

import importlib.util
import os
import shutil
from itertools import count
from pathlib import Path

import pytest

VIEWS = Path(__file__).parents[1] / "sources" / "spring_boot"
FILES = 1000
STORED = 300


def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


compare = _module(VIEWS / "compare.py")
samples = _module(VIEWS / "samples.py")


@pytest.fixture
def judged(boot, tmp_path):
    """`judged(case)`: the verdict, Boot's view and ours, each time in a folder of its own."""
    numbers = count()

    def judge(case):
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        environ = compare.write(case, folder)
        theirs = compare.without_folder(boot(folder, environ), folder)
        ours = compare.ours(case, folder, environ)
        shutil.rmtree(folder)
        return compare.verdict(theirs, ours), theirs, ours

    return judge


def _smaller(case):
    """Yield cases with a file, a variable or a line less."""
    files, environ = case["files"], case["environ"]
    for name in environ:
        yield {**case, "environ": {k: v for k, v in environ.items() if k != name}}
    for name, text in files.items():
        if name != case["main"]:
            yield {**case, "files": {k: v for k, v in files.items() if k != name}}
        lines = text.splitlines(keepends=True)
        for at in range(len(lines)):
            shorter = "".join(lines[:at] + lines[at + 1 :])
            yield {**case, "files": {**files, name: shorter}}


def _minimal(case, judge):
    """Return the smallest case found that still differs."""
    while True:
        smaller = next((c for c in _smaller(case) if judge(c)[0] not in ("equal", "refused")), None)
        if smaller is None:
            return case
        case = smaller


def test_a_thousand_generated_folders_are_read_as_by_boot_or_refused_in_words(judged, boot_cases):
    counts = {"equal": 0, "refused": 0}
    for seed in range(FILES):
        case = boot_cases.case(seed)
        verdict, _, _ = judged(case)
        if verdict not in counts:
            small = _minimal(case, judged)
            verdict, theirs, ours = judged(small)
            pytest.fail(f"seed {seed}: {verdict}\n{small}\nBoot: {theirs}\nours: {ours}")
        counts[verdict] += 1
    assert counts["equal"] > FILES / 2, counts


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_a_sample_is_read_as_by_boot_or_refused_in_words(judged, name):
    verdict, theirs, ours = judged(samples.case(name))
    assert verdict in ("equal", "refused"), (verdict, theirs, ours)


def test_the_stored_views_are_boots(judged, boot_cases):
    cases = {f"seed {seed}": boot_cases.case(seed) for seed in range(STORED)}
    cases |= {name: samples.case(name) for name in samples.SAMPLES}
    views = {}
    for name, case in cases.items():
        verdict, theirs, _ = judged(case)
        views[name] = {"case": case, "boot": theirs, "verdict": verdict}
    if os.environ.get("WRITE_SPRING_VIEWS") == "1":
        compare.store(views)
    stored = compare.stored()
    assert stored.keys() == views.keys()
    for name, view in views.items():
        assert view == stored[name], name
