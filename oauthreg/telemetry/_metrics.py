"""The instruments of one meter provider, and what its gauges show of the managers."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from oauthreg.telemetry import _catalogue as names
from oauthreg.telemetry._values import Attributes, of_registration

if TYPE_CHECKING:
    from oauthreg._manager.core import Core
    from oauthreg._renewal.fetches import Fetch, TokenFetch
    from oauthreg._reports import RegistrationStatus

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The buckets of durations."""
Reading = Callable[["Core"], Iterable[tuple[Attributes, float]]]


class Instruments:
    """Counters and gauges of one meter provider. Several managers share them.

    Args:
        meter: Makes the instruments.

    Attributes:
        cores: The managers whose state the gauges show; one that is gone is shown no more.
    """

    def __init__(self, meter: Meter) -> None:
        self.cores: weakref.WeakSet[Core] = weakref.WeakSet()
        self.requests = self._counter(meter, names.REQUESTS)
        self.served = self._counter(meter, names.SERVED)
        self.rejections = self._counter(meter, names.REJECTIONS)
        self.store = self._counter(meter, names.STORE)
        self.duration = meter.create_histogram(
            names.DURATION.name,
            names.DURATION.unit,
            names.DURATION.description,
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._gauge(meter, names.REMAINING_LIFE, _lives, min)
        self._gauge(meter, names.BACKOFF, _waits, max)
        self._gauge(meter, names.WAITERS, _waiters, lambda one, other: one + other)

    @staticmethod
    def _counter(meter: Meter, metric: names.Metric) -> Callable[[int, Attributes], None]:
        return meter.create_counter(metric.name, metric.unit, metric.description).add

    def _gauge(
        self,
        meter: Meter,
        metric: names.Metric,
        read: Reading,
        together: Callable[[float, float], float],
    ) -> None:
        """Show a value of every manager; of equal registrations in two managers, one of both."""

        def observe(_options: CallbackOptions) -> Iterator[Observation]:
            found: dict[tuple[tuple[str, object], ...], tuple[Attributes, float]] = {}
            for core in list(self.cores):
                for attributes, value in read(core):
                    key = tuple(attributes.items())
                    known = found.get(key)
                    new = value if known is None else together(known[1], value)
                    found[key] = attributes, new
            for attributes, value in found.values():
                yield Observation(value, attributes)

        meter.create_observable_gauge(metric.name, [observe], metric.unit, metric.description)


def _own(core: Core) -> Iterator[tuple[TokenFetch, RegistrationStatus]]:
    """Give the fetch of every registration's own token, and its state."""
    resolved = core.registry.by_id()
    for registration_id, status in core.status().items():
        if registration_id in resolved:  # it may be gone by now
            yield core.fetch(resolved[registration_id]), status


def _lives(core: Core) -> Iterator[tuple[Attributes, float]]:
    """Give the life left of every registration's own token, and 0 where that cannot be had."""
    health = core.health()
    for fetch, status in _own(core):
        found = health.get(fetch.name)
        down = found is not None and found["state"] == "down"
        left = 0.0 if down else status["seconds_left"]
        if left is not None and fetch.own:
            yield _of_fetch(fetch), left


def _waits(core: Core) -> Iterator[tuple[Attributes, float]]:
    for fetch, status in _own(core):
        if status["retry_after"] is not None:
            yield _of_fetch(fetch), status["retry_after"]


def _waiters(core: Core) -> Iterator[tuple[Attributes, float]]:
    for fetch in core.flights.waiting.copy().values():
        yield _of_fetch(fetch), 1


def _of_fetch(fetch: Fetch) -> Attributes:
    return of_registration(fetch.name, fetch.provider, fetch.grant)
