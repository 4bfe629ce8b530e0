"""What becomes of a login whose process is killed while it renews it, at each step of that."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from oauthreg import AuthorizedClientManager
from oauthreg._errors import LoginRequiredError

CALLS = range(9)
CASES = [f"{number}-{when}" for number in CALLS for when in ("before", "after")]
PROGRAM = """
import json, os, signal, sys, time
from oauthreg import AuthorizedClientManager
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._renewal.clocks import Clocks
from oauthreg._settings.load import load

tables, later = json.loads(sys.argv[1]), float(sys.argv[2])
clocks = Clocks(wall=lambda: time.time() + later, monotonic=lambda: time.monotonic() + later)

class Deadly:
    def __init__(self, store, number, when):
        self.store, self.number, self.when, self.calls = store, number, when, 0

    def __getattr__(self, name):
        def call(*args, **options):
            number, self.calls = self.calls, self.calls + 1
            if number == self.number and self.when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = getattr(self.store, name)(*args, **options)
            if number == self.number:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer
        return call

configuration = load(tables)
for case in sys.argv[3:]:
    number, _, when = case.partition("-")
    if os.fork() == 0:
        core = Core(RegistrationRegistry(configuration), clocks=clocks)
        shared = core.flights.sharing.access.store
        shared._store = Deadly(shared._store, int(number), when)
        AuthorizedClientManager(core).authorize("app", principal=case)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


@pytest.fixture
def kind():
    return AuthorizedClientManager


def test_a_login_outlives_its_renewers_but_for_the_moment_after_the_answer(
    web, log_in, server, time_, tmp_path
):
    one, first = web(), {}
    for case in CASES:
        first[case] = log_in(one, case).refresh_token.token_value
    client = {"client-id": "app", "client-secret": "secret", "provider": "as", "scope": "read"}
    client["authorization-grant-type"] = "authorization_code"
    tables = {
        "registration": {"app": {**client, "redirect-uri": "http://127.0.0.1:9/callback"}},
        "provider": {"as": {"token-uri": server.token_uri, "issuer-uri": server.issuer}},
        "store": {"type": "sqlite", "path": str(tmp_path / "tokens.db")},
    }
    command = [sys.executable, "-c", PROGRAM, json.dumps(tables), "291", *CASES]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    codes = dict(zip(CASES, map(int, ended.stdout.split()), strict=True))
    assert list(codes.values()).count(-9) >= 12, "most of them were killed in a renewal"
    time_.advance(291)
    other, lost, words = web(), [], set()
    for case in CASES:
        try:
            assert other.token(principal=case)
        except LoginRequiredError as error:
            lost.append(case)
            words.add(str(error).partition(",")[0])
        uses = sent(server).count(first[case])
        assert uses == (2 if case in lost else 1), case
    assert 0 < len(lost) <= 3, lost
    assert words == {"app: an earlier renewal ended after its refresh token was sent"}


def sent(server):
    forms = [dict(request.form) for request in server.requests_to("token")]
    return [form["refresh_token"] for form in forms if "refresh_token" in form]
