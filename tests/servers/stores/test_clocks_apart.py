"""Two machines whose clocks differ by five minutes share tokens, and hand out none that ended."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from secrets import token_hex

import pytest

from oauthreg._shared.seal import new_key
from oauthreg.testing import AuthorizationServer

APART = 300  # seconds
PROGRAM = """
import sys, time
shift, real, real_ns = float(sys.argv[2]), time.time, time.time_ns
time.time = lambda: real() + shift
time.time_ns = lambda: real_ns() + int(shift * 1e9)
import json
from oauthreg import AuthorizedClientManager
with AuthorizedClientManager.from_settings(json.loads(sys.argv[1])) as manager:
    print(manager.authorize("app").access_token.token_value)
"""


@pytest.fixture(params=["valkey", "postgres"])
def machine(request):
    """`machine(server, shift)`: the token that a machine gets whose clock is so far off."""
    shared = request.getfixturevalue(f"shared_{request.param}")
    kind = "redis" if request.param == "valkey" else "sql"
    store = {"type": kind, "url": shared.url(), "keys": [new_key()], "prefix": token_hex(4)}

    def token(server, shift):
        settings = {
            "registration": {
                "app": {"client-id": "app", "client-secret": "secret", "provider": "as"}
            },
            "provider": {"as": {"token-uri": server.token_uri}},
            "store": store,
        }
        command = [sys.executable, "-c", PROGRAM, json.dumps(settings), str(shift)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip()

    return token


def serving(lifetime):
    server = AuthorizationServer(token_lifetime=lifetime)
    server.add_client("app", "secret")
    return server


@pytest.mark.parametrize("shift", [APART, -APART])
def test_a_good_token_is_not_thrown_away(machine, shift):
    with serving(3600) as server:
        first = machine(server, 0)
        assert machine(server, shift) == first
        assert machine(server, 0) == first
        assert server.token_requests == 1


@pytest.mark.parametrize("shift", [APART, -APART])
def test_a_token_that_ended_is_not_handed_out(machine, shift):
    with serving(3) as server:
        first = machine(server, 0)
        time.sleep(3.5)
        assert machine(server, shift) != first
