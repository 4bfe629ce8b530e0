"""A store that is killed and started anew in the middle of a herd of processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter

import pytest

from oauthreg._shared.seal import new_key
from oauthreg.testing import AuthorizationServer

PROCESSES, KEYS = 8, 30
PROGRAM = """
import json, logging, os, sys, time
from oauthreg import AuthorizedClientManager
logging.disable()
manager = AuthorizedClientManager.from_settings(json.loads(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        for number in range(int(sys.argv[3])):
            manager.authorize("app", audience=str(number))
            time.sleep(0.1)
        os._exit(0)
print("started", flush=True)
sys.exit(any(os.wait()[1] for _ in range(int(sys.argv[2]))))
"""


@pytest.mark.parametrize("kind", ["valkey", "postgres", "mariadb"])
def test_each_process_asks_once_at_most_for_each_token(request, kind):
    store = request.getfixturevalue(kind)()
    with AuthorizationServer() as server:
        server.add_client("app", "secret")
        client = {"client-id": "app", "client-secret": "secret", "provider": "as"}
        settings = {
            "registration": {"app": client},
            "provider": {"as": {"token-uri": server.token_uri}},
            "store": {
                "type": "redis" if kind == "valkey" else "sql",
                "url": store.url(),
                "keys": [new_key()],
            },
        }
        command = [sys.executable, "-c", PROGRAM, json.dumps(settings), str(PROCESSES), str(KEYS)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as herd:
            assert herd.stdout.readline() == b"started\n"
            while server.token_requests < KEYS / 3:
                assert herd.poll() is None
                time.sleep(0.01)
            store.kill()
            before = server.token_requests
            while server.token_requests < before + 2:
                assert herd.poll() is None
                time.sleep(0.01)
            store.start()
            assert herd.wait(120) == 0, "nobody fails"
        asked = Counter(dict(one.form)["audience"] for one in server.requests_to("token"))
    assert len(asked) == KEYS
    assert max(asked.values()) <= PROCESSES
    assert sum(asked.values()) < 0.8 * KEYS * PROCESSES, "they share while they can"
