"""No secret and no token in any log record, exception, repr or traceback, whatever goes wrong."""

from __future__ import annotations

import logging
import traceback
from base64 import b64encode
from urllib.parse import quote

import pytest

from oauthreg.testing import Fault

SECRET = "s3cret/with+odd=chars%"
TOKEN = "t0ken.value-of-the-server"
BASIC = b64encode(f"app:{quote(SECRET, safe='')}".encode()).decode()
SUBJECT = "subject.token.planted"
PLANTED = (SECRET, quote(SECRET, safe=""), BASIC, TOKEN, SUBJECT)
ECHO = f"you sent {SECRET} as {quote(SECRET, safe='')} by {BASIC}"

FAULTS = {
    "error code": Fault(status=400, body={"error": SECRET}),
    "description": Fault(status=400, body={"error": "x", "error_description": ECHO[:250]}),
    "error uri": Fault(status=400, body={"error": "x", "error_uri": f"https://e/{SECRET}"}),
    "invalid client": Fault(
        status=401, body={"error": "invalid_client", "error_description": ECHO}
    ),
    "200 with error": Fault(body={"error": "x", "error_description": SECRET}),
    "html": Fault(status=200, body=f"<html>{ECHO}</html>"),
    "html 500": Fault(status=500, body=f"<html>{ECHO}</html>"),
    "no token": Fault(body={"token": TOKEN, "secret": SECRET}),
    "token type": Fault(body={"access_token": TOKEN, "token_type": f"mac {SECRET}"}),
    "bad token": Fault(body={"access_token": f"{TOKEN}\n{SECRET}", "token_type": "Bearer"}),
    "negative life": Fault(body={"access_token": TOKEN, "expires_in": -5}),
    "redirect": Fault(status=307, redirect_to=f"https://elsewhere.example/?s={quote(SECRET)}"),
    "429": Fault(status=429, body=ECHO, retry_after=3),
    "challenge": Fault(status=401, headers={"WWW-Authenticate": f'Basic realm="{SECRET}"'}),
    "content type": Fault(status=200, body="x", content_type=f"text/{SECRET}"),
    "dropped": Fault(drop="body", body=ECHO),
    "headers cut": Fault(drop="headers"),
    "reset": Fault(reset=True),
    "no answer": Fault(drop="before"),
    "array": Fault(body=[SECRET, TOKEN]),
    "form": Fault(body=f"access_token={TOKEN}&client_secret={quote(SECRET, safe='')}"),
    "oversized": Fault(body={"access_token": TOKEN}, oversized=1_100_000),
}


@pytest.fixture
def watched(make, server, caplog):
    server.add_client("app", SECRET)
    caplog.set_level(logging.DEBUG)
    events = []
    h = make({"client-secret": SECRET}, on_event=events.append)
    h.heard = events
    return h


def everything(error):
    """All the ways in which an error is shown, its whole chain included."""
    seen = []
    while error is not None and error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__
    for one in seen:
        yield from (str(one), repr(one), repr(vars(one)), repr(one.args))
        yield from traceback.format_exception(one)
        yield from traceback.TracebackException.from_exception(one, capture_locals=False).format()


def logged(caplog):
    """What was logged; but for the answer's own header fields, which httpcore2 logs if asked to."""
    for record in caplog.records:
        if not record.getMessage().startswith("receive_response_headers.complete"):
            yield f"{record.getMessage()} {record.args} {record.exc_info}"


def leaks(texts):
    return [text for text in texts if any(planted in text for planted in PLANTED)]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_failure_shows_no_secret(watched, server, caplog, fault):
    server.inject(fault)
    found = []
    for _ in range(2):
        call = watched.start(subject_token=SUBJECT)
        error = call.exception(10)
        if error is not None:
            found += everything(error)
    watched.settled()
    watched.told(watched.heard, 2)
    found += logged(caplog)
    found += map(repr, watched.heard)
    found += [repr(watched.manager.status())]
    assert leaks(found) == []


def test_success_shows_no_secret(watched, server, caplog):
    server.extra_fields = {"access_token": TOKEN}
    client = watched.authorize(subject_token=SUBJECT)
    manager = watched.manager
    shown = [client, client.access_token, client.registration, manager.registrations]
    shown += [
        manager._core.registry._configuration,
        manager._core.state.cache.entries,
        *watched.heard,
    ]
    shown += [entry.cached for entry in manager._core.state.cache.entries.values()]
    shown += [manager._core.fetch(manager._core.registry.find("app"))]
    texts = [text for one in shown for text in (repr(one), str(one), f"{one}")]
    texts += logged(caplog)
    assert leaks(texts) == []


def test_the_key_under_which_a_token_is_kept_shows_nothing(watched):
    watched.token(subject_token=SUBJECT)
    assert leaks(map(str, watched.manager._core.state.cache.entries)) == []


def test_a_plugin_that_raises_with_the_secret_does_not_leak_it(watched, caplog, monkeypatch):
    plugin = watched.manager._core.registry._configuration.entries["app"].plugin

    def fail(_self, context, _request):
        raise ValueError(context.secret.get_secret_value())

    monkeypatch.setattr(type(plugin), "authenticate", fail)
    error = watched.failure()
    shown = [str(error), repr(error), *traceback.format_exception(error)]
    shown += logged(caplog)
    assert leaks(shown) == []


def test_a_transport_that_raises_with_the_secret_does_not_leak_it(watched, caplog, monkeypatch):
    def fail(*_):
        raise UnicodeEncodeError("latin-1", SECRET, 0, 1, SECRET)

    monkeypatch.setattr(watched.runner, "_transport", fail)
    error = watched.failure()
    shown = [*everything(error), *logged(caplog)]
    assert leaks(shown) == []
