"""The kit's managers: the real ones, but for where their requests go and what they wait for."""

from __future__ import annotations

from contextlib import closing
from copy import copy
from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any, TypeVar, cast

from oauthreg._discovery import addresses
from oauthreg._errors import AuthorizationError
from oauthreg._flow import ReadSecret, TokenRequest, TokenResponse, arun, run
from oauthreg._manager.answers import read_secret
from oauthreg._manager.async_manager import AsyncAuthorizedClientManager
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._manager.sync_manager import AuthorizedClientManager
from oauthreg._renewal.clocks import Clocks
from oauthreg._renewal.flight import Launch
from oauthreg.testing._kit.answers import ID, TOKEN, Event, answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from oauthreg._manager.asyncio_runner import AsyncioRunner
    from oauthreg._provider import ProviderPlugin
    from oauthreg._registration import AuthorizedClient, ProviderDetails
    from oauthreg._renewal.flight import Flight, ManagerStep, Procedure
    from oauthreg._settings.load import Configuration

T = TypeVar("T")


class Script:
    """Answers from a script, over and over; metadata whenever it is asked for.

    Attributes:
        sent: The requests, but for those of metadata.
    """

    def __init__(self, details: ProviderDetails, events: Sequence[Event]) -> None:
        issuer = details.issuer_uri or "https://issuer.example"
        self._metadata_at = {*addresses(issuer), details.endpoints.get("metadata-uri")}
        self.metadata: Mapping[str, Any] = {
            "issuer": issuer,
            "token_endpoint": f"{issuer.rstrip('/')}/token",
        }
        self._events = cycle(events)
        self.sent: list[TokenRequest] = []

    def send(self, request: TokenRequest) -> TokenResponse:
        """Return or raise the next event."""
        if request.url in self._metadata_at:
            return answer(**self.metadata)
        self.sent.append(request)
        return answered(self._events, request)


class ScriptedManager(AuthorizedClientManager):
    """The manager for threads, which runs every flight at once and pauses no time.

    Args:
        configuration: The whole configuration.
        events: What comes of its requests.
        now: Seconds since the epoch, which stand still.
    """

    def __init__(self, configuration: Configuration, events: Sequence[Event], now: float) -> None:
        core = _core(configuration, now)
        resolved = core.registry.find(ID)
        self.plugin: ProviderPlugin[Any] = resolved.plugin
        self.script = Script(resolved.registration.provider, events)
        self.scripted = ScriptedRunner(core, self.script)
        super().__init__(core, self.scripted)


class ScriptedRunner:
    """Runs every flight at once, in its caller's thread."""

    def __init__(self, core: Core, script: Script) -> None:
        self._core = core
        self._send = script.send

    def run(self, flow: Procedure[T]) -> T:
        """Run a caller's flow to its result."""
        return run(flow, self._perform)

    def turn_to(self, send: Any) -> None:
        """Send requests elsewhere, by a function that takes one and the seconds it may last."""
        self._send = lambda request: send(request, within=10.0)

    def _perform(self, step: ManagerStep) -> None:
        if isinstance(step, Launch):
            flight = step.flight
            run(self._core.flights.fly(flight), partial(self._answer, flight))

    def _answer(self, flight: Flight, step: ManagerStep) -> object:  # noqa: ARG002 - as a runner has it
        match step:
            case TokenRequest():
                return self._send(step)
            case ReadSecret():
                return read_secret(step)
        self._perform(step)
        return None


class AsyncScriptedRunner:
    """Runs every flight at once, in its caller's task."""

    def __init__(self, core: Core, script: Script) -> None:
        self._core = core
        self._script = script

    async def run(self, flow: Procedure[T]) -> T:
        """Run a caller's flow to its result."""
        return await arun(flow, self._perform)

    async def _perform(self, step: ManagerStep) -> object:
        match step:
            case Launch(flight):
                await arun(self._core.flights.fly(flight), self._perform)
            case TokenRequest():
                return self._script.send(step)
            case ReadSecret():
                return read_secret(step)
        return None


async def authorize_in_a_task(
    configuration: Configuration, events: Sequence[Event], now: float
) -> tuple[AuthorizedClient | AuthorizationError, Script]:
    """Return what the manager for asyncio gives or raises, and the script that answered it."""
    core = _core(configuration, now)
    script = Script(core.registry.find(ID).registration.provider, events)
    runner = cast("AsyncioRunner", AsyncScriptedRunner(core, script))
    with closing(core):
        try:
            client = await AsyncAuthorizedClientManager(core, runner).authorize(ID, principal=ID)
        except AuthorizationError as error:
            return error, script
    return client, script


def _core(configuration: Configuration, now: float) -> Core:
    """Return a core whose plugin is a copy: checks put their own hooks in its place."""
    entry = configuration.entries[ID]
    entries = {ID: replace(entry, plugin=copy(entry.plugin))}
    registry = RegistrationRegistry(replace(configuration, entries=entries))
    return Core(registry, clocks=Clocks(wall=lambda: now, random=lambda: 0.5), token_of=_token_of)


def _token_of(registration_id: str, timeout: float) -> Procedure[str]:  # noqa: ARG001 - as the core
    yield from ()
    return TOKEN


def answered(events: Iterator[Event], request: TokenRequest) -> TokenResponse:
    """Return or raise the next event of a script."""
    event = next(events, None)
    if event is None:
        raise AssertionError("the flow makes more requests than `answers` has answers")
    if isinstance(event, AuthorizationError):
        raise event.copy()
    return event if isinstance(event, TokenResponse) else event(request)
