"""psycopg's connections, with a time limit for each statement: libpq itself has none.

A server that hangs would keep a worker for ever, and a machine that lost its power for as long as
TCP hopes. Apart, since psycopg is loaded by those who use it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from psycopg import Connection, OperationalError

if TYPE_CHECKING:
    from collections.abc import Generator


def connect(timeout: float, arguments: dict[str, Any]) -> Connection[Any]:
    """Return a new connection whose statements are given up after so many seconds.

    Raises:
        OperationalError: it could not be made.
    """

    class Limited(Connection[Any]):
        def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
            try:
                return super().wait(_limited(gen, timeout), *args, **options)
            except _NoAnswerError:
                self.pgconn.finish()
                raise

    return Limited.connect(**arguments)


class _NoAnswerError(OperationalError):
    """A statement was given up."""


def _limited(gen: Generator[Any, Any, Any], timeout: float) -> Generator[Any, Any, Any]:
    """Pass on what a generator of psycopg waits for; it is told now and then that nothing came."""
    deadline = time.monotonic() + timeout
    ready = None
    while True:
        try:
            wanted = gen.send(ready)
        except StopIteration as stop:
            return stop.value
        ready = yield wanted
        if not ready and time.monotonic() >= deadline:
            raise _NoAnswerError(f"no answer within {timeout:g} s")
