"""The device authorization grant: the code to type, and polling until somebody has."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from oauthreg._errors import (
    AuthorizationError,
    CallbackError,
    ConnectionFailedError,
    InvalidTokenResponseError,
    TlsError,
    TokenEndpointError,
)
from oauthreg._flow import Pause, TokenResponse, run
from oauthreg._grants.device_code import authorize_device, poll_device
from oauthreg._provider import GenericProvider, ProviderSettings
from oauthreg._secret_values import Secret

HOOKS = GenericProvider(ProviderSettings())
NOW = 1_800_000_000.0
DEVICE = {
    "device_code": "dc",
    "user_code": "ABCD",
    "verification_uri": "https://auth.example.com/go",
    "expires_in": 60,
}
REFUSED = {"error": "invalid_grant"}


def answer(fields=None, status: int = 200) -> TokenResponse:
    fields = {"access_token": "t", "expires_in": 60} if fields is None else fields
    return TokenResponse(status=status, body=json.dumps(fields).encode())


def test_a_device_authorization_gives_code_and_address(context, drive):
    made = context(scopes=("read", "write"))
    device = drive(authorize_device(made, HOOKS), answer({**DEVICE, "interval": 3})).result
    assert (device.user_code, device.interval, device.expires_at) == ("ABCD", 3, NOW + 60)
    assert device.verification_uri_complete is None
    assert "dc" not in repr(device)


def test_a_device_authorization_names_its_client_once_and_sends_no_parameters(context, drive):
    made = context(
        client_authentication_method="client_secret_basic",
        secret=Secret("s"),
        parameters={"api_key": "planted"},
        authorization_parameters={"prompt": "login"},
    )
    (request,) = drive(authorize_device(made, HOOKS), answer(DEVICE)).requests
    assert request.form == (("prompt", "login"), ("client_id", "id"))


WRONG_DEVICES = {
    "no JSON": (["x"], "no JSON object"),
    "no device_code": ({"user_code": "x"}, "no device_code"),
    "no end": ({**DEVICE, "expires_in": None}, "an expires_in that"),
    "an end beyond floats": ({**DEVICE, "expires_in": 10**400}, "an expires_in that"),
    "an end in the past": ({**DEVICE, "expires_in": -1}, "an expires_in that"),
    "an interval of no number": ({**DEVICE, "interval": "\nsoon"}, "an interval that"),
    "a code of two lines": ({**DEVICE, "user_code": "A\nrun this"}, "a user_code that is none"),
    "a code with a blank": ({**DEVICE, "user_code": "first run this"}, "a user_code that is none"),
    "a code without end": ({**DEVICE, "user_code": "A" * 65}, "a user_code that is none"),
    "a device code that is none": ({**DEVICE, "device_code": 5}, "a device_code that is none"),
    "plain http": ({**DEVICE, "verification_uri": "http://auth.example.com"}, "no https"),
    "a line end": ({**DEVICE, "verification_uri": "https://a.example/\nx"}, "no https"),
    "no text": ({**DEVICE, "verification_uri": 5}, "no https"),
    "a user": ({**DEVICE, "verification_uri": "https://a.example@evil.example/"}, "uri"),
    "the same in the other": ({**DEVICE, "verification_uri_complete": "https://a@b/"}, "uri"),
}


@pytest.mark.parametrize(("fields", "fault"), WRONG_DEVICES.values(), ids=WRONG_DEVICES)
def test_a_device_authorization_that_nobody_can_use_is_refused(context, drive, fields, fault):
    with pytest.raises(InvalidTokenResponseError, match=fault) as caught:
        drive(authorize_device(context(), HOOKS), answer(fields))
    assert str(caught.value).isprintable()
    assert not caught.value.retryable


@pytest.mark.parametrize(("fields", "status"), [(REFUSED, 401), (REFUSED, 200), ({}, 503)])
def test_a_device_authorization_may_be_refused(context, drive, fields, status):
    with pytest.raises(TokenEndpointError, match="the device authorization endpoint answered"):
        drive(authorize_device(context(), HOOKS), answer(fields, status))


@pytest.fixture
def device(context, drive):
    return drive(authorize_device(context(), HOOKS), answer(DEVICE)).result


@pytest.fixture
def poll(context, device):
    """Poll against answers: `poll(*answers)`; the pauses are all that takes time."""

    def poll(*answers):
        left, requests, pauses = list(answers), [], []

        def perform(step):
            if isinstance(step, Pause):
                return pauses.append(step.seconds)
            requests.append(step)
            said = left.pop(0)
            if isinstance(said, AuthorizationError):
                raise said
            return said

        run(poll_device(context(), HOOKS, device, now=lambda: NOW + sum(pauses)), perform)
        return SimpleNamespace(requests=requests, pauses=pauses)

    return poll


PENDING = answer({"error": "authorization_pending"}, 400)


def test_polling_waits_slows_down_and_survives_a_lost_answer(poll):
    done = poll(
        PENDING,
        answer({"error": "slow_down"}, 400),
        ConnectionFailedError("lost"),
        PENDING,
        answer(),
    )
    assert done.pauses == [5, 5, 10, 20, 10]
    assert dict(done.requests[0].form)["device_code"] == "dc"


TRANSIENT = [answer({}, 503), answer({}, 502), answer({}, 429), answer(["x"], 200)]


@pytest.mark.parametrize("said", TRANSIENT)
def test_polling_outlives_a_transient_answer(poll, said):
    done = poll(said, said, PENDING, answer())
    assert done.pauses == [5, 10, 20, 5]


def test_polling_keeps_the_wait_that_the_server_asks_for(poll):
    busy = TokenResponse(status=503, headers={"retry-after": "40"})
    assert poll(busy, answer()).pauses == [5, 40]


@pytest.mark.parametrize("change", [{"registration_id": "other"}, {"issuer": None}])
def test_a_device_code_is_not_sent_to_another_server(context, drive, device, change):
    flow = poll_device(context(), HOOKS, replace(device, **change), now=lambda: NOW)
    with pytest.raises(CallbackError, match="this login was begun"):
        drive(flow)


def test_polling_ends_with_the_users_refusal(poll):
    with pytest.raises(TokenEndpointError, match="access_denied"):
        poll(answer({"error": "access_denied"}, 400))


def test_polling_ends_with_a_failure_that_lasts(poll):
    with pytest.raises(TlsError):
        poll(TlsError("no trust"))


def test_polling_ends_with_the_code_and_not_later(poll, device):
    with pytest.raises(AuthorizationError, match="nobody logged in before") as caught:
        poll(*[TokenResponse(status=503, headers={"retry-after": "600"})])
    assert caught.value.hint == "Start the login again."
