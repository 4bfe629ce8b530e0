"""Event loops that end: nothing of a request is left behind, at whatever point it was left."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import warnings

import pytest

from oauthreg._errors import AuthorizationError
from oauthreg._flow import TokenRequest
from oauthreg._registration import HttpProfile
from oauthreg._transports.httpx2 import Httpx2Transport


def ask(server, host="127.0.0.1"):
    return TokenRequest(url=server.url(host=host), form=(("a", "b"),))


@pytest.fixture
def complaints(monkeypatch):
    """Collect what Python and asyncio complain of."""
    found = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: found.append(what.exc_value))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield found


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_loop_that_ends_in_the_middle_of_a_request_leaves_no_warning(
    serve, authority, complaints, caplog, tls
):
    server = serve(context=authority.server_context() if tls else None)

    async def begun_late(transport, steps):
        for _ in range(steps):
            await asyncio.sleep(0)
        await transport.send(ask(server))

    async def left(transport, steps, pause):
        task = asyncio.create_task(begun_late(transport, steps))
        await asyncio.sleep(pause)
        return task

    for steps, pause in [
        *((steps, 0) for steps in range(4)),
        *((0, ms / 2000) for ms in range(30)),
    ]:
        transport = Httpx2Transport(HttpProfile(ca_bundle=authority.bundle))
        asyncio.run(left(transport, steps, pause))
        del transport
        gc.collect(1)  # it is young
    assert complaints == []
    assert [record for record in caplog.records if record.name == "asyncio"] == []
    assert server.requests


def test_a_loop_that_is_cancelled_at_each_step_leaves_no_warning(serve, complaints):
    server, transport = serve(), Httpx2Transport(HttpProfile())

    async def cancelled(steps):
        task = asyncio.create_task(transport.send(ask(server)))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return (await transport.send(ask(server))).status

    assert [asyncio.run(cancelled(steps)) for steps in range(25)] == [200] * 25
    gc.collect()
    assert complaints == []


def test_a_request_that_ends_with_its_time_leaves_no_warning(serve, complaints, caplog):
    server = serve(lambda line: line.hold())
    transport = Httpx2Transport(HttpProfile(total_timeout=0.05))

    async def late():
        with pytest.raises(AuthorizationError):
            await transport.send(ask(server))

    asyncio.run(late())
    gc.collect()
    assert complaints == []
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
