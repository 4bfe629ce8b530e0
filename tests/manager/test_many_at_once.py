"""Many keys at once: requests in flight are bounded, and so are threads and descriptors."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from oauthreg._errors import WaitTimedOutError
from oauthreg._renewal.clocks import Clocks
from oauthreg.testing import Fault

USERS = 200
MOST = 4


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def in_flight(h):
    (limit,) = h.core.state.limits._limits.values()
    return len(limit.inside), len(limit.waited), len(limit.background)


def until(holds):
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def many(make):
    return make(http={"default": {"max-connections": MOST}})


def test_stale_tokens_are_served_at_once_while_few_renewals_hang(many, server, clock):
    for number in range(USERS):
        many.token(audience=str(number))
    threads, files = threading.active_count(), open_files()
    clock.advance(200)
    with server.hold() as gate:
        for number in range(USERS):
            assert many.token(audience=str(number))
        gate.wait_for(MOST)
        assert in_flight(many) == (MOST, 0, USERS - MOST)
        assert threading.active_count() <= threads + 4 * MOST
        assert open_files() <= files + 4 * MOST
    many.settled()
    assert server.token_requests == 2 * USERS


def test_who_has_no_token_goes_before_those_who_have_one(many, server, clock):
    for number in range(USERS):
        many.token(audience=str(number))
    clock.advance(200)
    with server.hold() as gate:
        for number in range(USERS):
            many.token(audience=str(number))
        gate.wait_for(MOST)
        (call,) = many.herd(1, audience="new")
        until(lambda: in_flight(many)[1] == 1)
    assert call.result(10)
    many.settled()
    order = [dict(request.form)["audience"] for request in server.requests_to("token")]
    assert order.index("new") < USERS + 3 * MOST


def test_who_waits_in_line_gives_up_at_his_deadline(make, server):
    many = make(http={"default": {"max-connections": MOST}}, clocks=Clocks())
    with server.inject(Fault(hang=True)):
        hanging = many.herd(MOST, audience="0") + [
            many.start(audience=str(number)) for number in range(1, MOST)
        ]
        server.wait_for_requests(MOST)
        assert isinstance(many.failure(audience="last", timeout=0.2), WaitTimedOutError)
    many.do("close")
    assert all(call.exception(10) for call in hanging)


def test_a_renewal_that_waits_in_line_becomes_urgent_when_its_token_expires(many, server, clock):
    server.token_lifetime = 60
    for number in range(2 * MOST):
        many.token(audience=str(number))
    clock.advance(37)
    with server.hold() as gate:
        for number in range(2 * MOST):
            many.token(audience=str(number))
        gate.wait_for(MOST)
        assert in_flight(many) == (MOST, 0, MOST)
        clock.advance(20)
        (waiting,) = many.herd(1, audience=str(2 * MOST - 1))
        assert in_flight(many) == (MOST, 1, MOST - 1)
    assert waiting.result(10)
