"""Leases of processes that die, forks of every kind, and time on one machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from oauthreg.stores import _holder
from oauthreg.stores import _sqlite as sqlite_store
from oauthreg.stores._sqlite import SqliteStore
from oauthreg.testing._kit.processes import in_child, patiently

TAKE = """
    from pathlib import Path
    from oauthreg.stores._sqlite import SqliteStore
    store = SqliteStore(Path({path!r}))
    print(store.take_lease("a", "child", 60).taken, flush=True)
    input()
"""


@pytest.fixture
def path(tmp_path):
    tmp_path.chmod(0o700)
    return tmp_path / "tokens.db"


def python(code, **how):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **how,
    )


@pytest.fixture
def other(path):
    """Another process, which has taken the lease of `a`."""
    process = python(TAKE.format(path=str(path)))
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate()


def test_a_holder_that_lives_is_waited_for(path, other):
    store = SqliteStore(path)
    lease = store.take_lease("a", "mine", 60)
    assert not lease.taken
    assert 0 < lease.left <= 60
    assert store.load([], lease="a").lease_left > 0


@pytest.mark.parametrize("reaped", [True, False])
def test_a_holder_that_was_killed_is_replaced_at_once(path, other, reaped):
    store = SqliteStore(path)
    other.send_signal(signal.SIGKILL)
    if reaped:
        other.wait()
    else:  # its parent has not looked yet
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert store.load([], lease="a").lease_left == 0
    assert store.take_lease("a", "mine", 60).taken


def test_one_of_many_replaces_a_killed_holder(path, other):
    other.kill()
    other.wait()
    race = """
        from pathlib import Path
        from oauthreg.stores import StoreBusyError
        from oauthreg.stores._sqlite import SqliteStore
        store = SqliteStore(Path({path!r}))
        input()
        while True:
            try:
                print(store.take_lease("a", {n!r}, 60).taken)
                break
            except StoreBusyError:
                pass
        input()
    """
    herd = [python(race.format(path=str(path), n=str(n))) for n in range(4)]
    for process in herd:
        process.stdin.write("\n")
        process.stdin.flush()
    taken = [process.stdout.readline() for process in herd]
    for process in herd:
        process.communicate("\n")
    assert sorted(taken) == ["False\n"] * 3 + ["True\n"]


def test_a_number_that_was_used_again_is_not_its_first_owner():
    boot, namespace, pid, started = _holder.holder().split(" ")
    assert not _holder.is_dead(_holder.holder())
    assert _holder.is_dead(f"{boot} {namespace} {pid} {int(started) + 1}")


def test_a_holder_of_an_earlier_run_of_the_machine_is_dead():
    _, *rest = _holder.holder().split(" ")
    assert _holder.is_dead(" ".join(["another-boot", *rest]))


def test_a_holder_that_cannot_be_judged_counts_as_alive(monkeypatch):
    boot, _, *rest = _holder.holder().split(" ")
    assert not _holder.is_dead(" ".join([boot, "namespace-of-a-container", *rest]))
    assert not _holder.is_dead("")
    assert not _holder.is_dead("something else")


def test_where_processes_cannot_be_told_leases_run_out_by_time(path, tmp_path, monkeypatch):
    for cached in (_holder.boot, _holder._holder):
        cached.cache_clear()
    monkeypatch.setattr(_holder, "PROC", tmp_path / "none")
    try:
        assert _holder.boot() == _holder.holder() == ""
        assert not _holder.is_dead("a b c d")
        store = SqliteStore(path)
        store.take_lease("a", "one", 60)
        assert not store.take_lease("a", "two", 60).taken
        store.purge()
        assert not store.take_lease("a", "two", 60).taken
        assert store.load([]).now.boot == ""
    finally:
        for cached in (_holder.boot, _holder._holder):
            cached.cache_clear()


def test_without_a_steady_clock_leases_run_out_by_the_clock_of_the_day(path, monkeypatch):
    for cached in (_holder.boot, _holder._holder):
        cached.cache_clear()
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    now = time.time()
    try:
        store = SqliteStore(path)
        store.take_lease("a", "one", 60)
        monkeypatch.setattr(sqlite_store.time, "time", lambda: now + 30)
        assert not store.take_lease("a", "two", 60).taken
        monkeypatch.setattr(sqlite_store.time, "time", lambda: now - 3600)
        assert store.take_lease("a", "two", 60).taken  # set back: nobody waits an hour for it
        assert _holder.steady() == 0.0
    finally:
        for cached in (_holder.boot, _holder._holder):
            cached.cache_clear()


def test_leases_do_not_run_out_by_a_clock_that_was_set(path, monkeypatch):
    store = SqliteStore(path)
    store.take_lease("a", "one", 60)
    now = time.time()
    monkeypatch.setattr(sqlite_store.time, "time", lambda: now + 3600)
    assert not store.take_lease("a", "two", 60).taken


def test_a_purge_removes_the_leases_of_an_earlier_run(path, monkeypatch):
    store = SqliteStore(path)
    store.take_lease("a", "one", 60)
    monkeypatch.setattr(sqlite_store, "boot", lambda: "another-boot")
    store.purge()
    monkeypatch.undo()
    assert store.load([], lease="a").lease_left == 0


# Forks


def test_no_connection_is_open_across_a_fork(path):
    store = SqliteStore(path)
    store.save("a", b"x", generation=1, ttl=60)
    assert in_child(lambda: store._connection is None and bool(store.load(["a"]).entries))
    assert store.load(["a"]).entries


def test_a_fork_waits_for_the_thread_that_is_in_the_database(path):
    """Else the child would inherit SQLite's locks as they are."""
    store = SqliteStore(path)
    store.save("a", b"x", generation=1, ttl=60)
    store._lock.acquire()
    resting = []

    def forked():
        resting.append(sqlite_store._before_fork())
        sqlite_store._after_fork()

    thread = threading.Thread(target=forked)
    thread.start()
    thread.join(0.1)
    assert not resting
    store._lock.release()
    thread.join()
    assert store.load(["a"]).entries


def test_a_fork_goes_on_when_the_disk_hangs(path, monkeypatch):
    monkeypatch.setattr(sqlite_store, "FORK_WAIT", 0.01)
    store = SqliteStore(path)
    store.save("a", b"x", generation=1, ttl=60)
    store._lock.acquire()
    try:
        assert in_child(lambda: bool(store.load(["a"]).entries))
    finally:
        store._lock.release()
    assert store.load(["a"]).entries


C_FORK = """
    import ctypes, os, sys
    from pathlib import Path
    from oauthreg.stores._sqlite import SqliteStore
    store = SqliteStore(Path({path!r}))
    store.save("parent", b"p", generation=1, ttl=60)
    inherited = store._connection
    child = ctypes.CDLL(None).fork()
    if not child:
        works = bool(store.load(["parent"]).entries) and store._connection is not inherited
        store.save("child", b"c", generation=1, ttl=60)
        sys.exit(0 if works else 1)  # with everything that the interpreter does at its end
    _, status = os.waitpid(child, 0)
    assert store._connection is inherited
    print(status, sorted(store.load(["parent", "child"]).entries))
"""


def test_a_fork_that_python_does_not_see_leaves_the_connection_behind(path):
    process = python(C_FORK.format(path=str(path)))
    out, _ = process.communicate(timeout=60)
    assert out == "0 ['child', 'parent']\n"
    assert patiently(lambda: SqliteStore(path).load(["child"])).entries


def test_a_connection_of_another_process_is_neither_used_nor_closed(path):
    store = SqliteStore(path)
    store.save("a", b"x", generation=1, ttl=60)
    for leave in (lambda: store.load(["a"]), store.close):
        inherited = store._connection
        store._pid = 0
        leave()
        assert store._connection is not inherited
        assert inherited.execute("SELECT count(*) FROM entries").fetchone() == (1,)


SPAWN = """
    import multiprocessing
    from pathlib import Path
    from oauthreg.stores import StoreBusyError
    from oauthreg.stores._sqlite import SqliteStore

    def work(number):
        store = SqliteStore(Path({path!r}))
        while True:
            try:
                return store.save(f"n{{number}}", b"x", generation=1, ttl=60)
            except StoreBusyError:
                pass

    if __name__ == "__main__":
        store = SqliteStore(Path({path!r}))
        store.save("a", b"x", generation=1, ttl=60)
        with multiprocessing.get_context({method!r}).Pool(3) as pool:
            print(sum(pool.map(work, range(12))))
        print(len(store.load([f"n{{n}}" for n in range(12)]).entries))
"""


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_pools_of_every_kind_share(path, tmp_path, method):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SPAWN.format(path=str(path), method=method)))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "12\n12\n", done.stderr
