"""Event loops that live for one call (`asyncio.run`, `async_to_sync`), shorter than a request."""

import asyncio
import time

import pytest

from oauthreg import AsyncAuthorizedClientManager
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._renewal.clocks import Clocks
from oauthreg._settings.load import load
from oauthreg.events import Served

LOOPS = 60


@pytest.mark.parametrize("how", ["plain", "min_ttl", "listener", "principal"])
def test_sixty_short_loops_make_a_few_requests_in_the_stale_window(token_server, settings, how):
    later = [0.0]
    clocks = Clocks(
        wall=lambda: time.time() + later[0], monotonic=lambda: time.monotonic() + later[0]
    )
    core = Core(RegistrationRegistry(load(settings())), clocks=clocks)
    manager = AsyncAuthorizedClientManager(core)
    if how == "listener":
        manager.subscribe(Served, lambda _event: None)
    options = {"min_ttl": {"min_ttl": 1}, "principal": {"principal": "alice"}}.get(how, {})

    async def handle():
        client = await manager.authorize("app", **options)
        await asyncio.sleep(0.01)
        return client.access_token.token_value

    first = asyncio.run(handle())
    token_server.reset_counters()
    later[0] = 3000.0  # it is stale, and lives for ten minutes more
    begun = time.monotonic()
    with token_server.hold():  # no loop lives to see the answer
        served = {asyncio.run(handle()) for _ in range(LOOPS)}
    took = time.monotonic() - begun
    assert served == {first}
    assert token_server.token_requests <= 3 + took  # a second apart at first, then ever longer
    later[0] = 3700.0  # it has ended: the caller waits for the next one
    assert asyncio.run(handle()) != first
