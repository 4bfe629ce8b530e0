"""The watchdog of event loops barks."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def heard(make_loop, watchdog):
    """What the watchdog says of something done on a loop."""

    def run(work):
        async def main():
            work()

        watchdog.seen.clear()
        make_loop().run(main())
        seen = list(watchdog.seen)
        watchdog.seen.clear()
        return seen

    return run


def test_it_hears_a_callback_that_computes_for_too_long(heard):
    def compute():
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass

    assert any("ms of CPU" in said for said in heard(compute))


def test_it_hears_a_file_being_opened(heard, tmp_path):
    path = tmp_path / "file"
    path.write_text("x")
    assert heard(path.read_text) == [f"open {str(path)!r}"]


def test_it_hears_a_sleep(heard):
    assert heard(lambda: time.sleep(0.001)) == ["sleep 0.001"]


def test_it_hears_nothing_else(heard):
    assert heard(lambda: None) == []
