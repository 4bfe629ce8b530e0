"""Fleets on simulated time, driven by the shipped engine."""

from __future__ import annotations

import logging

import pytest

RATES = [(30, 201, 241), (60, 101, 121), (300, 21, 25), (3600, 2, 2)]


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.CRITICAL, "oauthreg")


@pytest.mark.parametrize(("lifetime", "fewest", "most"), RATES)
def test_token_requests_an_hour_at_one_call_a_second(simulation, lifetime, fewest, most):
    low, high = simulation.requests_per_hour(simulation.Shipped, lifetime, processes=3)
    assert fewest <= low <= high <= most


def test_1000_processes_with_tokens_of_an_hour_do_not_notice_ten_minutes_without_a_server(
    simulation,
):
    seen = simulation.outage(simulation.Shipped, 3600, processes=1_000, seconds=600)
    assert (seen.failing, seen.failing_after) == (0, 0)
    assert seen.spent < 4, "a server that is down is asked a few times a process"
    assert seen.recovery <= 30, "and not by all at once when it is back"


def test_short_tokens_fail_in_an_outage_and_recover_within_the_longest_backoff(simulation):
    seen = simulation.outage(simulation.Shipped, 60, processes=50, seconds=600)
    assert seen.failing > 0
    assert seen.served_after <= 16
    assert seen.spent < 65
    assert seen.recovery <= 15
