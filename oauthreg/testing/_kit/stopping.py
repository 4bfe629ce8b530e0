"""The kit's check that a flow ends, whatever it is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from oauthreg._errors import AuthorizationError, ConnectionFailedError, TimedOutError
from oauthreg._flow import TokenResponse
from oauthreg.testing._kit.answers import BUSY, EMPTY, PAGE, REDIRECT, answer
from oauthreg.testing._kit.performer import EndlessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oauthreg._protocol.context import PluginContext
    from oauthreg._provider import ProviderPlugin
    from oauthreg.testing._kit.answers import Event
    from oauthreg.testing._kit.cases import Case

MOST_WORDS = 60
MOST_OUTER = 20
LONGEST_WORD = 60
STATUSES = (200, 202, 400, 401, 403, 404, 429, 503)
FAILURES: tuple[Event, ...] = (
    answer(400, error="invalid_request"),
    *(TokenResponse(status=status) for status in (401, 403, 404, 410, 503)),
    *(BUSY, REDIRECT, PAGE, EMPTY),
    ConnectionFailedError("the connection broke"),
    TimedOutError("no answer in time"),
)


class EveryHeader(dict[str, str]):
    """Header fields of which each that is asked for is there, with the same value."""

    def __init__(self, value: str) -> None:
        super().__init__()
        self._value = value

    def __missing__(self, name: str) -> str:
        return self._value

    def __contains__(self, name: object) -> bool:
        return True

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 - each is there
        """Return the value, whatever is asked for."""
        return "application/json" if name == "content-type" else self._value


def check_stopping(case: Case, plugin: ProviderPlugin[Any], context: PluginContext) -> None:
    """Check that the flow ends in a bounded number of steps, and can be closed."""
    for event in FAILURES:
        with suppress(AuthorizationError):
            case.performed(context, plugin, then=event)
            raise AssertionError(f"it granted a token out of nothing but {event!r}")
    for event in _own_words(plugin):
        try:
            case.performed(context, plugin, then=event)
        except EndlessError as error:
            raise AssertionError(f"{error}, where each is answered {event.body!r}") from None
        except Exception:  # noqa: BLE001, S112 - how it fails is the matter of other checks
            continue
    flow = plugin.flow(context)
    next(flow)
    flow.close()


def _own_words(plugin: ProviderPlugin[Any]) -> Iterator[TokenResponse]:
    """Give answers made of the words in the plugin's own code, in every header and field."""
    constants = list(_constants(type(plugin)))
    words = [text for text in constants if isinstance(text, str) and len(text) <= LONGEST_WORD]
    words = list(dict.fromkeys(["1", *words]))[:MOST_WORDS]
    numbers = [number for number in constants if isinstance(number, int)]
    statuses = dict.fromkeys([*STATUSES, *(n for n in numbers if 100 <= n <= 599)])  # noqa: PLR2004 - HTTP
    for value in words:
        for status in (200, 202, 400):
            yield _answer(status, words, value)
        yield _answer(200, words[:MOST_OUTER], dict.fromkeys(words, value))
    for status in statuses:
        for truth in (1, True):
            yield _answer(status, words, truth)
    for number in dict.fromkeys(numbers):
        yield _answer(200, words, number)


def _answer(status: int, names: list[str], value: object) -> TokenResponse:
    body = json.dumps(dict.fromkeys(names, value)).encode()
    return TokenResponse(status=status, headers=EveryHeader(str(value)), body=body)


def _constants(kind: type) -> Iterator[object]:
    """Give the constants of a class's methods, and of the functions that they call."""
    seen: set[CodeType] = set()
    for cls in kind.__mro__:
        if cls.__module__.partition(".")[0] in {"oauthreg", "builtins", "typing"}:
            continue
        for member in vars(cls).values():
            function = getattr(member, "__func__", member)
            if isinstance(function, FunctionType):
                yield from _of_function(function, seen)


def _of_function(function: FunctionType, seen: set[CodeType]) -> Iterator[object]:
    if function.__code__ in seen:
        return
    seen.add(function.__code__)
    for code in _codes(function.__code__):
        for constant in code.co_consts:
            yield from _plain(constant)
        for name in code.co_names:
            known = function.__globals__.get(name)
            if isinstance(known, FunctionType) and known.__module__ == function.__module__:
                yield from _of_function(known, seen)
            else:
                yield from _plain(known)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Give a function's code, and that of the functions inside."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _plain(value: object) -> Iterator[object]:
    """Give the texts and numbers of a constant; bytes as text."""
    if isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, str | int):
        yield value
    elif isinstance(value, tuple | list | set | frozenset | Mapping):
        for item in list(value):
            yield from _plain(item)
