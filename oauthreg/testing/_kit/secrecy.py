"""The kit's checks of credentials: one a request, and none where it can be read."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from oauthreg._flow import TokenRequest, TokenResponse
from oauthreg.testing._kit.answers import ID, JSON, Event, expect
from oauthreg.testing._kit.credentials import (
    fields,
    given_to,
    in_address,
    received,
    shows,
    signed_in,
)

if TYPE_CHECKING:
    from oauthreg._protocol.context import PluginContext
    from oauthreg._provider import ProviderPlugin
    from oauthreg.testing._kit.cases import Case

PROOFS = ("client_secret", "client_assertion")
"""Form fields that authenticate a client (RFC 6749 section 2.3.1, RFC 7521 section 4.2)."""


def check_one_way(case: Case, plugin: ProviderPlugin[Any], context: PluginContext) -> None:
    """Check that each request authenticates once, and has each credential in one place."""
    client_id = context.registration.client_id
    for request in case.performed(context, plugin).requests:
        names = [name.lower() for name, _ in request.headers]
        ways = [
            *(name for name in names if name == "authorization"),
            *sorted({name for name, _ in request.form} & {*PROOFS}),
        ]
        expect(len(ways) <= 1, f"one request has {' and '.join(ways)}")
        for what, value in given_to(plugin, context).items():
            places = [name for name, text in fields(request) if shows(text, value, client_id)]
            expect(len(places) <= 1, f"the {what} is in {' and '.join(places)} of one request")


def check_secrecy(case: Case, plugin: ProviderPlugin[Any], context: PluginContext) -> None:
    """Check that no credential is in an address, a repr, an error or a log, even if echoed."""
    performer = case.performed(context, plugin)
    requests = performer.requests
    known = {**given_to(plugin, context), **received(case.script, performer.steps)}
    hidden = {**known, **signed_in(requests)}
    for request in requests:
        for what, value in hidden.items():
            shown = in_address(request.url, value, context.registration.client_id)
            expect(not shown, f"the {what} is in an address")
    _expect_hidden(hidden, "a repr", f"{plugin!r} {context!r} {plugin.settings!r} {requests!r}")
    with _logged() as log:
        case.granted()
    _expect_hidden(hidden, "the log", log.text)
    for echo in _echoes(case, requests, hidden, context.registration.client_id):
        _check_echo(case, echo, known)
    for value in known.values():
        _check_echo(case, [*case.script[:-1], refusal_with(value)], known)


def check_token(case: Case) -> None:
    """Check that the token itself is in no repr and no log, where no request is sent either."""
    with case.manager() as manager, _logged() as log:
        client = manager.authorize(ID, principal=ID)
        shown = f"{client!r} {manager.plugin!r} {manager.plugin.settings!r}"
    token = {"access token": client.access_token.token_value}
    _expect_hidden(token, "a repr", shown)
    _expect_hidden(token, "the log", log.text)


def _check_echo(case: Case, script: Sequence[Event], hidden: Mapping[str, str]) -> None:
    with _logged() as log:
        error, sent = case.outcome(script)
    expect(isinstance(error, Exception), f"{script[-1]!r} was taken for a token")
    known = {**hidden, **signed_in(sent.sent)}
    _expect_hidden(known, "an error that repeats it", f"{error} {error!r} {vars(error)}")
    _expect_hidden(known, "the log", log.text)


def _echoes(
    case: Case, requests: Sequence[TokenRequest], hidden: Mapping[str, str], client_id: str
) -> Iterator[Sequence[Event]]:
    """Give scripts whose last answer repeats what was sent with a credential in it."""
    for place, request in enumerate(requests):
        for number, (_, text) in enumerate(fields(request)):
            if any(shows(text, value, client_id) for value in hidden.values()):
                yield [*case.script[:place], partial(_echo, number)]


def _echo(number: int, request: TokenRequest) -> TokenResponse:
    said = fields(request)
    return refusal_with(said[number][1] if number < len(said) else "")


def refusal_with(words: str) -> TokenResponse:
    """Return a refusal that says these words wherever vendors say something."""
    body = {
        "error": "invalid_request",
        "error_description": f"bad: {words}",
        "message": f"bad: {words}",
        "reason": f"bad: {words}",
        "errors": [f"bad: {words}"],
    }
    return TokenResponse(status=400, headers=JSON, body=json.dumps(body).encode())


def _expect_hidden(hidden: Mapping[str, str], place: str, text: str) -> None:
    for what, value in hidden.items():
        expect(not shows(text, value), f"the {what} is in {place}")


class _Log(logging.Handler):
    """Keeps all that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, its exception too."""
        self.text += f"{self.format(record)}\n"


@contextmanager
def _logged() -> Iterator[_Log]:
    """Give all that any logger is told inside."""
    log, root = _Log(), logging.getLogger()
    before = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        root.removeHandler(log)
        root.setLevel(before)
