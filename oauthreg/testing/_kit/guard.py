"""The kit's guard: notes what a plugin does that only the manager may do.

A plugin is given everything that is timed, random or read. The guard sees calls of C functions by
a profile function, and I/O by Python's audit events. Whatever oauthreg, joserfc, cryptography or
pydantic do in the plugin's place is theirs; network I/O is nobody's.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import date
from os import environ
from types import FunctionType
from typing import TYPE_CHECKING, Any

from oauthreg._provider import ProviderPlugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

CLOCKS = frozenset(
    {
        *("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"),
        *("process_time", "process_time_ns", "thread_time", "thread_time_ns"),
        *("clock_gettime", "clock_gettime_ns"),
    }
)
CLOCKS_WITHOUT_ARGUMENT = {"gmtime": 0, "localtime": 0, "ctime": 0, "asctime": 0, "strftime": 1}
"""Functions of `time` that read the clock where they get no more arguments than these."""
FILES = frozenset(
    {*("stat", "lstat", "access", "readlink", "getcwd", "getcwdb", "statvfs", "read", "write")}
)
CHANCE = frozenset({"random", "getrandbits"})
NETWORK = ("socket.", "http.client.", "urllib.", "ftplib.", "smtplib.", "imaplib.", "poplib.")
AUDITED = {
    "open": "a file",
    "os.": "the operating system",
    "shutil.": "a file",
    "tempfile.": "a file",
    "glob.": "a file",
    "mmap.": "a file",
    "sqlite3.": "a file",
    "subprocess.": "another program",
    "builtins.input": "the terminal",
    "ctypes.": "a library",
}
TRUSTED = frozenset({"oauthreg", "joserfc", "cryptography", "pydantic", "pydantic_core"})
REPORTING = frozenset({"logging", "warnings", "traceback", "linecache"})
"""Of the standard library: what has a clock and files of its own, and gives the plugin neither."""
CODE: Mapping[CodeType, str] = {
    **{
        getattr(type(environ), name).__code__: "reads the environment"
        for name in ("__getitem__", "__setitem__", "__delitem__", "__iter__", "__len__", "copy")
    },
    threading.Condition.wait.__code__: "waits: yield a Pause",
    threading.Thread.join.__code__: "waits: yield a Pause",
}
"""Functions of the standard library that are Python themselves."""
HOOKS = tuple(
    name
    for name, member in vars(ProviderPlugin).items()
    if not name.startswith("_") and isinstance(member, FunctionType)
)
STREAMS = ("BufferedReader", "BufferedWriter", "FileIO", "TextIOWrapper")


class Guard:
    """Notes, while `watching`, what the code does in this thread.

    Attributes:
        found: What was done, in words.
    """

    def __init__(self) -> None:
        self.found: list[str] = []
        self._thread = threading.get_ident()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the code inside, and nothing that the garbage collector calls in between."""
        _install()
        collecting = gc.isenabled()
        gc.disable()
        before, former = sys.getprofile(), _watching.get(self._thread)
        _watching[self._thread] = self
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(before)
            if collecting:
                gc.enable()
            if former is None:
                del _watching[self._thread]

    def over(self, plugin: ProviderPlugin[Any]) -> None:
        """Watch every hook of a plugin from now on."""
        for name in HOOKS:
            hook = getattr(plugin, name, None)
            if callable(hook):
                vars(plugin)[name] = self.around(hook)

    def around(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, watched; if it makes a generator, that too."""

        def watched(*args: Any, **kwargs: Any) -> Any:
            with self.watching():
                made = hook(*args, **kwargs)
                if not isinstance(made, Generator) and hasattr(made, "__next__"):
                    made = list(made)
            return self._steps(made) if isinstance(made, Generator) else made

        return watched

    def _steps(self, flow: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        try:
            with self.watching():
                step = next(flow)
            while True:
                try:
                    answer = yield step
                except Exception as error:  # noqa: BLE001 - whatever the driver throws is the flow's
                    with self.watching():
                        step = flow.throw(error)
                else:
                    with self.watching():
                        step = flow.send(answer)
        except StopIteration as stop:
            return stop.value
        finally:
            flow.close()

    def _profile(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "call":
            if frame.f_code in CODE and not _trusted(frame):
                self._note(CODE[frame.f_code], frame)
        elif event == "c_call":
            what = _forbidden(frame, arg)
            if what and not _trusted(frame):
                self._note(what, frame)

    def audit(self, event: str, args: tuple[Any, ...], frame: FrameType) -> None:
        """Note an audit event."""
        if event.startswith(NETWORK):
            self._note(f"uses the network ({event})", frame)
            return
        what = next((words for name, words in AUDITED.items() if event.startswith(name)), None)
        if what and not _trusted(frame):
            shown = f"{event} {args[0]!r}" if args and isinstance(args[0], str) else event
            self._note(f"uses {what} ({shown})", frame)

    def _note(self, words: str, frame: FrameType) -> None:
        place = frame
        while place.f_back is not None and _from_the_library(place):
            place = place.f_back
        found = f"{words}, in {place.f_code.co_name}, line {place.f_lineno}"
        if found not in self.found:
            self.found.append(found)


def _forbidden(frame: FrameType, function: Any) -> str | None:
    """Return what calling a C function does, if it is nothing for a plugin."""
    name, owner = function.__name__, getattr(function, "__self__", None)
    if isinstance(owner, type):
        clock = issubclass(owner, date) and name in _NOW
        return f"reads a clock ({owner.__name__}.{name}): take context.now" if clock else None
    kind = type(owner)
    if kind.__module__ in {"random", "_random"}:
        return _CHANCE if name in CHANCE else None
    if kind.__module__ == "_io" and kind.__name__ in STREAMS:
        return f"uses a file ({name})" if name.startswith(("read", "write")) else None
    module = getattr(owner, "__name__", None)
    if module == "time" and name in CLOCKS_WITHOUT_ARGUMENT:
        given = frame.f_code.co_code[frame.f_lasti + 1]
        return _CLOCK.format(name) if given <= CLOCKS_WITHOUT_ARGUMENT[name] else None
    if module in {"select", "_uuid"}:
        return _CHANCE if module == "_uuid" else "waits: yield a Pause"
    return _FUNCTIONS.get((module or "", name))


_CHANCE = "draws at random: take context.new_id()"
_CLOCK = "reads a clock (time.{}): take context.now"
_FUNCTIONS = {
    **{("time", name): _CLOCK.format(name) for name in CLOCKS},
    **{(system, name): f"uses a file (os.{name})" for name in FILES for system in ("posix", "nt")},
    ("posix", "urandom"): "draws at random (os.urandom): take context.new_id()",
    ("posix", "getrandom"): "draws at random (os.getrandom): take context.new_id()",
    ("posix", "times"): "reads a clock (os.times): take context.now",
    ("posix", "uname"): "asks the machine (os.uname)",
    ("time", "sleep"): "sleeps: yield a Pause",
    ("builtins", "print"): "prints",
    ("_thread", "start_new_thread"): "starts a thread",
    ("_thread", "start_joinable_thread"): "starts a thread",
}
_NOW = frozenset({"now", "utcnow", "today"})


def _trusted(frame: FrameType | None) -> bool:
    """Whether what is called here is a library's own affair, and not the plugin's.

    The first caller that is not of the standard library decides. What a module does when it is
    imported is nobody's: it happens once, wherever the import stands.
    """
    decided: bool | None = None
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if decided is None and (top in REPORTING or top not in sys.stdlib_module_names):
            decided = top in TRUSTED or top in REPORTING
        frame = frame.f_back
    return decided is not False


def _from_the_library(frame: FrameType) -> bool:
    top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return top in sys.stdlib_module_names and top != "__main__"


_NOTED = (*NETWORK, *AUDITED)
_watching: dict[int, Guard] = {}
_installed: list[bool] = []


def _install() -> None:
    """Listen to Python's audit events: for good, as they cannot be left again."""
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_audit)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not _watching or not event.startswith(_NOTED):  # and never for the event of _getframe
        return
    guard = _watching.get(threading.get_ident())
    if guard is not None:
        guard.audit(event, args, sys._getframe(1))  # noqa: SLF001 - the way to the caller's frame
