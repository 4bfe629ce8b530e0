"""The conformance kit's parts: a manager over scripted answers, and what gives them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from itertools import chain, cycle, repeat
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from oauthreg._discovery import addresses
from oauthreg._errors import AuthorizationError
from oauthreg._flow import NeedToken, Pause, ReadSecret, TokenRequest, TokenResponse, run
from oauthreg._manager.answers import read_secret
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._manager.sync_manager import AuthorizedClientManager
from oauthreg._registration import HttpProfile
from oauthreg._renewal.flight import Launch
from oauthreg._settings.load import load
from oauthreg._transports.requests import RequestsTransport
from oauthreg.testing._faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from oauthreg._flow import Step
    from oauthreg._provider import ProviderPlugin
    from oauthreg._registration import ProviderDetails
    from oauthreg._renewal.flight import Flight, ManagerStep, Procedure
    from oauthreg.testing._server import AuthorizationServer

T = TypeVar("T")
ID = "kit"
SECRET = "kit s3cret/+%&=:~"
TOKEN = "a-token-of-the-kit"
MOST_STEPS = 20
JSON = {"content-type": "application/json"}


def answer(status: int = 200, **fields: object) -> TokenResponse:
    """Return a JSON answer, for scripts of `answers`."""
    return TokenResponse(status=status, headers=JSON, body=json.dumps(fields).encode())


GRANTED = answer(access_token=TOKEN, token_type="Bearer", expires_in=300)
PAGE = TokenResponse(
    status=200, headers={"content-type": "text/html"}, body=b"<html>Please log in</html>"
)
EMPTY = TokenResponse(status=200)
REDIRECT = TokenResponse(status=302, headers={"location": "https://elsewhere.example/token"})
BUSY = TokenResponse(
    status=429, headers={**JSON, "retry-after": "7"}, body=b'{"error":"slow_down"}'
)

Event = TokenResponse | AuthorizationError
"""What comes of a request."""


class ScriptedManager(AuthorizedClientManager):
    """The real manager, but for where its requests go and what it waits for.

    Args:
        settings: The whole configuration.
        transport: Sends its requests, given the provider.
    """

    def __init__(
        self, settings: Mapping[str, Any], transport: Callable[[ProviderDetails], RequestsTransport]
    ) -> None:
        registry = RegistrationRegistry(load(settings))
        self.plugin: ProviderPlugin[Any] = registry.find(ID).plugin
        core = Core(registry, token_of=_token_of)
        self.runner = ScriptedRunner(core, transport(registry.find(ID).registration.provider))
        super().__init__(core, self.runner)

    def close(self) -> None:
        """Close the connections too."""
        super().close()
        self.runner.transport.close()


class ScriptedRunner:
    """Runs every flight at once, in its caller's thread, and pauses no time."""

    def __init__(self, core: Core, transport: RequestsTransport) -> None:
        self._core = core
        self.transport = transport

    def run(self, flow: Procedure[T]) -> T:
        """Run a caller's flow to its result."""
        return run(flow, self._perform)

    def _perform(self, step: ManagerStep) -> None:
        if isinstance(step, Launch):
            flight = step.flight
            run(self._core.flights.fly(flight), partial(self._answer, flight))

    def _answer(self, flight: Flight, step: ManagerStep) -> object:
        match step:
            case TokenRequest():
                return self.transport.send(step, within=self._core.flights.remaining(flight))
            case ReadSecret():
                return read_secret(step)
        self._perform(step)
        return None


def _token_of(registration_id: str, timeout: float) -> Procedure[str]:  # noqa: ARG001 - as the core
    yield from ()
    return TOKEN


class Script(RequestsTransport):
    """Answers from a script, over and over; metadata whenever it is asked for."""

    def __init__(self, details: ProviderDetails, events: Sequence[Event]) -> None:
        super().__init__(HttpProfile())
        issuer = details.issuer_uri or "https://issuer.example"
        self._metadata_at = {*addresses(issuer), details.endpoints.get("metadata-uri")}
        self._metadata = answer(issuer=issuer, token_endpoint=f"{issuer.rstrip('/')}/token")
        self._events = cycle(events)

    def send(self, request: TokenRequest, *, within: float | None = None) -> TokenResponse:  # noqa: ARG002 - as the real one
        """Return or raise the next event."""
        return self._metadata if request.url in self._metadata_at else answered(self._events)


class Detour(RequestsTransport):
    """Sends to the embedded server what was meant for the vendor, paths as they are."""

    def __init__(self, server: AuthorizationServer) -> None:
        super().__init__(HttpProfile())
        self._server = server

    def send(self, request: TokenRequest, *, within: float | None = None) -> TokenResponse:
        """Send the request to another host and port."""
        parts = urlsplit(request.url)
        path = urlunsplit(("", "", parts.path, parts.query, ""))
        return super().send(replace(request, url=self._server.base_uri + path), within=within)


class Performer:
    """Performs the steps of one flow from a script, a bounded number of them."""

    def __init__(self, script: Sequence[Event], *, then: Event | None = None) -> None:
        self.steps: list[Step] = []
        self._events = chain(script, [] if then is None else repeat(then))

    def perform(self, step: Step) -> object:
        """Answer one step."""
        self.steps.append(step)
        expect(len(self.steps) <= MOST_STEPS, f"the flow takes more than {MOST_STEPS} steps")
        match step:
            case TokenRequest():
                return answered(self._events)
            case NeedToken():
                return TOKEN
            case Pause():
                return None
        raise AssertionError(f"a plugin's flow may not yield {step!r}")

    async def aperform(self, step: Step) -> object:
        """Answer one step, to one who awaits it."""
        return self.perform(step)

    @property
    def said(self) -> list[object]:
        """The steps by value, without signatures, which may differ each time."""
        return [_by_value(step) for step in self.steps]


class Ids:
    """Gives predictable ids, and counts them."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.given = 0

    def __call__(self) -> str:
        """Give the next one."""
        self.given += 1
        return f"{self._prefix}-{self.given}"


def fault_of(response: TokenResponse) -> Fault:
    """Return what makes the embedded server answer so."""
    return Fault(status=response.status, headers=response.headers, body=response.body)


def answered(events: Iterator[Event]) -> TokenResponse:
    """Return or raise the next event of a script."""
    event = next(events, None)
    if event is None:
        raise AssertionError("the flow makes more requests than `answers` has answers")
    if isinstance(event, AuthorizationError):
        raise event.copy()
    return event


def _by_value(step: Step) -> object:
    if not isinstance(step, TokenRequest):
        return step
    pairs = [(name, _unsigned(value)) for name, value in (*step.form, *step.headers)]
    return step.method, step.url, step.content, pairs


def _unsigned(text: str) -> str:
    return text.rpartition(".")[0] if text.startswith("eyJ") and text.count(".") == 2 else text  # noqa: PLR2004 - a JWT has three parts


def expect(holds: object, otherwise: str) -> None:
    """Fail a check."""
    if not holds:
        raise AssertionError(otherwise)
