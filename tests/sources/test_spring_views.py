"""Spring files as oauthreg reads them, beside what Spring Boot made of them (stored).

`WRITE_SPRING_VIEWS=1 make test-servers` asks Spring Boot anew.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).with_name("spring_boot")
spec = importlib.util.spec_from_file_location("compare", HERE / "compare.py")
compare = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compare)

VIEWS = compare.stored()


@pytest.mark.parametrize("name", VIEWS)
def test_what_is_read_is_what_boot_reads_or_refused_in_words(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    view = VIEWS[name]
    environ = compare.write(view["case"], tmp_path)
    mine = compare.ours(view["case"], tmp_path, environ)
    boot = compare.with_folder(view["boot"], tmp_path)
    assert compare.verdict(boot, mine) == view["verdict"], mine


def test_most_of_them_are_not_refused():
    verdicts = [view["verdict"] for view in VIEWS.values()]
    assert set(verdicts) == {"equal", "refused"}
    assert verdicts.count("equal") > len(verdicts) / 2
