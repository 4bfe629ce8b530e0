"""The listeners of a manager."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from oauthreg._event_log import log
from oauthreg.events import Event, Listener

logger = logging.getLogger("oauthreg")
E = TypeVar("E", bound=Event)


class Subscriptions:
    """The listeners of one manager, each with the kinds of events that it asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[tuple[tuple[type[Event], ...], Listener], ...] = ()

    def add(self, kinds: Iterable[type[Event]] | type[Event], listener: Listener) -> None:
        """Call a listener with every event of these kinds and their subclasses from now on.

        Raises:
            TypeError: a kind is no event class, or the listener cannot be called.
        """
        wanted = (kinds,) if isinstance(kinds, type) else tuple(kinds)
        if not wanted or not all(map(_is_kind, wanted)):
            raise TypeError("kinds must be event classes of oauthreg.events: one, or several")
        if not callable(listener):
            raise TypeError("the listener must be callable with one event")
        with self._lock:
            self._listeners = (*self._listeners, (wanted, listener))

    def remove(self, listener: Listener) -> None:
        """Call a listener no more."""
        with self._lock:
            self._listeners = tuple(one for one in self._listeners if one[1] is not listener)

    def wants(self, kind: type[Event]) -> bool:
        """Whether anybody asked for this kind."""
        return any(issubclass(kind, wanted) for wanted, _ in self._listeners)

    def publish(self, event: Event) -> None:
        """Log an event and hand it to its listeners. Never called with a lock held.

        A listener's exception is logged and goes no further.
        """
        log(event)
        for wanted, listener in self._listeners:
            if isinstance(event, wanted):
                notify(event, listener)


def _is_kind(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Event)


def notify(event: E, listener: Callable[[E], object]) -> None:
    """Call one listener; its exception is logged and goes no further."""
    try:
        listener(event)
    except Exception:
        with contextlib.suppress(Exception):
            logger.exception("a listener failed on %s", type(event).__name__)
