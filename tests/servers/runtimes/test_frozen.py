"""A process that is stopped, as a function platform does between two calls, and a laptop's lid."""

import json
import os
import signal
import time

STOPPED = 3.2  # longer than a request may take, and than the token lives


def frozen_while(process, gate):
    """Freeze a process while the server answers what it has asked."""
    gate.wait_for(2)
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(STOPPED)
    gate.open()
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGCONT)


def report(process):
    return json.loads(process.heard())


def test_a_renewal_behind_the_last_call_fails_nobody_after_the_thaw(program, token_server):
    token_server.lifetime = 4
    process = program("frozen.py", "renewal", total=1, keys={"refresh-before": 3.6})
    assert process.heard() == "READY"
    with token_server.hold() as gate:
        process.tell()
        assert process.heard() == "RENEWING"
        frozen_while(process, gate)
    process.tell()
    seen = report(process)
    assert [answer.partition(".")[0] for answer in seen["answers"]] == ["app", "app"]
    assert seen["failures"] == []


def test_callers_who_wait_while_it_is_frozen_are_served_after_the_thaw(program, token_server):
    process = program("frozen.py", "waiting", total=1)
    assert process.heard() == "READY"
    with token_server.hold() as gate:
        process.tell()
        frozen_while(process, gate)
    seen = report(process)
    assert [answer.partition(".")[0] for answer in seen["answers"]] == ["app", "app"]
    assert seen["failures"] == []
