"""Names resolved in threads of their own, so that the caller can stop waiting."""

from __future__ import annotations

import errno
import os
import socket
import threading
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
IPV4 = 4
Found = list[tuple[Any, ...]]  # as `socket.getaddrinfo` returns it

_running: dict[tuple[int, str, int], Future[Found]] = {}


def lookup(host: str, port: int) -> Future[Found]:
    """Start resolving a name, or join a look-up of it that is in progress.

    Raises:
        OSError: no thread could be started.
    """
    with suppress(ValueError):
        family = socket.AF_INET if ip_address(host).version == IPV4 else socket.AF_INET6
        done: Future[Found] = Future()
        done.set_result([(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))])
        return done
    resolve = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    key = os.getpid(), host, port  # a forked child does not inherit the thread
    future: Future[Found] = Future()
    running = _running.setdefault(key, future)
    if running is future:
        future.add_done_callback(lambda _: _running.pop(key, None))
        in_thread(resolve, future)
    return running


def in_thread(work: Callable[[], T], future: Future[T] | None = None) -> Future[T]:
    """Run some work on a daemon thread, for whose end no program and no event loop waits.

    Args:
        work: What to run.
        future: What gets its result or error, and is returned; a new one by default.

    Raises:
        OSError: no thread could be started.
    """
    future = future or Future()
    future.set_running_or_notify_cancel()  # one waiter who is cancelled must not cancel the others
    thread = threading.Thread(target=_carry, args=(work, future), name="oauthreg", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        error = OSError(errno.EAGAIN, "no thread can be started")
        future.set_exception(error)
        raise error from None
    return future


def _carry(work: Callable[[], T], future: Future[T]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - it is the waiters'
        future.set_exception(error)
    else:
        future.set_result(result)
