"""One request in progress: its time limits, and how far it has come."""

from __future__ import annotations

import math
import time
from enum import IntEnum
from typing import TYPE_CHECKING

from oauthreg._errors import ConnectionFailedError, TimedOutError

if TYPE_CHECKING:
    from oauthreg._addresses import Address
    from oauthreg._registration import HttpProfile
    from oauthreg._transports.proxy import Proxy

SUSPECT_SECONDS = 10.0
"""A connection that was idle for so long may have been dropped by a middlebox without a word."""

TRY_SECONDS = 1.0
"""What one address of a name gets while there are others to try."""


METADATA_SECONDS = 2.0
"""What a cloud's metadata service gets to accept a connection: elsewhere, nobody is there."""


class Stage(IntEnum):
    """How far a request has come."""

    NEW = 0
    WAITING = 1  # for a free connection
    CONNECTING = 2  # to the server, through proxy and TLS
    SENT = 3  # or about to be: there is a connection
    ANSWERED = 4  # a byte of the answer has arrived
    BODY = 5  # the answer's header is complete


class Exchange:
    """The progress of one request, as its transport reports it.

    Attributes:
        profile: The http profile.
        address: Where the request goes.
        proxy: What it goes through.
        stage: How far it has come.
        reused: Whether its connection had served before.
        closed: Whether the transport was closed meanwhile.
    """

    def __init__(
        self,
        profile: HttpProfile,
        address: Address,
        proxy: Proxy | None,
        within: float | None = None,
    ) -> None:
        total = profile.total_timeout
        self._deadline = time.monotonic() + (total if within is None else min(within, total))
        self._stage_ends = math.inf
        self.profile, self.address, self.proxy = profile, address, proxy
        self.stage = Stage.NEW
        self.reused = self.closed = self._suspect = self._ended = False

    def waiting(self) -> None:
        """Note that as many requests are in progress as there may be connections."""
        self.stage = Stage.WAITING

    def connecting(self) -> None:
        """Note that a new connection is being opened."""
        self.stage = Stage.CONNECTING
        self.reused = self._suspect = self._ended = False
        seconds = self.profile.connect_timeout
        if self.address.origin.is_metadata_service:
            seconds = min(seconds, METADATA_SECONDS)
        self._stage_ends = time.monotonic() + seconds

    def established(self) -> None:
        """Note that the new connection reaches the server."""
        self.stage = Stage.SENT
        self._ended = False
        self._stage_ends = math.inf

    def reusing(self, idle: float) -> None:
        """Note that a connection is used again, which was idle for so many seconds.

        After 10 s it gets half of the time for the first byte, so that a new one can be tried.
        """
        self.stage = Stage.SENT
        self.reused, self._suspect = True, idle >= SUSPECT_SECONDS
        self._stage_ends = math.inf
        if self._suspect:
            self._stage_ends = (time.monotonic() + self._deadline) / 2

    def arrived(self, count: int) -> None:
        """Note that so many bytes were read; none is the end of what the server sends.

        Raises:
            ConnectionAbortedError: we ourselves were that end.
        """
        if self.closed:
            raise ConnectionAbortedError
        if count and self.stage is Stage.SENT:
            self.stage = Stage.ANSWERED
            self._stage_ends = math.inf
        self._ended = not count

    def header_read(self) -> None:
        """Note that the answer's header was read.

        Without any connection a test's mock answered in the library's place, which is its right.

        Raises:
            ConnectionError: the header was cut short, which http.client takes for complete; or
                it had arrived before the request, which h11 takes for its answer.
        """
        if self._ended or self.stage is Stage.SENT:
            raise ConnectionError
        if self.connected:
            self.stage = Stage.BODY

    def limit(self) -> float:
        """Return how many seconds the next wait may take.

        Raises:
            TimeoutError: none are left.
            ConnectionAbortedError: the transport was closed.
        """
        if self.closed:
            raise ConnectionAbortedError
        left = min(self._deadline, self._stage_ends) - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, self.profile.read_timeout) if self.connected else left

    def try_limit(self, others: int) -> float:
        """Return how long to connect to one address while so many others can be tried after it."""
        limit = self.limit()
        return min(limit / 2, TRY_SECONDS) if others else limit

    @property
    def connected(self) -> bool:
        """Whether there is a connection to the server."""
        return self.stage >= Stage.SENT

    @property
    def overdue(self) -> bool:
        """Whether the total timeout has passed."""
        return time.monotonic() >= self._deadline - 0.005  # what a timer may be early by

    def may_repeat(self, outcome: object) -> bool:
        """Whether this is the failure of a connection that had died before it was used again."""
        died = isinstance(outcome, ConnectionFailedError)
        silent = isinstance(outcome, TimedOutError) and self._suspect and not self.overdue
        return (died or silent) and self.reused and self.stage is Stage.SENT and not self.closed
