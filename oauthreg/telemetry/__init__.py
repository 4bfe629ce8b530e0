"""OpenTelemetry metrics and traces of managers; needs the extra `otel`.

    from oauthreg.telemetry import instrument

    instrument(manager)

docs/metrics.md lists every metric. `opentelemetry-instrument` does this for every manager.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import oauthreg
from oauthreg._extras import needed
from oauthreg._manager import created
from oauthreg.events import Served

with needed("opentelemetry-api", by="oauthreg.telemetry", extra="otel"):
    from opentelemetry.metrics import MeterProvider, get_meter
    from opentelemetry.trace import TracerProvider, get_tracer

    from oauthreg.telemetry._listener import KINDS, EventListener
    from oauthreg.telemetry._metrics import Instruments

if TYPE_CHECKING:
    from oauthreg._manager.core import Core

__all__ = ["Instrumentor", "instrument"]

NAME = "oauthreg"
_instruments: weakref.WeakKeyDictionary[MeterProvider, Instruments] = weakref.WeakKeyDictionary()
_of_the_program: list[Instruments] = []
_listening: weakref.WeakKeyDictionary[Core, Callable[[], None]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def instrument(
    manager: oauthreg.AuthorizedClientManager | oauthreg.AsyncAuthorizedClientManager,
    *,
    served: bool = False,
    meter_provider: MeterProvider | None = None,
    tracer_provider: TracerProvider | None = None,
) -> Callable[[], None]:
    """Report a manager's metrics and traces to OpenTelemetry. It starts no thread.

    Both facades of one manager are one; a second call replaces the first.

    Args:
        manager: The manager.
        served: Count every token that is handed out, too. Every call then passes the renewal
            engine and the SDK: about 0.1 ms instead of 0.2 µs for a hit.
        meter_provider: Where metrics go; default: the program's own.
        tracer_provider: Where spans go; default: the program's own.

    Returns:
        A function that ends it.
    """
    return _instrument(manager._core, served, meter_provider, tracer_provider)  # noqa: SLF001 - ours


class Instrumentor:
    """Instruments every manager that is built from then on: for `opentelemetry-instrument`."""

    def instrument(self, **options: Any) -> None:
        """Begin.

        Args:
            **options: `meter_provider` and `tracer_provider`; others are for other instrumentors.
        """
        providers = options.get("meter_provider"), options.get("tracer_provider")
        created.listeners[:] = [lambda core: _instrument(core, False, *providers)]  # noqa: FBT003 - served

    def uninstrument(self, **_options: Any) -> None:
        """End it, also for managers that are instrumented."""
        created.listeners.clear()
        for stop in list(_listening.values()):
            stop()


def _instrument(
    core: Core,
    served: bool,  # noqa: FBT001 - the caller's keyword
    meter_provider: MeterProvider | None,
    tracer_provider: TracerProvider | None,
) -> Callable[[], None]:
    version = oauthreg.__version__
    tracer = get_tracer(NAME, version, tracer_provider)
    with _lock:
        before = _listening.pop(core, None)
        instruments = _instruments_of(meter_provider, version)
    if before is not None:
        before()
    listener = EventListener(instruments, tracer)
    known = weakref.ref(core)

    def stop() -> None:
        gone = known()
        if gone is not None:
            gone.unsubscribe(listener)
            instruments.cores.discard(gone)
            if _listening.get(gone) is stop:
                del _listening[gone]

    _listening[core] = stop
    instruments.cores.add(core)
    core.subscribe((*KINDS, Served) if served else KINDS, listener)
    return stop


def _instruments_of(provider: MeterProvider | None, version: str) -> Instruments:
    """Return the instruments of a meter provider, which are made once."""
    if provider is None:
        if not _of_the_program:
            _of_the_program.append(Instruments(get_meter(NAME, version)))
        return _of_the_program[0]
    found = _instruments.get(provider)
    if found is None:
        found = _instruments[provider] = Instruments(get_meter(NAME, version, provider))
    return found
