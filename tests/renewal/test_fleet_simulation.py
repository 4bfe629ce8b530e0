"""Pods that share tokens through a store, on simulated time, driven by the shipped engine."""

from __future__ import annotations

import importlib
import logging
import sys
from pathlib import Path

import pytest

BENCH = str(Path(__file__).parents[1] / "bench")
LIFETIME = 60.0
WINDOWS = 10
LEASE = 15.0


@pytest.fixture(scope="module")
def fleets():
    sys.path.insert(0, BENCH)
    try:
        return importlib.import_module("fleet_simulation")
    finally:
        sys.path.remove(BENCH)


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.CRITICAL, "oauthreg")


def most(seconds):
    """How many requests are needed at most in so many seconds."""
    return seconds / (LIFETIME / 2) + 2


@pytest.mark.parametrize("logins", [False, True], ids=["clients", "logins"])
@pytest.mark.parametrize("skew", [0.0, 300.0])
def test_one_request_for_all_pods_at_the_start_and_for_each_window(fleets, logins, skew):
    fleet = fleets.Fleet(LIFETIME, logins=logins)
    fleet.start(30, over=0.0, skew=skew)
    fleet.world.run(10)
    assert fleet.requests() == 1
    fleet.start(10, over=5.0, skew=skew)
    fleet.world.run(600)
    assert fleet.requests() <= most(600)
    assert (fleet.failures(), fleet.expired, fleet.server.reused) == (0, 0, 0)


def test_a_frozen_holder_of_the_lease_costs_one_lease_and_one_request(fleets):
    fleet = fleets.Fleet(LIFETIME)
    fleet.start(1)
    freeze(fleet, at=0.006, until=40)
    fleet.start(20, over=1.0)
    fleet.world.run(LEASE + 5)
    assert fleet.requests() <= 2
    assert all(caller._is_hot() for caller in fleet.callers[1:])
    fleet.world.run(300)
    assert fleet.requests() <= most(300) + 1
    assert (fleet.failures(), fleet.expired) == (0, 0)


def freeze(fleet, at, until):
    """Let the first pod stand still, from one moment to another."""

    def stop():
        fleet.callers[0].frozen_until = until

    fleet.world.after(at, stop)


@pytest.mark.parametrize("milliseconds", [1, 2, 3, 4, 5, 6, 7, 30, 60])
def test_a_pod_that_is_frozen_while_it_renews_a_login_spends_no_refresh_token_twice(
    fleets, milliseconds
):
    fleet = fleets.Fleet(LIFETIME, logins=True)
    fleet.start(1)
    freeze(fleet, at=milliseconds / 1000, until=100)
    fleet.world.run(0.5)
    sent = fleet.requests()
    fleet.start(5, over=1.0)
    fleet.world.run(600)
    assert fleet.expired == 0
    assert fleet.server.reused <= sent, "only what was answered to nobody may be sent once more"
    if not sent:
        assert fleet.failures() == 0


@pytest.mark.parametrize("logins", [False, True], ids=["clients", "logins"])
def test_a_failover_to_an_older_copy_gives_nobody_an_older_token(fleets, logins):
    fleet = fleets.Fleet(LIFETIME, logins=logins)
    fleet.start(1)
    fleet.world.run(50)
    restore = fleet.snapshot()
    before = fleet.requests()
    fleet.world.run(80)
    assert fleet.requests() == before + 1
    restore()
    fleet.world.run(600)
    assert fleet.requests() <= most(600) + 1
    assert (fleet.failures(), fleet.expired, fleet.server.reused) == (0, 0, 0)


def test_a_failover_costs_the_pods_one_request_more_each_at_most(fleets):
    fleet = fleets.Fleet(LIFETIME)
    fleet.start(20, over=5.0)
    fleet.world.run(50)
    restore = fleet.snapshot()
    fleet.world.run(80)
    restore()
    fleet.world.run(600)
    assert fleet.requests() <= most(600) + 20
    assert (fleet.failures(), fleet.expired) == (0, 0)


@pytest.mark.parametrize("away", [5.0, 25.0])
def test_a_store_that_is_away_for_a_while_loses_no_login(fleets, away):
    fleet = fleets.Fleet(LIFETIME, logins=True)
    fleet.start(20, over=5.0)
    fleet.world.run(100)
    fleet.store_away = (100.0, 100.0 + away)
    fleet.world.run(600)
    assert (fleet.failures(start=200), fleet.expired, fleet.server.reused) == (0, 0, 0)
    assert fleet.requests() <= most(600)


def test_without_the_store_each_pod_asks_for_itself_and_nobody_fails(fleets):
    fleet = fleets.Fleet(LIFETIME)
    fleet.start(20, over=5.0)
    fleet.world.run(100)
    fleet.store_away = (100.0, 200.0)
    fleet.world.run(600)
    assert (fleet.failures(), fleet.expired) == (0, 0)
    assert fleet.requests(100, 200) <= 20 * most(100)
    assert fleet.requests(300, 600) <= most(300)
