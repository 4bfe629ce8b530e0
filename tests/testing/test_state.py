from __future__ import annotations

import time

from oauthreg.testing._records import DELETE, TokenRecord
from oauthreg.testing._state import PRUNE_FROM, State


def test_expired_tokens_are_forgotten_and_live_ones_kept():
    state = State()
    for number in range(2 * PRUNE_FROM):
        expires_at = time.time() + (60 if number % 4 == 0 else -1)
        token = TokenRecord(str(number), "access_token", "id", "password", expires_at=expires_at)
        state.keep(token)
    assert len(state.tokens) < PRUNE_FROM
    assert sum(token.live for token in state.tokens.values()) == PRUNE_FROM / 2


def test_used_assertion_ids_are_remembered_while_the_assertion_is_good():
    state = State()
    assert state.is_first_use("id", "kept", time.time() + 300)
    for number in range(2 * PRUNE_FROM):
        assert state.is_first_use("id", str(number), 0)
    assert not state.is_first_use("id", "kept", time.time() + 300)
    assert state.is_first_use("other", "kept", time.time() + 300)


def test_delete_is_named_in_a_repr():
    assert repr({"scope": DELETE}) == "{'scope': DELETE}"
