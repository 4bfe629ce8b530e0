"""1,500 users, a server that hangs, and 1,024 file descriptors."""

import json

import pytest

from oauthreg.testing import Fault

MOST_CONNECTIONS = 32


@pytest.mark.parametrize("kind", ["threads", "asyncio"])
def test_a_hanging_server_takes_no_descriptors_from_the_application(program, token_server, kind):
    process = program("many_users.py", kind)
    assert process.heard() == "READY"
    with token_server.inject(Fault(hang=True)):
        process.tell()
        seen = json.loads(process.heard())
        assert seen["first"], "each user had their own token"
        assert seen["stale"], "and kept it while it was renewed"
        assert set(seen["new"]) == {"WaitTimedOutError"}
        for when in ("while_stale", "while_new"):
            assert seen[when]["fds"] < MOST_CONNECTIONS + 40
        callers = 250 if kind == "threads" else 0
        assert seen["while_new"]["threads"] < callers + MOST_CONNECTIONS + 20
