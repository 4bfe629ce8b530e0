"""What a WWW-Authenticate header says of the token that was refused."""

from __future__ import annotations

import time

import pytest

from oauthreg.auth._policy import demands_nonce, refuses_token


@pytest.mark.parametrize(
    ("challenge", "refuses", "demands"),
    [
        ("DPoP", True, False),
        ("", True, False),
        ('DPoP error="invalid_token", error_description="x"', True, False),
        ("DPoP error=invalid_token", True, False),
        ('Bearer error="invalid_token", DPoP algs="ES256"', True, False),
        ('DPoP algs="ES256", error="use_dpop_nonce"', False, True),
        ('dpop ERROR = "USE_DPOP_NONCE"', False, True),
        ('Bearer, DPoP realm="x", error="use_dpop_nonce"', False, True),
        ('Bearer error="use_dpop_nonce"', False, False),
        ('DPoP error="use_dpop_nonces"', True, False),
        ('DPoP error="invalid_dpop_proof"', False, False),
        ('DPoP error="insufficient_scope"', False, False),
    ],
)
def test_what_a_challenge_asks_for(challenge, refuses, demands):
    assert refuses_token(401, challenge) is refuses
    assert demands_nonce(401, challenge) is demands
    assert not refuses_token(400, challenge)
    assert not demands_nonce(400, challenge)


@pytest.mark.parametrize(
    "challenge",
    ["DPoP " * 200_000, "DPoP error=" * 100_000, "error" + " " * 1_000_000, "error " * 200_000],
)
def test_a_long_challenge_is_looked_at_quickly(challenge):
    started = time.process_time()
    assert refuses_token(401, challenge)
    assert not demands_nonce(401, challenge)
    assert time.process_time() - started < 0.5


def test_a_challenge_is_looked_at_for_4_kib():
    demand = 'DPoP error="use_dpop_nonce"'
    near, far = "x" * (4096 - len(demand)) + demand, "x" * 4096 + demand
    assert demands_nonce(401, near.replace("xDPoP", " DPoP"))
    assert not demands_nonce(401, far.replace("xDPoP", " DPoP"))
    assert refuses_token(401, far)
